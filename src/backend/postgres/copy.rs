//! The binary format of `COPY`, both ways.
//!
//! Format: PostgreSQL's documentation of `COPY`, "Binary Format". A counter column is a big-endian number there; a
//! logical value has 8 bytes little-endian.

use crate::catalog::ValueKind;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Bytes sent at once: the client library copies them into its own buffer.
const CHUNK: usize = 256 << 10;

/// A fault in a stream of rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Another format.
    Format,
    /// A row with another number of columns.
    Columns,
    /// A key or value that is NULL.
    Null,
}

impl Malformed {
    /// The fault as a clause.
    pub fn reason(&self) -> &'static str {
        match self {
            Malformed::Format => "the database sends something that is not COPY's binary format",
            Malformed::Columns => "a row has an unexpected number of columns",
            Malformed::Null => "a row has a NULL, which the server never writes",
        }
    }
}

/// Decodes rows from the stream of the database.
pub(super) struct Decoder {
    value: ValueKind,
    header: bool,
    // The start of a row whose rest has not arrived.
    carry: Vec<u8>,
}

/// One record: a key, and its value with room for a counter's bytes.
pub(super) struct CopyRow<'a> {
    pub key: &'a [u8],
    value: &'a [u8],
    counter: Option<[u8; 8]>,
}

impl CopyRow<'_> {
    /// The logical value.
    pub fn value(&self) -> &[u8] {
        self.counter.as_ref().map_or(self.value, |counter| counter.as_slice())
    }
}

impl Decoder {
    pub fn new(value: ValueKind) -> Self {
        Decoder { value, header: false, carry: Vec::new() }
    }

    /// Joins the rest of the previous data with `arrived`. In practice whole rows arrive, so nothing is copied.
    pub fn receive<'a>(&mut self, arrived: &'a [u8], joined: &'a mut Vec<u8>) -> &'a [u8] {
        if self.carry.is_empty() {
            return arrived;
        }
        std::mem::swap(joined, &mut self.carry);
        self.carry.clear();
        joined.extend_from_slice(arrived);
        joined
    }

    /// The next row; `None` if no whole one is left.
    pub fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Result<Option<CopyRow<'a>>, Malformed> {
        let Some(after) = self.parse(rest)? else {
            self.carry.extend_from_slice(rest);
            *rest = &[];
            return Ok(None);
        };
        Ok(after)
    }

    /// Whether everything that arrived has been decoded.
    pub fn complete(&self) -> bool {
        self.carry.is_empty()
    }

    // The outer `None` means that bytes are missing, the inner one the end of the stream.
    fn parse<'a>(&mut self, rest: &mut &'a [u8]) -> Result<Option<Option<CopyRow<'a>>>, Malformed> {
        let mut at = *rest;
        if !self.header {
            if !at.is_empty() && !SIGNATURE.starts_with(at.get(..SIGNATURE.len()).unwrap_or(at)) {
                return Err(Malformed::Format);
            }
            let Some((_, after)) = at.split_at_checked(SIGNATURE.len() + 4) else { return Ok(None) };
            let Some((extension, after)) = field(after) else { return Ok(None) };
            if extension.is_none() {
                return Err(Malformed::Format);
            }
            self.header = true;
            at = after;
            *rest = at;
        }
        if at.is_empty() {
            return Ok(Some(None));
        }
        let Some((columns, after)) = at.split_first_chunk::<2>() else { return Ok(None) };
        at = after;
        match (i16::from_be_bytes(*columns), self.value) {
            (-1, _) => {
                *rest = at;
                return Ok(Some(None));
            }
            (1, ValueKind::None) => {}
            (2, ValueKind::Bytes | ValueKind::Blob | ValueKind::Counter) => {}
            _ => return Err(Malformed::Columns),
        }
        let Some((key, after)) = field(at) else { return Ok(None) };
        let (value, after) = match self.value {
            ValueKind::None => (Some(&[][..]), after),
            _ => match field(after) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let (Some(key), Some(value)) = (key, value) else { return Err(Malformed::Null) };
        *rest = after;
        let counter = match self.value {
            ValueKind::Counter => value.try_into().ok().map(|n| i64::from_be_bytes(n).to_le_bytes()),
            _ => None,
        };
        Ok(Some(Some(CopyRow { key, value, counter })))
    }
}

/// A length and the bytes of that length, or NULL; `None` if bytes are missing.
fn field(at: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, after) = at.split_first_chunk::<4>()?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => after.split_at_checked(length).map(|(field, after)| (Some(field), after)),
        Err(_) => Some((None, after)),
    }
}

/// Encodes rows for the database. The caller sends full chunks.
pub(super) struct Encoder {
    value: ValueKind,
    chunk: Vec<u8>,
}

impl Encoder {
    pub fn new(value: ValueKind) -> Self {
        let mut chunk = Vec::with_capacity(CHUNK + 64);
        chunk.extend_from_slice(SIGNATURE);
        chunk.extend_from_slice(&[0; 8]);
        Encoder { value, chunk }
    }

    /// Adds a row. Returns a value that is larger than a chunk, to be sent after the chunk without a copy.
    pub fn push<'a>(&mut self, key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        let columns: i16 = if self.value == ValueKind::None { 1 } else { 2 };
        self.chunk.extend_from_slice(&columns.to_be_bytes());
        self.length(key.len());
        self.chunk.extend_from_slice(key);
        match (self.value, <[u8; 8]>::try_from(value)) {
            (ValueKind::None, _) => {}
            (ValueKind::Counter, Ok(number)) => {
                self.length(8);
                self.chunk.extend_from_slice(&i64::from_le_bytes(number).to_be_bytes());
            }
            _ => {
                self.length(value.len());
                if value.len() >= CHUNK {
                    return Some(value);
                }
                self.chunk.extend_from_slice(value);
            }
        }
        None
    }

    /// Ends the stream.
    pub fn end(&mut self) {
        self.chunk.extend_from_slice(&(-1i16).to_be_bytes());
    }

    /// Whether the chunk should be sent.
    pub fn full(&self) -> bool {
        self.chunk.len() >= CHUNK
    }

    /// The bytes to send.
    pub fn chunk(&self) -> &[u8] {
        &self.chunk
    }

    /// Clears the chunk after it was sent.
    pub fn sent(&mut self) {
        self.chunk.clear();
    }

    fn length(&mut self, length: usize) {
        // Values too long for a field were refused before; the database refuses a negative length.
        self.chunk.extend_from_slice(&i32::try_from(length).unwrap_or(-2).to_be_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type CopyRows = Vec<(Vec<u8>, Vec<u8>)>;
    type Case<'a> = (ValueKind, Vec<(&'a [u8], &'a [u8])>);

    fn encode(kind: ValueKind, records: &[(&[u8], &[u8])]) -> Vec<u8> {
        let (mut encoder, mut bytes) = (Encoder::new(kind), Vec::new());
        for (key, value) in records {
            if let Some(large) = encoder.push(key, value) {
                bytes.extend_from_slice(encoder.chunk());
                encoder.sent();
                bytes.extend_from_slice(large);
            }
        }
        encoder.end();
        bytes.extend_from_slice(encoder.chunk());
        bytes
    }

    fn decode(kind: ValueKind, bytes: &[u8], step: usize) -> Result<CopyRows, Malformed> {
        let (mut decoder, mut records) = (Decoder::new(kind), Vec::new());
        for arrived in bytes.chunks(step) {
            let mut joined = Vec::new();
            let mut rest = decoder.receive(arrived, &mut joined);
            while let Some(record) = decoder.next(&mut rest)? {
                records.push((record.key.to_vec(), record.value().to_vec()));
            }
        }
        if decoder.complete() { Ok(records) } else { Err(Malformed::Format) }
    }

    #[test]
    fn rows_survive_the_journey_in_pieces_of_any_size() {
        let huge = vec![7; CHUNK + 1];
        let counter = (-2i64).to_le_bytes();
        let cases: [Case<'_>; 4] = [
            (ValueKind::Bytes, vec![(b"", b""), (b"\0", b"v"), (b"\xff\n", b"\xff")]),
            (ValueKind::None, vec![(b"a", b""), (b"b", b"")]),
            (ValueKind::Counter, vec![(b"n", &counter)]),
            (ValueKind::Blob, vec![(b"t", &huge), (b"u", b"x")]),
        ];
        for (kind, records) in cases {
            let bytes = encode(kind, &records);
            for step in [1, 2, 7, 1000, usize::MAX] {
                let expect: Vec<_> = records.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
                assert_eq!(decode(kind, &bytes, step.min(bytes.len())).unwrap(), expect, "{kind:?} {step}");
                if step == 1 && bytes.len() > 10_000 {
                    break;
                }
            }
        }
    }

    #[test]
    fn malformed_rows_are_errors() {
        let good = encode(ValueKind::Bytes, &[(b"k", b"v")]);
        let mut null = good[..19].to_vec();
        null.extend_from_slice(b"\0\x02\xff\xff\xff\xff\0\0\0\0");
        for (kind, bytes, expect) in [
            (ValueKind::None, good.clone(), Malformed::Columns),
            (ValueKind::Bytes, null, Malformed::Null),
            (ValueKind::Bytes, good[..25].to_vec(), Malformed::Format),
            (ValueKind::Bytes, b"PGCOPY\n\xfe".to_vec(), Malformed::Format),
            (ValueKind::Bytes, b"k\tv\n".to_vec(), Malformed::Format),
        ] {
            assert_eq!(decode(kind, &bytes, bytes.len()), Err(expect));
        }
    }
}
