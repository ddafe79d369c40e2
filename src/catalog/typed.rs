//! Typed keys: what the generated enums can do, and the functions of a subspace that are made of it.
//!
//! Callers reach a subspace through function pointers in its descriptor, so that only the schema names a key type.

use super::layouts::Layout;
use crate::codec::Value;

/// Takes the segments of a key.
pub type SegmentSink<'s> = dyn FnMut(&[Value<'_>]) + 's;

/// The keys of a subspace: an enum with a variant per form of keys, generated from the schema.
///
/// Numbers are plain integers: values that have no name survive a round trip. Keys borrow from the bytes they were
/// decoded from, and nothing allocates.
pub trait TypedKey: std::fmt::Debug {
    /// The type of keys that borrow for so long.
    type Of<'k>: TypedKey;

    /// The layouts of all versions.
    const LAYOUTS: &'static [Layout];

    /// Index of the first layout of a version that accepts a key. Layouts before `from` are left out where they share
    /// keys with others.
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize>;

    /// Reads a key as one of a layout, even if the layout does not accept it: missing parts are zero or empty. `None`
    /// if there is no such layout.
    fn read(layout: usize, key: &[u8]) -> Option<Self::Of<'_>>;

    /// Passes the segments of the key to `with`, in order.
    fn segments(&self, with: &mut SegmentSink<'_>);

    /// Reads a key of a version; every byte belongs to a field or is a constant.
    #[inline]
    fn decode(key: &[u8], version: u32) -> Option<Self::Of<'_>> {
        Self::read(Self::layout_of(key, version, 0)?, key)
    }

    /// Appends the key, without the letter.
    fn encode(&self, out: &mut Vec<u8>) {
        self.segments(&mut |values| values.iter().for_each(|value| value.put(out)));
    }
}

/// The code of a subspace's keys in one version. The version is a constant, so that layouts of other versions cost
/// nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    /// The first layout that accepts a key, from an index on.
    pub layout_of: fn(&[u8], usize) -> Option<&'static Layout>,
    /// The layout of a key whose value may have this length; `None` only means that the value must be checked against
    /// the rules.
    pub accepts: fn(&[u8], usize) -> Option<&'static Layout>,
    /// The segments of a key, read as one of the layout of this index.
    pub segments: fn(usize, &[u8], &mut SegmentSink<'_>),
}

impl Keys {
    /// No key at all.
    pub(super) const NONE: Keys =
        Keys { layout_of: |_, _| None, accepts: |_, _| None, segments: |_, _, _| {} };

    pub(super) const fn of<K: TypedKey, const VERSION: u32>() -> Keys {
        Keys { layout_of: layout_of::<K, VERSION>, accepts: accepts::<K, VERSION>, segments: segments::<K> }
    }
}

fn layout_of<K: TypedKey, const VERSION: u32>(key: &[u8], from: usize) -> Option<&'static Layout> {
    K::LAYOUTS.get(K::layout_of(key, VERSION, from)?)
}

fn accepts<K: TypedKey, const VERSION: u32>(key: &[u8], length: usize) -> Option<&'static Layout> {
    let layout = K::LAYOUTS.get(K::layout_of(key, VERSION, 0)?)?;
    layout.takes(length).then_some(layout)
}

fn segments<K: TypedKey>(layout: usize, key: &[u8], with: &mut SegmentSink<'_>) {
    if let Some(key) = K::read(layout, key) {
        key.segments(with);
    }
}
