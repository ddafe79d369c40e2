//! Parses lists of objects and errors of services from XML.
//!
//! Names of elements are compared without namespace and case, because services differ in both. A document that is not
//! well-formed to its end is not accepted as a list. Contains nothing specific to S3 or Azure.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// Name without namespace, in lower case.
    pub name: String,
    /// Whether an attribute `Encoded` marks the text as percent-encoded.
    pub encoded: bool,
    /// Text with entities resolved; empty for an element without text.
    pub text: String,
}

/// A list of items in a service's answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// The elements of every item.
    pub items: Vec<Vec<Field>>,
    /// The elements outside of the items.
    pub fields: Vec<Field>,
}

/// The element names of a list.
pub(super) struct ElementNames {
    /// The outermost element.
    pub root: &'static str,
    /// An item.
    pub item: &'static str,
    /// An element that stands for several items that are not listed one by one.
    pub group: &'static str,
}

/// Why a document is not accepted as a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoList {
    /// It is another or an incomplete document.
    Other,
    /// It groups several objects under one name, so that they are not listed.
    Grouped,
}

/// Parses a list. Another document must not be mistaken for an empty list.
pub(super) fn list(document: &str, names: &ElementNames) -> Result<List, NoList> {
    let mut list = List::default();
    // Names of the open elements.
    let mut open: Vec<String> = Vec::new();
    let (mut inside, mut ended) = (false, false);
    let mut reader = reader(document);
    loop {
        match reader.read_event().map_err(|_| NoList::Other)? {
            Event::Start(_) if ended => return Err(NoList::Other),
            Event::Start(tag) => {
                let field = field_of(&tag);
                match open.len() {
                    0 if !is(&field.name, names.root) => return Err(NoList::Other),
                    0 => {}
                    // Azure has its items one level deeper than S3.
                    1 | 2 if !inside && is(&field.name, names.item) => {
                        list.items.push(Vec::new());
                        inside = true;
                    }
                    _ if is(&field.name, names.group) => return Err(NoList::Grouped),
                    _ => list.current(inside).push(field.clone()),
                }
                open.push(field.name);
            }
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                inside &= open.len() > 2 || !is(&name, names.item);
                ended = open.is_empty();
            }
            Event::Eof => return if ended { Ok(list) } else { Err(NoList::Other) },
            event => {
                let text = text_of_event(&event).ok_or(NoList::Other)?;
                // White space between elements belongs to none.
                if let (Some(name), Some(field)) = (open.last(), list.current(inside).last_mut())
                    && field.name == *name
                {
                    field.text.push_str(&text);
                }
            }
        }
    }
}

impl List {
    fn current(&mut self, inside: bool) -> &mut Vec<Field> {
        match self.items.last_mut() {
            Some(item) if inside => item,
            _ => &mut self.fields,
        }
    }
}

/// The text of a field; `None` if there is no such element.
pub(super) fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields.iter().find(|field| is(&field.name, name)).map(|field| field.text.as_str())
}

/// The text of the first element of this name; empty if it has none.
pub(super) fn text_of(document: &str, element: &str) -> Option<String> {
    let mut reader = reader(document);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if is(&field_of(&tag).name, element) => break,
            Event::Eof => return None,
            _ => {}
        }
    }
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) | Event::End(_) | Event::Eof => return Some(text),
            event => text.push_str(&text_of_event(&event)?),
        }
    }
}

fn reader(document: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    reader
}

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

fn field_of(tag: &BytesStart) -> Field {
    let name = String::from_utf8_lossy(tag.local_name().as_ref()).to_ascii_lowercase();
    let encoded = tag.attributes().flatten().any(|attribute| {
        attribute.key.local_name().as_ref().eq_ignore_ascii_case(b"encoded")
            && matches!(attribute.value.to_ascii_lowercase().as_slice(), b"true" | b"1")
    });
    Field { name, encoded, text: String::new() }
}

/// The text of an event; empty for comments and the like, `None` for an entity that is not one of XML's own.
fn text_of_event(event: &Event) -> Option<String> {
    match event {
        Event::Text(text) => text.decode().ok().map(|text| text.into_owned()),
        Event::CData(text) => text.decode().ok().map(|text| text.into_owned()),
        Event::GeneralRef(entity) => match entity.resolve_char_ref().ok()? {
            Some(character) => Some(character.to_string()),
            None => quick_xml::escape::resolve_predefined_entity(&entity.decode().ok()?).map(str::to_owned),
        },
        _ => Some(String::new()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NAMES: ElementNames = ElementNames { root: "R", item: "I", group: "G" };

    fn plain(list: &List) -> Vec<Vec<(&str, &str)>> {
        let all = list.items.iter().chain([&list.fields]);
        all.map(|fields| fields.iter().map(|f| (f.name.as_str(), f.text.as_str())).collect()).collect()
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let document = "\u{feff}<?xml version=\"1.0\"?><!-- x > y --><R><Name>b</Name>\n<I><Key a=\">\" \
                        e:Encoded='True'>k &lt; &#x41;&#66;<!-- - --><![CDATA[<raw>]]></Key><P><S>2</S></P></I><I/> \
                        <T>true</T><E/></R>";
        let found = list(document, &NAMES).unwrap();
        assert_eq!(
            plain(&found),
            [
                vec![("key", "k < AB<raw>"), ("p", ""), ("s", "2")],
                vec![],
                vec![("name", "b"), ("t", "true"), ("e", "")]
            ]
        );
        assert!(found.items[0][0].encoded && !found.items[0][2].encoded);
        assert_eq!((field(&found.fields, "NAME"), field(&found.fields, "E")), (Some("b"), Some("")));
        assert_eq!(field(&found.fields, "Key"), None);
        for (end, _) in document.char_indices() {
            assert_eq!(list(&document[..end], &NAMES), Err(NoList::Other), "{}", &document[..end]);
        }
    }

    #[test]
    fn items_may_lie_one_level_deeper() {
        let found = list("<R><Is><I><K>1</K></I><I><K>2</K></I></Is><N/></R>", &NAMES).unwrap();
        assert_eq!(plain(&found), [vec![("k", "1")], vec![("k", "2")], vec![("is", ""), ("n", "")]]);
    }

    #[test]
    fn names_count_without_namespace_and_case() {
        let document = "<x:r xmlns:x='u'><x:i><y:KEY>k</y:KEY></x:i><x:t>1</x:t></x:r>";
        let found = list(document, &NAMES).unwrap();
        assert_eq!(plain(&found), [vec![("key", "k")], vec![("t", "1")]]);
    }

    #[test]
    fn what_is_no_list_or_hides_objects_is_told_apart() {
        for (document, why) in [
            ("", NoList::Other),
            ("<html><R></R></html>", NoList::Other),
            ("<R></R><R></R>", NoList::Other),
            ("<R><I></R></I>", NoList::Other),
            ("<R>&unknown;</R>", NoList::Other),
            ("<R><G><P>a</P></G></R>", NoList::Grouped),
            ("<R><B><G/></B></R>", NoList::Grouped),
        ] {
            assert_eq!(list(document, &NAMES), Err(why), "{document}");
        }
    }

    #[test]
    fn the_text_of_an_element_is_found() {
        let document = "<Error><B/><a:Code>x&amp;y</a:Code></Error>";
        assert_eq!(text_of(document, "code").as_deref(), Some("x&y"));
        assert_eq!(text_of(document, "B").as_deref(), Some(""));
        for broken in ["", "<", "<a", "<Code", "<!--", "<![CDATA[x", "text", "<a><b", "&#xffffffff;&#;&;"] {
            assert_eq!(text_of(broken, "Code"), None, "{broken}");
        }
    }
}
