//! The `{:?}` of typed keys: names and values of their fields against those that the interpreter finds.
//!
//! The types are listed by version and letter, since nothing but a test asks for the type of a key by its letter.

use stalwart_migrate::catalog::{self, Layout, Subspace, TypedKey, keys};

use super::field_text;
use crate::oracle;

/// Reads a key as the type that its version and letter have.
macro_rules! read {
    ($subspace:expr, $key:expr, { $($of:pat => $type:ident,)* }) => {
        match ($subspace.version, $subspace.letter) {
            $($of => {
                let decoded = keys::$type::decode($key, $subspace.version);
                (stringify!($type), decoded.map(|decoded| format!("{decoded:?}")))
            })*
            other => panic!("no key type of {other:?}: add it to this list"),
        }
    };
}

/// The name of the key type, and the `{:?}` of the key.
fn typed(subspace: &Subspace, key: &[u8]) -> (&'static str, Option<String>) {
    read!(subspace, key, {
        (1..=6, 'a') => AclKey,
        (1..=4, 'b') => BitmapIdKey,
        (6, 'b') => RegistryIdxKey,
        (1..=4, 'c') => BitmapTagKey,
        (1..=5, 'd') => DirectoryV1Key,
        (6, 'd') => DirectoryKey,
        (1..=6, 'e') => QueueMessageKey,
        (1..=5, 'f') => TaskQueueV1Key,
        (6, 'f') => TaskQueueKey,
        (1..=4, 'g') => FtsIndexKey,
        (6, 'g') => RegistryPkKey,
        (1..=5, 'h') => ReportOutV1Key,
        (6, 'h') => ReportOutKey,
        (1..=6, 'i') => IndexesKey,
        (1..=4, 'j') => BlobReserveKey,
        (5, 'j') => BlobExtraKey,
        (6, 'j') => DeletedItemsKey,
        (1..=4, 'k') => BlobLinkV1Key,
        (5..=6, 'k') => BlobLinkKey,
        (1..=6, 'l') => LogsKey,
        (1..=6, 'm') => InMemoryValueKey,
        (1..=6, 'n') => CounterKey,
        (1..=5, 'o') => TelemetrySpanV1Key,
        (6, 'o') => TelemetrySpanKey,
        (1..=6, 'p') => PropertyKey,
        (1..=2, 'q') => QueueEventV1Key,
        (3..=6, 'q') => QueueEventKey,
        (1..=5, 'r') => ReportInV1Key,
        (6, 'r') => ReportInKey,
        (1..=5, 's') => SettingsKey,
        (6, 's') => RegistryKey,
        (1..=6, 't') => BlobsKey,
        (1..=6, 'u') => QuotaKey,
        (1..=4, 'v') => BitmapTextKey,
        (1..=4, 'w') => TelemetryIndexKey,
        (6, 'w') => SpamSamplesKey,
        (1..=5, 'x') => TelemetryMetricV1Key,
        (6, 'x') => TelemetryMetricKey,
        (1..=6, 'y') => InMemoryCounterKey,
        (5..=6, 'z') => SearchIndexKey,
    })
}

fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}

/// The first version that has a layout.
fn first_version(layout: &Layout) -> u32 {
    let has = |subspace: &Subspace| subspace.layouts.iter().any(|other| std::ptr::eq(*other, layout));
    catalog::versions().iter().find(|version| version.subspaces.iter().any(has)).unwrap().number
}

/// The interpreter's fields as the `{:?}` of a key.
fn expected(layout: &Layout, variant: &str, key: &[u8]) -> String {
    let fields = oracle::fields(layout, key).into_iter();
    let fields: Vec<String> = fields.map(|(segment, value)| field_text(segment.name, value)).collect();
    match &fields[..] {
        [] => variant.to_owned(),
        fields => format!("{variant} {{ {} }}", fields.join(", ")),
    }
}

/// Compares the `{:?}` of a key, and the names of its type and variant, with the layout that the interpreter finds.
pub fn agrees(subspace: &Subspace, layout: Option<&Layout>, key: &[u8]) {
    let what = || format!("version {} {} {key:02x?}", subspace.version, subspace.letter);
    let (name, debug) = typed(subspace, key);
    let end = name.strip_prefix(&camel(subspace.name)).and_then(|end| end.strip_suffix("Key"));
    let first = end.and_then(|end| end.strip_prefix('V')).map(|number| number.parse::<u32>());
    assert!(
        end == Some("") || first.is_some_and(|first| first.is_ok_and(|first| first <= subspace.version)),
        "{name} of {subspace}"
    );
    let Some(layout) = layout else { return assert_eq!(debug, None, "{}", what()) };
    // A later form of the keys of a name carries the version that it begins with.
    let variant = camel(layout.name);
    let versioned = format!("{variant}V{}", first_version(layout));
    let debug = debug.unwrap_or_else(|| panic!("{} is no key", what()));
    let begins = debug.strip_prefix(&versioned).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let variant = if begins { versioned } else { variant };
    assert_eq!(debug, expected(layout, &variant, key), "{}", what());
}
