//! As much of XML as lists of objects and errors of services are made of.
//!
//! A walk over start tags, texts and end tags. No namespaces, no entities beyond the five, nothing that grows
//! with what is read.

/// A piece of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A start tag: name and attributes as they stand.
    Start(&'a str, &'a str),
    /// Text between tags, entities resolved.
    Text(String),
    /// An end tag, or the end of an empty element.
    End(&'a str),
}

/// The pieces of a document, until its end or until it is none.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    empty: Option<&'a str>,
}

impl<'a> Pieces<'a> {
    pub fn new(document: &'a str) -> Self {
        Pieces { rest: document, empty: None }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.empty.take() {
            return Some(Piece::End(name));
        }
        loop {
            let Some(tag) = self.rest.strip_prefix('<') else {
                if self.rest.is_empty() {
                    return None;
                }
                let (text, rest) = self.rest.split_at(self.rest.find('<').unwrap_or(self.rest.len()));
                self.rest = rest;
                return Some(Piece::Text(resolved(text)));
            };
            if let Some(data) = tag.strip_prefix("![CDATA[") {
                let (text, rest) = data.split_once("]]>")?;
                self.rest = rest;
                return Some(Piece::Text(text.to_string()));
            }
            if let Some(comment) = tag.strip_prefix("!--") {
                self.rest = comment.split_once("-->")?.1;
                continue;
            }
            let (tag, rest) = tag.split_once('>')?;
            self.rest = rest;
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                return Some(Piece::End(name.trim_end()));
            }
            let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            self.empty = empty.then_some(name);
            return Some(Piece::Start(name, attributes.trim()));
        }
    }
}

/// The text of the first element of this name; empty if it has none.
pub(super) fn text_of(document: &str, element: &str) -> Option<String> {
    let mut pieces = Pieces::new(document);
    pieces.find(|piece| matches!(piece, Piece::Start(name, _) if *name == element))?;
    match pieces.next()? {
        Piece::Text(text) => Some(text),
        _ => Some(String::new()),
    }
}

/// An element of an item: name, attributes, text.
pub(super) type Field<'a> = (&'a str, &'a str, String);

/// A list of items as services answer with.
pub(super) struct List<'a> {
    /// The elements of every item.
    pub items: Vec<Vec<Field<'a>>>,
    /// The elements beside them.
    pub fields: Vec<Field<'a>>,
}

/// The `item`s of a document whose outermost element is `root`; `None` if it is no such document or not all
/// of it, which must not be taken for an empty list.
pub(super) fn list<'a>(document: &'a str, root: &str, item: &str) -> Option<List<'a>> {
    let mut list = List { items: Vec::new(), fields: Vec::new() };
    let (mut inside, mut started, mut ended) = (false, false, false);
    let mut open: Option<(&str, &str)> = None;
    for piece in Pieces::new(document) {
        match piece {
            Piece::Start(name, _) if !started => {
                if name != root {
                    return None;
                }
                started = true;
            }
            Piece::Start(name, _) if name == item => {
                list.items.push(Vec::new());
                (inside, open) = (true, None);
            }
            Piece::Start(name, attributes) => open = Some((name, attributes)),
            Piece::Text(text) => {
                let Some((name, attributes)) = open else { continue };
                let fields = if inside { list.items.last_mut() } else { Some(&mut list.fields) };
                fields?.push((name, attributes, text));
            }
            Piece::End(name) => {
                open = None;
                inside &= name != item;
                ended |= name == root;
            }
        }
    }
    ended.then_some(list)
}

/// The text of a field.
pub(super) fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields.iter().find(|(found, ..)| *found == name).map(|(.., text)| text.as_str())
}

fn resolved(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        whole.push_str(before);
        let entity = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        match entity {
            Some((character, after)) => {
                whole.push(character);
                rest = after;
            }
            None => {
                whole.push('&');
                rest = after;
            }
        }
    }
    whole.push_str(rest);
    whole
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let number = match number.strip_prefix(|c: char| c.eq_ignore_ascii_case(&'X')) {
                Some(number) => u32::from_str_radix(number, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order() {
        let document = "\u{feff}<?xml version=\"1.0\"?><!-- x > y --><A b=\"c\">1 &lt; 2 &#x41;&#66; &unknown; &<B/>\
                        <![CDATA[<raw>]]></A>";
        let pieces: Vec<Piece> = Pieces::new(document).skip(1).collect();
        assert_eq!(
            pieces,
            [
                Piece::Start("A", "b=\"c\""),
                Piece::Text("1 < 2 AB &unknown; &".to_string()),
                Piece::Start("B", ""),
                Piece::End("B"),
                Piece::Text("<raw>".to_string()),
                Piece::End("A"),
            ]
        );
        assert_eq!(text_of(document, "B").as_deref(), Some(""));
        assert_eq!(text_of(document, "C"), None);
        assert_eq!(text_of("<Code>x</Code>", "Code").as_deref(), Some("x"));
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let document =
            "<?xml?><R><Name>b</Name><I><Key e=\"1\">k</Key><P><S>2</S></P></I><I/><T>true</T></R>";
        let found = list(document, "R", "I").unwrap();
        assert_eq!(
            found.items,
            [vec![("Key", "e=\"1\"", "k".to_string()), ("S", "", "2".to_string())], vec![]]
        );
        assert_eq!((field(&found.fields, "Name"), field(&found.fields, "T")), (Some("b"), Some("true")));
        for end in 0..document.len() {
            assert!(list(&document[..end], "R", "I").is_none(), "{}", &document[..end]);
        }
        assert!(list("<html><R></R></html>", "R", "I").is_none());
    }

    #[test]
    fn what_is_no_document_ends() {
        for broken in ["", "<", "<a", "<!--", "<![CDATA[x", "text", "<a><b", "&#xffffffff;&#;&;"] {
            assert!(Pieces::new(broken).count() < 3, "{broken}");
        }
    }
}
