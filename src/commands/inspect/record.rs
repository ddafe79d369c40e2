//! One record in words: its key field by field, its value as bytes or as the number it is.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::base::hex::hex;
use crate::catalog::{FieldValue, Subspace, ValueForm, ValueKind};

/// A record taken apart for a person or a program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Letter of its subspace.
    pub subspace: char,
    /// Key in hex.
    pub key: String,
    /// Name of the key's layout; `None` if no layout accepts it.
    pub layout: Option<&'static str>,
    /// Fields of the key by name.
    pub fields: BTreeMap<&'static str, FieldData>,
    /// Layout and fields in words.
    pub described: String,
    /// Length of the value.
    pub value_bytes: u64,
    /// The value of a counter.
    pub counter: Option<i64>,
    /// The beginning of the value, or all of it.
    #[serde(serialize_with = "as_hex")]
    pub value: Vec<u8>,
    /// What is wrong with the record, according to its layout and its archive trailer.
    pub problem: Option<String>,
}

/// A field of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldData {
    /// A number.
    Number(u64),
    /// Bytes in hex, with `0x` in front.
    Bytes(String),
}

impl Record {
    /// Takes a record apart and keeps at most `shown` bytes of its value.
    pub(super) fn new(subspace: &'static Subspace, key: &[u8], value: &[u8], shown: usize) -> Record {
        let layout = subspace.layout(key).ok();
        let mut fields = BTreeMap::new();
        if let Some(layout) = layout {
            subspace.fields(layout, key, |segment, value| {
                let data = match value {
                    FieldValue::Number(number) => FieldData::Number(number),
                    FieldValue::Bytes(bytes) => FieldData::Bytes(format!("0x{}", hex(bytes))),
                };
                fields.insert(segment.name, data);
            });
        }
        let counter = (subspace.value == ValueKind::Counter).then(|| value.try_into().ok()).flatten();
        Record {
            subspace: subspace.letter,
            key: hex(key),
            layout: layout.map(|layout| layout.name),
            fields,
            described: subspace.describe(key),
            value_bytes: value.len() as u64,
            counter: counter.map(i64::from_le_bytes),
            value: value.get(..shown.min(value.len())).unwrap_or_default().to_vec(),
            problem: problem(subspace, key, value),
        }
    }
}

fn problem(subspace: &'static Subspace, key: &[u8], value: &[u8]) -> Option<String> {
    let layout = match subspace.check(key, value) {
        Ok(layout) => layout,
        Err(problem) => return Some(problem.to_string()),
    };
    let archive = subspace.value == ValueKind::Bytes && layout.value_form(key) == ValueForm::Archive;
    if !archive {
        return None;
    }
    let checked = crate::catalog::Archive::parse(value).and_then(|archive| archive.check());
    checked.err().map(str::to_string)
}

fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}
