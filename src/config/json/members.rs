//! The members of a JSON object: their types, their defaults, and secrets as nested objects.
//!
//! Contains how a member is read, not which members there are. Members that are not read are ignored, as in the
//! server.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::base::error::{Error, Result};
use crate::config::macros::Lookup;
use crate::config::object::region::{CUSTOM, Region};
use crate::config::object::{Members, Unused};
use crate::config::secrets;
use crate::settings::{Secret, shown};

/// An object and its path in the file.
pub(super) struct Object<'a> {
    pub(super) map: &'a Map<String, Value>,
    /// Empty, or the names that lead here with a dot after each.
    pub(super) within: String,
    pub(super) env: Lookup<'a>,
    /// Whether limits apply: the server checks values that come through its API, not those of the file that it starts
    /// from.
    pub(super) checked: bool,
}

const LACKS: &str = "the configuration lacks a member";
const EMPTY: &str = "a member that is needed is empty";

impl<'a> Object<'a> {
    /// A text that exists and is not empty.
    pub(super) fn filled(&self, name: &str) -> Result<String> {
        match self.map.get(name) {
            Some(Value::String(text)) if text.is_empty() => {
                Err(self.wrong(name, EMPTY).help("give it a value"))
            }
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.not(name, "a string")),
            None => Err(self.wrong(name, LACKS).help("add it")),
        }
    }

    /// A member that is an object.
    pub(super) fn inner(&self, name: &str, map: &'a Map<String, Value>) -> Object<'a> {
        Object { map, within: format!("{}{name}.", self.within), env: self.env, checked: self.checked }
    }

    /// An error about a member of the wrong form. Never shows its value.
    pub(super) fn not(&self, name: &str, expected: &str) -> Error {
        self.wrong(name, format!("a member is not {expected}")).help("correct it")
    }

    pub(super) fn wrong(&self, name: &str, what: impl Into<String>) -> Error {
        Error::usage(what).with("key", format!("{}{name}", self.within))
    }

    fn whole(&self, name: &str, value: &Value, limits: RangeInclusive<u64>) -> Result<u64> {
        let least = if self.checked { *limits.start() } else { 0 };
        match value.as_u64() {
            Some(number) if (least..=*limits.end()).contains(&number) => Ok(number),
            _ if self.checked && limits != (0..=u64::MAX) => {
                let (from, to) = (limits.start(), limits.end());
                Err(self.not(name, &format!("a whole number from {from} to {to}, without quotes")))
            }
            _ => Err(self.not(name, "a whole number in range, without quotes")),
        }
    }

    fn resolved(
        &self,
        name: &str,
        map: &'a Map<String, Value>,
        value_member: &str,
    ) -> Result<Option<Secret>> {
        let secret = self.inner(name, map);
        let placed = |member: &'static str| {
            let key = format!("{}{member}", secret.within);
            move |error: Error| error.with("key", key.clone())
        };
        match secret.filled("@type")?.as_str() {
            "None" => Ok(None),
            "Value" => match map.get(value_member) {
                Some(Value::String(text)) if text.is_empty() && self.checked => {
                    Err(secret.wrong(value_member, EMPTY).help("give it a value"))
                }
                Some(Value::String(text)) => Ok(Some(Secret::new(text))),
                Some(_) => Err(secret.not(value_member, "a string")),
                None => Err(secret.wrong(value_member, LACKS).help("add it")),
            },
            "EnvironmentVariable" => {
                let variable = secret.filled("variableName")?;
                secrets::of_environment(&variable, self.env, placed("variableName")).map(Some)
            }
            "File" => secrets::of_file(&secret.filled("filePath")?, placed("filePath")).map(Some),
            // The value is not shown: it may be the secret itself.
            _ => Err(secret.not("@type", "None, Value, EnvironmentVariable or File")),
        }
    }
}

impl Members for Object<'_> {
    fn required(&mut self, name: &'static str) -> Result<String> {
        self.filled(name)
    }

    fn text(&mut self, name: &'static str, default: &'static str) -> Result<String> {
        if self.map.contains_key(name) { self.filled(name) } else { Ok(default.to_string()) }
    }

    fn optional_text(&mut self, name: &'static str, default: Option<&'static str>) -> Result<Option<String>> {
        match self.map.get(name) {
            Some(Value::String(text)) if text.is_empty() && self.checked => {
                Err(self.wrong(name, "a member is empty").help("give it a value, or null"))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            Some(_) => Err(self.not(name, "a string or null")),
            None => Ok(default.map(str::to_string)),
        }
    }

    fn number(&mut self, name: &'static str, limits: RangeInclusive<u64>, default: u64) -> Result<u64> {
        self.map.get(name).map_or(Ok(default), |value| self.whole(name, value, limits))
    }

    fn optional_number(
        &mut self,
        name: &'static str,
        limits: RangeInclusive<u64>,
        default: Option<u64>,
    ) -> Result<Option<u64>> {
        match self.map.get(name) {
            Some(Value::Null) => Ok(None),
            Some(value) => self.whole(name, value, limits).map(Some),
            None => Ok(default),
        }
    }

    fn flag(&mut self, name: &'static str) -> Result<bool> {
        match self.map.get(name) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.not(name, "true or false")),
            None => Ok(false),
        }
    }

    fn secret(&mut self, name: &'static str) -> Result<Option<Secret>> {
        match self.map.get(name) {
            Some(Value::Object(map)) => self.resolved(name, map, "secret"),
            Some(_) => Err(self.not(name, "an object with @type")),
            None => Ok(None),
        }
    }

    fn access_key(&mut self, name: &'static str) -> Result<Option<Secret>> {
        match self.map.get(name) {
            Some(Value::Object(map)) => self.resolved(name, map, "value"),
            // Up to 0.16.15 it was a string or null.
            _ => Ok(self.optional_text(name, None)?.map(Secret::new)),
        }
    }

    fn region(&mut self, name: &'static str) -> Result<Region> {
        let (word, inner) = match self.map.get(name) {
            Some(Value::Object(map)) => {
                let inner = self.inner(name, map);
                (inner.filled("@type")?, Some(inner))
            }
            Some(Value::String(word)) => (word.clone(), None),
            Some(_) => return Err(self.not(name, "a string or an object with @type")),
            None => return Err(self.wrong(name, LACKS).help("add it")),
        };
        if let Some(inner) = inner.filter(|_| word == CUSTOM) {
            let endpoint = Some(inner.filled("customEndpoint")?);
            return Ok(Region { endpoint, name: inner.filled("customRegion")? });
        }
        Region::named(&word).ok_or_else(|| {
            self.wrong(name, format!("unknown region {}", shown(&word))).help(
                "write it as UsEast1, or as an object with @type Custom, customEndpoint and customRegion",
            )
        })
    }

    fn addition(&mut self, name: &'static str) -> Result<Option<String>> {
        self.optional_text(name, None)
    }

    fn unused(&mut self, _: &'static str, _: Unused) -> Result<()> {
        Ok(())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    fn refuse(&self, name: &'static str, what: &str) -> Error {
        self.wrong(name, what)
    }
}
