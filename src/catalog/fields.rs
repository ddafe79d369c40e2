//! Keys for people: fields by name, keys in words, and beginnings of keys from words.
//!
//! Fields are read through typed keys. A beginning has only some of the fields, so it cannot be a typed key and is
//! written segment by segment from the descriptors.

use std::fmt::Write;

use super::descriptors::Subspace;
use super::layouts::{Layout, Segment, SegmentKind};
use super::typed::SegmentSink;
use crate::base::hex::{hex, unhex};
use crate::codec::{Value, is_term_hash, is_token_hash};

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'k> {
    /// A number of any width.
    Number(u64),
    /// Bytes.
    Bytes(&'k [u8]),
}

impl Subspace {
    /// Passes the segments of a key to `with`. The layout accepts the key.
    pub fn segments(&self, layout: &Layout, key: &[u8], with: &mut SegmentSink<'_>) {
        (self.keys.segments)(layout.index, key, with);
    }

    /// Passes every field of a key to `each`, but no constants. The layout accepts the key.
    pub fn fields(
        &self,
        layout: &Layout,
        key: &[u8],
        mut each: impl FnMut(&'static Segment, FieldValue<'_>),
    ) {
        self.segments(layout, key, &mut |values| {
            for (segment, value) in layout.segments.iter().zip(values) {
                match *value {
                    Value::Const(_) => {}
                    Value::U8(number) => each(segment, FieldValue::Number(number.into())),
                    Value::U16(number) => each(segment, FieldValue::Number(number.into())),
                    Value::U32(number) => each(segment, FieldValue::Number(number.into())),
                    Value::U64(number) | Value::Leb(number) => each(segment, FieldValue::Number(number)),
                    Value::Bytes(bytes) => each(segment, FieldValue::Bytes(bytes)),
                }
            }
        });
    }

    /// Layout and fields of a key in words, as `property account=7 collection=0 (Email) field=50
    /// document=42`; hex where no layout accepts it.
    pub fn describe(&self, key: &[u8]) -> String {
        let Ok(layout) = self.layout(key) else { return format!("0x{}", hex(key)) };
        let mut out = layout.name.to_owned();
        self.fields(layout, key, |segment, value| {
            let _ = write!(out, " {}=", segment.name);
            match value {
                FieldValue::Number(number) => {
                    let _ = write!(out, "{number}");
                    let mut names = segment.names.in_version(self.version);
                    if let Some((_, name)) = names.find(|(value, _)| *value == number) {
                        let _ = write!(out, " ({name})");
                    }
                }
                FieldValue::Bytes(bytes) => write_bytes(&mut out, unpadded(segment, bytes)),
            }
        });
        out
    }

    /// The beginning of every key of a layout whose fields have these values, by name: numbers in decimal or `0x…`,
    /// bytes as text or `0x…` hex. It ends before the first field that is not given.
    ///
    /// # Errors
    ///
    /// The name of the first field that the layout does not have, that comes after one that is not given, or
    /// whose value does not fit.
    pub fn prefix<'f>(&self, layout: &Layout, given: &[(&'f str, &'f str)]) -> Result<Vec<u8>, &'f str> {
        let mut out = Vec::new();
        let mut used = 0;
        for segment in layout.segments {
            if let SegmentKind::Const(bytes) = segment.kind {
                out.extend_from_slice(bytes);
                continue;
            }
            let Some((name, text)) = given.iter().find(|(name, _)| *name == segment.name) else { break };
            write_given(&mut out, segment, self.version, text).ok_or(*name)?;
            used += 1;
        }
        if used == given.len() {
            return Ok(out);
        }
        let reached = |name: &str| {
            layout.segments.iter().filter(|s| !s.name.is_empty()).take(used).any(|s| s.name == name)
        };
        match given.iter().find(|(name, _)| !reached(name)) {
            Some((name, _)) => Err(name),
            None => Ok(out),
        }
    }
}

impl Layout {
    /// The constant that every key begins with, if there is one.
    pub fn start(&self) -> &'static [u8] {
        match self.segments.first().map(|segment| segment.kind) {
            Some(SegmentKind::Const(bytes)) => bytes,
            _ => &[],
        }
    }
}

// Names of fixed width are padded with zeros, which are not printed; `given_bytes` adds them.
fn unpadded<'k>(segment: &Segment, bytes: &'k [u8]) -> &'k [u8] {
    let text = bytes.iter().rposition(|byte| *byte != 0).and_then(|last| bytes.get(..=last));
    match (segment.kind, text) {
        (SegmentKind::Bytes(_), Some(text)) if text.iter().all(u8::is_ascii_graphic) => text,
        _ => bytes,
    }
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        // Text with control characters is printed as hex: it is no text, or it would spoil a line.
        Ok(text) if !text.chars().any(char::is_control) => {
            let _ = write!(out, "{text:?}");
        }
        _ => {
            let _ = write!(out, "0x{}", hex(bytes));
        }
    }
}

fn write_given(out: &mut Vec<u8>, segment: &Segment, version: u32, text: &str) -> Option<()> {
    let number = || {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => {
                let named =
                    segment.names.in_version(version).find(|(_, name)| name.eq_ignore_ascii_case(text));
                named.map(|(value, _)| value).or_else(|| text.parse().ok())?
            }
        };
        let allowed = segment.allowed.iter().any(|(from, to)| (*from..=*to).contains(&number));
        (segment.allowed.is_empty() || allowed).then_some(number)
    };
    let bytes;
    let value = match segment.kind {
        SegmentKind::U8 => Value::U8(u8::try_from(number()?).ok()?),
        SegmentKind::U16 => Value::U16(u16::try_from(number()?).ok()?),
        SegmentKind::U32 => Value::U32(u32::try_from(number()?).ok()?),
        SegmentKind::U64 => Value::U64(number()?),
        SegmentKind::Leb32 => Value::Leb(u32::try_from(number()?).ok()?.into()),
        SegmentKind::Leb64 => Value::Leb(number()?),
        _ => {
            bytes = given_bytes(segment.kind, text)?;
            Value::Bytes(&bytes)
        }
    };
    value.put(out);
    Some(())
}

/// The bytes of a segment that is no number; `None` if they do not fit.
fn given_bytes(kind: SegmentKind, text: &str) -> Option<Vec<u8>> {
    let bytes = match (text.strip_prefix("0x"), kind) {
        (Some(digits), _) => unhex(digits)?,
        (None, SegmentKind::Bytes(width)) if text.len() < width => {
            let mut padded = text.as_bytes().to_vec();
            padded.resize(width, 0);
            padded
        }
        (None, _) => text.as_bytes().to_vec(),
    };
    let fits = match kind {
        SegmentKind::Bytes(width) => bytes.len() == width,
        SegmentKind::Hash => bytes.len() == 32,
        SegmentKind::TermHash => is_term_hash(&bytes),
        SegmentKind::TokenHash => is_token_hash(&bytes),
        _ => true,
    };
    fits.then_some(bytes)
}
