//! The server's binary format of a registry object: a marker, then fields without names, lengths or an end.
//!
//! Contains how a field is written, not which fields there are. No length is trusted: no memory is allocated ahead of
//! the data. source: `crates/registry/src/pickle.rs` @ v0.16.18

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::base::error::{Error, Result};
use crate::config::macros::Lookup;
use crate::config::object::region::{self, Region};
use crate::config::object::{Members, Unused};
use crate::config::secrets;
use crate::settings::Secret;

/// Limit in bytes of an object. The server writes none above 200 000.
const MAX_OBJECT: usize = 256 << 10;

/// The bit of the marker that means that the rest is compressed; the other bits are the version.
const COMPRESSED: u8 = 0x80;

/// Maximum ratio of the decompressed to the compressed length of an LZ4 block.
const LZ4_RATIO: usize = 255;

/// An object without its envelope.
pub(super) struct Envelope<'a> {
    /// Version of the object's type.
    pub(super) version: u8,
    pub(super) body: Cow<'a, [u8]>,
}

impl<'a> Envelope<'a> {
    /// Removes the marker and decompresses the rest.
    pub(super) fn open(value: &'a [u8]) -> Result<Envelope<'a>> {
        if value.len() > MAX_OBJECT {
            return Err(Error::usage(format!("the registry object is larger than {MAX_OBJECT} bytes")));
        }
        let Some((marker, rest)) = value.split_first() else {
            return Err(Error::usage("the registry object is empty"));
        };
        let body = match marker & COMPRESSED {
            0 => Cow::Borrowed(rest),
            _ => Cow::Owned(decompress(rest)?),
        };
        Ok(Envelope { version: marker & !COMPRESSED, body })
    }
}

fn decompress(rest: &[u8]) -> Result<Vec<u8>> {
    let wrong = || Error::usage("the registry object does not decompress");
    let (length, block) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| wrong())?;
    // A stated length that the block cannot have is not allocated.
    if length > block.len().saturating_mul(LZ4_RATIO) {
        return Err(wrong());
    }
    if length > MAX_OBJECT {
        return Err(Error::usage(format!(
            "the registry object is larger than {MAX_OBJECT} bytes, decompressed"
        )));
    }
    let mut body = vec![0; length];
    let written = lz4_flex::block::decompress_into(block, &mut body).map_err(|_| wrong())?;
    if written == length { Ok(body) } else { Err(wrong()) }
}

/// Reads the fields of a body.
pub(super) struct Pickle<'a> {
    body: &'a [u8],
    version: u8,
    env: Lookup<'a>,
    at: usize,
    /// The current field and its offset.
    field: &'static str,
    begin: usize,
    /// Empty, or the path of the fields with a dot after it.
    within: String,
}

impl<'a> Pickle<'a> {
    pub(super) fn new(body: &'a [u8], version: u8, env: Lookup<'a>) -> Pickle<'a> {
        Pickle { body, version, env, at: 0, field: "", begin: 0, within: String::new() }
    }

    /// Sets an element of a list as the path of the next fields.
    pub(super) fn enter(&mut self, list: &str, index: u64) {
        self.within = format!("{list}.{index}.");
    }

    /// Sets the next field.
    pub(super) fn begin(&mut self, field: &'static str) {
        self.field = field;
        self.begin = self.at;
    }

    /// Checks that no bytes are left over.
    pub(super) fn end(&self) -> Result<()> {
        match self.body.len() - self.at {
            0 => Ok(()),
            left => Err(Error::usage(format!("{left} bytes are left over after the registry object"))
                .with("byte", self.offset(self.at))),
        }
    }

    /// An error about the current field.
    pub(super) fn wrong(&self, what: impl Into<String>) -> Error {
        Error::usage(what)
            .with("field", format!("{}{}", self.within, self.field))
            .with("byte", self.offset(self.begin))
    }

    // Offset in the value, where the marker is byte 0.
    fn offset(&self, at: usize) -> String {
        (at + 1).to_string()
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.body.get(self.at).copied().ok_or_else(|| self.cut())?;
        self.at += 1;
        Ok(byte)
    }

    fn cut(&self) -> Error {
        self.wrong("the registry object ends within a field")
    }

    /// A number as LEB128.
    pub(super) fn leb128(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.wrong("a number of a registry object has more than 64 bits"))
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong("a switch of a registry object is neither 0 nor 1")),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.leb128()?;
        let rest = self.body.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let bytes = taken.ok_or_else(|| self.cut())?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn string(&mut self) -> Result<&'a str> {
        let bytes = self.bytes()?;
        // The bytes themselves are not shown: they may be secret.
        std::str::from_utf8(bytes).map_err(|_| self.wrong("a text of a registry object is not UTF-8"))
    }

    fn filled(&mut self) -> Result<&'a str> {
        match self.string()? {
            "" => Err(self.wrong("a text of a registry object is empty")),
            text => Ok(text),
        }
    }

    fn limited(&self, number: u64, limits: RangeInclusive<u64>) -> Result<u64> {
        if limits.contains(&number) {
            return Ok(number);
        }
        let (from, to) = (limits.start(), limits.end());
        Err(self.wrong(format!("a number of a registry object is not one from {from} to {to}")))
    }

    fn resolved(&mut self) -> Result<Option<Secret>> {
        let form = self.leb128()?;
        if form == 0 {
            return Ok(None);
        }
        if form > 3 {
            return Err(self.wrong("a secret of a registry object has an unknown form"));
        }
        let text = self.filled()?;
        let placed = |error: Error| {
            let field = format!("{}{}", self.within, self.field);
            error.with("field", field).with("byte", self.offset(self.begin))
        };
        match form {
            1 => Ok(Secret::new(text)),
            2 => secrets::of_environment(text, self.env, placed),
            _ => secrets::of_file(text, placed),
        }
        .map(Some)
    }

    fn optional(&mut self, pass: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.boolean()? { pass(self) } else { Ok(()) }
    }

    /// A copy of the database: host, port, database, user, secret and, with them, options.
    fn replica(&mut self, options: bool) -> Result<()> {
        self.bytes()?;
        self.leb128()?;
        self.bytes()?;
        self.optional(|it| it.bytes().map(drop))?;
        // Skipped without being resolved: the secret of a copy is not needed.
        match self.leb128()? {
            0 => {}
            1..=3 => drop(self.bytes()?),
            _ => return Err(self.wrong("a secret of a registry object has an unknown form")),
        }
        if options { self.optional(|it| it.bytes().map(drop)) } else { Ok(()) }
    }
}

impl Members for Pickle<'_> {
    fn required(&mut self, name: &'static str) -> Result<String> {
        self.begin(name);
        Ok(self.filled()?.to_string())
    }

    fn text(&mut self, name: &'static str, _: &'static str) -> Result<String> {
        self.required(name)
    }

    fn optional_text(&mut self, name: &'static str, _: Option<&'static str>) -> Result<Option<String>> {
        self.begin(name);
        if self.boolean()? { Ok(Some(self.filled()?.to_string())) } else { Ok(None) }
    }

    fn number(&mut self, name: &'static str, limits: RangeInclusive<u64>, _: u64) -> Result<u64> {
        self.begin(name);
        let number = self.leb128()?;
        self.limited(number, limits)
    }

    fn optional_number(
        &mut self,
        name: &'static str,
        limits: RangeInclusive<u64>,
        _: Option<u64>,
    ) -> Result<Option<u64>> {
        self.begin(name);
        if !self.boolean()? {
            return Ok(None);
        }
        let number = self.leb128()?;
        self.limited(number, limits).map(Some)
    }

    fn flag(&mut self, name: &'static str) -> Result<bool> {
        self.begin(name);
        self.boolean()
    }

    fn secret(&mut self, name: &'static str) -> Result<Option<Secret>> {
        self.begin(name);
        self.resolved()
    }

    fn access_key(&mut self, name: &'static str) -> Result<Option<Secret>> {
        // Up to 0.16.15 it was a text or none, which has the same encoding.
        self.secret(name)
    }

    fn region(&mut self, name: &'static str) -> Result<Region> {
        self.begin(name);
        let number = self.leb128()?;
        if region::is_custom(number) {
            self.begin("region.customEndpoint");
            let endpoint = Some(self.filled()?.to_string());
            self.begin("region.customRegion");
            return Ok(Region { endpoint, name: self.filled()?.to_string() });
        }
        Region::numbered(number).ok_or_else(|| self.wrong(format!("unknown region number {number}")))
    }

    fn addition(&mut self, _: &'static str) -> Result<Option<String>> {
        Ok(None)
    }

    fn unused(&mut self, name: &'static str, form: Unused) -> Result<()> {
        self.begin(name);
        match form {
            Unused::FlagSince(version) if self.version < version => Ok(()),
            Unused::FlagSince(_) => self.boolean().map(drop),
            Unused::OptionalNumber => self.optional(|it| it.leb128().map(drop)),
            Unused::Choice(words) => {
                let number = self.leb128()?;
                self.limited(number, 0..=words.saturating_sub(1)).map(drop)
            }
            Unused::Replicas { options } => {
                let count = self.leb128()?;
                // Each copy takes bytes, so that a count beyond the data ends with the data.
                for _ in 0..count {
                    self.replica(options)?;
                }
                Ok(())
            }
        }
    }

    fn environment(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    fn refuse(&self, name: &'static str, what: &str) -> Error {
        Error::usage(what)
            .with("field", format!("{}{name}", self.within))
            .with("byte", self.offset(self.begin))
    }
}
