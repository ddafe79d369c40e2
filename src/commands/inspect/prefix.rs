//! From field names and values to the beginnings of keys.
//!
//! Every layout that begins with the fields gives a beginning. The catalog defines how values are written.

use crate::base::error::{Error, Result};
use crate::catalog::{Layout, Segment, Subspace};

/// Beginnings of the keys that are wanted, and the layouts they belong to.
pub(super) struct Prefixes {
    layouts: Vec<(&'static str, Vec<u8>)>,
    bytes: Vec<Vec<u8>>,
}

impl Prefixes {
    /// The beginnings of keys with these fields, given as `name=value`; without fields, the beginning of every key.
    ///
    /// Errors: usage, naming the field that is wrong and the valid ones.
    pub(super) fn of(subspace: &'static Subspace, given: &[String]) -> Result<Prefixes> {
        let mut fields = Vec::new();
        for text in given {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Error::usage(format!("{text:?} is no field and value"))
                    .help("write a prefix as field=value; bytes with a comma as field=0x… in hex")
            })?;
            let name = name.trim();
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(Error::usage(format!("the field {name:?} is given twice"))
                    .help("name each field once in --prefix"));
            }
            fields.push((name, value.trim()));
        }
        let layouts =
            subspace.layouts.iter().filter_map(|l| Some((l.name, subspace.prefix(l, &fields).ok()?)));
        let layouts: Vec<_> = layouts.collect();
        if layouts.is_empty() {
            return Err(mistake(subspace, &fields));
        }
        let mut bytes: Vec<Vec<u8>> = layouts.iter().map(|(_, prefix)| prefix.clone()).collect();
        bytes.sort();
        // Keys with a longer prefix also begin with the shorter one.
        bytes.dedup_by(|longer, shorter| longer.starts_with(shorter));
        Ok(Prefixes { layouts, bytes })
    }

    /// Ascending, and none the beginning of another.
    pub(super) fn bytes(&self) -> &[Vec<u8>] {
        &self.bytes
    }

    /// Whether the fields of this key, which begins with one of the prefixes, are those that were asked for. Keys
    /// of no layout pass: they may be what the user looks for.
    pub(super) fn hold(&self, subspace: &'static Subspace, key: &[u8]) -> bool {
        let Ok(layout) = subspace.layout(key) else { return true };
        self.layouts.iter().any(|(name, prefix)| *name == layout.name && key.starts_with(prefix))
    }
}

/// Why no layout has a beginning with these fields.
fn mistake(subspace: &'static Subspace, fields: &[(&str, &str)]) -> Error {
    let error = |what: String| {
        let layouts: Vec<String> = subspace.layouts.iter().map(|layout| shape(layout)).collect();
        Error::usage(what)
            .with("subspace", subspace.to_string())
            .help(format!("its keys are: {}", layouts.join("; ")))
    };
    let unknown =
        |name: &str| !subspace.layouts.iter().flat_map(|layout| named(layout)).any(|s| s.name == name);
    if let Some((name, _)) = fields.iter().find(|(name, _)| unknown(name)) {
        return error(format!("no key has a field {name:?}"));
    }
    let has = |layout: &Layout, name: &str| named(layout).any(|segment| segment.name == name);
    let Some(layout) = subspace.layouts.iter().find(|l| fields.iter().all(|(name, _)| has(l, name))) else {
        return error("no layout has all of these fields".to_string());
    };
    let missing = named(layout).take(fields.len()).find(|s| !fields.iter().any(|(name, _)| *name == s.name));
    match (missing, subspace.prefix(layout, fields)) {
        (Some(segment), _) => {
            error(format!("a prefix has no gaps: {:?} comes first and is not given", segment.name))
        }
        (None, Err(name)) => error(format!("the value of {name:?} does not fit the field")),
        (None, Ok(_)) => error("no key has these fields".to_string()),
    }
}

/// The fields of a layout, without constants.
fn named(layout: &Layout) -> impl Iterator<Item = &'static Segment> {
    layout.segments.iter().filter(|segment| !segment.name.is_empty())
}

fn shape(layout: &Layout) -> String {
    let fields: Vec<&str> = named(layout).map(|segment| segment.name).collect();
    if fields.is_empty() {
        format!("{} (no fields)", layout.name)
    } else {
        format!("{} ({})", layout.name, fields.join(", "))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog;

    fn prefixes(letter: char, fields: &[&str]) -> Result<Prefixes> {
        let given: Vec<String> = fields.iter().map(|field| field.to_string()).collect();
        Prefixes::of(catalog::version(5).unwrap().subspace(letter).unwrap(), &given)
    }

    #[test]
    fn fields_become_prefixes_of_every_layout_that_has_them_in_front() {
        let check = |letter: char, fields: &[&str], expect: &[&[u8]]| {
            assert_eq!(prefixes(letter, fields).unwrap().bytes(), expect, "{letter} {fields:?}");
        };
        check('p', &[], &[&[]]);
        check('p', &["account=7"], &[&[0, 0, 0, 7]]);
        check('p', &["account=7", "collection=Mailbox"], &[&[0, 0, 0, 7, 1]]);
        check('p', &["collection=0x01", "account=0x7"], &[&[0, 0, 0, 7, 1]]);
        check('d', &["principal=300"], &[&[2, 0xac, 2], &[5, 0, 0, 1, 0x2c]]);
        check('s', &["name=server."], &[b"server."]);
    }

    #[test]
    fn mistakes_name_the_field_and_the_valid_ones() {
        let check = |letter: char, fields: &[&str], expect: &str| {
            let error = prefixes(letter, fields).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), crate::base::error::ErrorKind::Usage);
            let text = error.to_string();
            assert!(text.starts_with(expect) && text.contains("; its keys are: "), "{text}");
        };
        check('p', &["colour=7"], "no key has a field \"colour\" (subspace p (property))");
        check('p', &["collection=0"], "a prefix has no gaps: \"account\" comes first and is not given");
        check('p', &["account=7", "field=1"], "a prefix has no gaps: \"collection\" comes first");
        check('p', &["account=seven"], "the value of \"account\" does not fit the field");
        check('p', &["account=4294967296"], "the value of \"account\" does not fit the field");
        check('d', &["name=x", "principal=1"], "no layout has all of these fields");
        let text = |fields: &[&str]| prefixes('p', fields).map(|_| ()).unwrap_err().to_string();
        assert!(text(&["account=7", "account=8"]).starts_with("the field \"account\" is given twice; "));
        assert!(text(&["account"]).starts_with("\"account\" is no field and value; "));
    }

    #[test]
    fn keys_of_layouts_without_the_fields_are_not_taken_for_theirs() {
        let subspace = catalog::version(5).unwrap().subspace('k').unwrap();
        let hash = format!("hash=0x{}", "07".repeat(32));
        let prefixes = Prefixes::of(subspace, &[hash, "account=1".to_string()]).unwrap();
        let mut link = vec![7; 32];
        link.extend([0, 0, 0, 1, 0, 0, 0, 0, 9]);
        assert!(prefixes.hold(subspace, &link));
        assert!(!prefixes.hold(subspace, &[7; 32]));
        assert!(prefixes.hold(subspace, &[7; 33]), "a key of no layout may be the one in question");
    }
}
