//! Operations that change keys. None returns an error: the next operation that can, or the commit, does.

use super::{State, Transaction};
use crate::atomic;
use crate::code::Code;
use crate::limits;
use crate::mutation::{Mutation, Operation};
use crate::store::log::Span;

const SYSTEM: &[u8] = b"\xff";
const SPECIAL: &[u8] = b"\xff\xff";

impl Transaction {
    pub(crate) fn set(&self, key: &[u8], value: &[u8]) {
        self.write(|state| {
            state.check_key(key)?;
            check_value(value)?;
            let value: crate::future::Bytes = value.into();
            state.work.own.set(key, value.clone());
            state.add(
                Mutation::Set(key.to_vec(), value.clone()),
                key.len() + value.len(),
                Some(Span::one(key)),
            );
            Ok(())
        });
    }

    pub(crate) fn clear(&self, key: &[u8]) {
        if key.len() > limits::SYSTEM_KEY {
            // There is no such key, so that it is cleared already.
            return;
        }
        self.write(|state| {
            state.check_legal(key)?;
            state.clear(Span::one(key));
            Ok(())
        });
    }

    pub(crate) fn clear_range(&self, begin: &[u8], end: &[u8]) {
        self.write(|state| {
            let limit = if state.options.write_system_keys { SPECIAL } else { SYSTEM };
            if begin > limit || end > limit {
                return Err(Code::KEY_OUTSIDE_RANGE);
            }
            if begin > end {
                return Err(Code::INVERTED_RANGE);
            }
            state.clear(Span::new(begin, end));
            Ok(())
        });
    }

    pub(crate) fn atomic(&self, key: &[u8], parameter: &[u8], kind: u32) {
        self.write(|state| {
            check_value(parameter)?;
            let size = key.len() + parameter.len();
            match kind {
                14 => {
                    // A version stands for the one that is not known yet.
                    let stamped = atomic::stamped(key, 0).ok_or(Code::INVALID_OPERATION)?;
                    state.check_key(&stamped)?;
                    // Which range it conflicts with is known when it is committed.
                    state.add(Mutation::StampedKey(key.to_vec(), parameter.into()), size, None);
                }
                15 => {
                    state.check_key(key)?;
                    atomic::stamped(parameter, 0).ok_or(Code::INVALID_OPERATION)?;
                    state.work.own.unreadable(key);
                    let mutation = Mutation::StampedValue(key.to_vec(), parameter.to_vec());
                    state.add(mutation, size, Some(Span::one(key)));
                }
                code => {
                    let operation = Operation::of_code(code).ok_or(Code::INVALID_MUTATION)?;
                    state.check_key(key)?;
                    state.work.own.atomic(operation, key, parameter);
                    let mutation = Mutation::Atomic(operation, key.to_vec(), parameter.to_vec());
                    state.add(mutation, size, Some(Span::one(key)));
                }
            }
            Ok(())
        });
    }

    /// Adds a range that the transaction is taken to have read, or written.
    pub(crate) fn add_conflict_range(&self, begin: &[u8], end: &[u8], write: bool) -> Result<(), Code> {
        if begin > end {
            return Err(Code::INVERTED_RANGE);
        }
        if end > SPECIAL {
            return Err(Code::KEY_OUTSIDE_RANGE);
        }
        let mut state = self.state();
        let work = &mut state.work;
        let ranges = if write { &mut work.writes } else { &mut work.reads };
        ranges.push(Span::new(begin, end));
        if write {
            work.size += begin.len() + end.len() + limits::RANGE;
        }
        Ok(())
    }

    fn write(&self, write: impl FnOnce(&mut State) -> Result<(), Code>) {
        let mut state = self.state();
        if state.work.committing {
            state.defer(Code::USED_DURING_COMMIT);
        } else if let Err(code) = write(&mut state) {
            state.defer(code);
        }
    }
}

fn check_value(value: &[u8]) -> Result<(), Code> {
    if value.len() > limits::VALUE { Err(Code::VALUE_TOO_LARGE) } else { Ok(()) }
}

impl State {
    fn check_legal(&self, key: &[u8]) -> Result<(), Code> {
        if key.starts_with(SPECIAL) {
            return Err(Code::SPECIAL_KEY_WRITE);
        }
        let system = key.starts_with(SYSTEM) && !self.options.write_system_keys;
        if system { Err(Code::KEY_OUTSIDE_RANGE) } else { Ok(()) }
    }

    fn check_key(&self, key: &[u8]) -> Result<(), Code> {
        self.check_legal(key)?;
        let longest = if key.starts_with(SYSTEM) { limits::SYSTEM_KEY } else { limits::KEY };
        if key.len() > longest { Err(Code::KEY_TOO_LARGE) } else { Ok(()) }
    }

    fn clear(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        self.work.own.clear(&span);
        let size = span.begin.len() + span.end.len();
        self.add(Mutation::Clear(span.clone()), size, Some(span));
    }

    fn add(&mut self, mutation: Mutation, size: usize, conflict: Option<Span>) {
        self.work.mutations.push(mutation);
        self.work.size += size + limits::MUTATION;
        let without = std::mem::take(&mut self.options.next_write_without_conflict);
        if let Some(span) = conflict.filter(|_| !without) {
            self.work.size += span.begin.len() + span.end.len() + limits::RANGE;
            self.work.writes.push(span);
        }
    }
}
