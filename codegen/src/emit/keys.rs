//! Typed keys: an enum per entry with a variant per form of its keys, and how they are recognised, read and written.
//!
//! `layout_of` is one `match` on the length: an arm per variant, in the order of the schema, guarded by its constants
//! and restrictions. Everything that decodes or checks a key goes through it; fields are read at fixed offsets from
//! either end where they can be.

use proc_macro2::TokenStream;
use quote::quote;

use super::{NamedSubspace, bytes, doc, ident, plain};
use crate::model::{Begin, IntSet, Lengths, Range, Segment, SegmentKind, begins};
use crate::names::KeyForm;

/// The enum of an entry and its code.
pub(super) fn items(entry: &NamedSubspace<'_>) -> Vec<TokenStream> {
    let (name, statics, subspace) = (entry.key(), entry.statics(), entry.subspace);
    let life = |life: TokenStream| entry.borrows().then(|| quote! { <#life> });
    let (key, any, of) = (life(quote! { 'k }), life(quote! { '_ }), life(quote! { 'k }));
    let title = subspace.title.as_ref().map_or("", |title| title.value.as_str());
    let title = doc(&format!("{title} (`subspaces.{}`).", subspace.name.value));
    let variants = entry.forms.iter().map(variant);
    let forms = entry.forms.iter().map(|form| arm(form, subspace.versions));
    let (mut reads, mut from_end) = (Vec::new(), false);
    for form in &entry.forms {
        let indexes = form.layouts.iter().map(|(index, _)| plain(*index));
        let (variant, layout) = (ident(&form.name), walk(form.segments(), Offsets::Read));
        from_end |= layout.reads_from_end;
        let fields = form.segments().iter().zip(layout.reads).filter(|(segment, _)| !segment.name.is_empty());
        let fields = fields.map(|(segment, read)| {
            let field = ident(&segment.name);
            quote! { #field: #read }
        });
        reads.push(quote! { #(#indexes)|* => #name::#variant { #(#fields),* }, });
    }
    let len = from_end.then(|| quote! { let len = key.len(); });
    let writes = entry.forms.iter().map(|form| {
        let (variant, fields) = (ident(&form.name), form.fields().map(|segment| ident(&segment.name)));
        let values = form.segments().iter().map(value);
        quote! { #name::#variant { #(#fields),* } => with(&[#(#values),*]), }
    });
    vec![
        quote! {
            #title
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum #name #key { #(#variants)* }
        },
        quote! {
            impl TypedKey for #name #any {
                type Of<'k> = #name #of;
                const LAYOUTS: &'static [Layout] = &#statics;
                #[inline(always)]
                fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
                    Some(match key.len() {
                        #(#forms)*
                        _ => return None,
                    })
                }
                #[inline(always)]
                fn read(layout: usize, key: &[u8]) -> Option<#name #any> {
                    #len
                    Some(match layout {
                        #(#reads)*
                        _ => return None,
                    })
                }
                fn segments(&self, with: &mut SegmentSink<'_>) {
                    match *self { #(#writes)* }
                }
            }
        },
    ]
}

fn variant(form: &KeyForm<'_>) -> TokenStream {
    let words = form.layouts.first().and_then(|(_, layout)| layout.doc.as_ref());
    let (doc, name) = (doc(words.map_or("", |doc| doc.value.as_str())), ident(&form.name));
    let fields = form.fields().map(|segment| {
        let (name, kind) = (ident(&segment.name), field_type(&segment.kind));
        quote! { #name: #kind }
    });
    // Braces even without fields, so that every variant is matched and built alike.
    quote! { #doc #name { #(#fields),* }, }
}

fn field_type(kind: &SegmentKind) -> TokenStream {
    match kind {
        SegmentKind::U8 => quote! { u8 },
        SegmentKind::U16 => quote! { u16 },
        SegmentKind::U32 | SegmentKind::Leb32 => quote! { u32 },
        SegmentKind::U64 | SegmentKind::Leb64 => quote! { u64 },
        SegmentKind::Hash => quote! { &'k [u8; 32] },
        SegmentKind::Bytes(n) => {
            let n = plain(*n);
            quote! { &'k [u8; #n] }
        }
        SegmentKind::Const(_)
        | SegmentKind::ShortHash
        | SegmentKind::TermHash
        | SegmentKind::TokenHash
        | SegmentKind::Rest => {
            quote! { &'k [u8] }
        }
    }
}

/// A segment as it is written.
fn value(segment: &Segment) -> TokenStream {
    let name = ident(if segment.name.is_empty() { "_constant" } else { &segment.name });
    match &segment.kind {
        SegmentKind::Const(constant) => {
            let constant = bytes(constant);
            quote! { Const(#constant) }
        }
        SegmentKind::U8 => quote! { U8(#name) },
        SegmentKind::U16 => quote! { U16(#name) },
        SegmentKind::U32 => quote! { U32(#name) },
        SegmentKind::U64 => quote! { U64(#name) },
        SegmentKind::Leb32 => quote! { Leb(u64::from(#name)) },
        SegmentKind::Leb64 => quote! { Leb(#name) },
        _ => quote! { Bytes(#name) },
    }
}

/// Whether the key is known to be long enough for every offset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offsets {
    /// The key is long enough.
    Guard,
    /// The key may be any: reads outside it give zero or nothing.
    Read,
}

impl Offsets {
    /// The offset so many bytes before the end.
    fn before_end(self, distance: usize) -> TokenStream {
        match (distance, self) {
            (0, _) => quote! { len },
            (_, Offsets::Guard) => {
                let distance = plain(distance);
                quote! { len - #distance }
            }
            (_, Offsets::Read) => {
                let distance = plain(distance);
                quote! { before(len, #distance) }
            }
        }
    }
}

/// The segments of a key with their offsets.
struct WalkedKey {
    /// The conditions that a key of fitting length must meet.
    guards: Vec<TokenStream>,
    /// The value of each segment.
    reads: Vec<TokenStream>,
    /// Whether a guard counts from the end.
    guards_from_end: bool,
    /// Whether a read counts from the end.
    reads_from_end: bool,
}

fn walk(segments: &[Segment], offsets: Offsets) -> WalkedKey {
    let begins = begins(segments);
    let mut walked =
        WalkedKey { guards: Vec::new(), reads: Vec::new(), guards_from_end: false, reads_from_end: false };
    // The end of the segment before, if only its bytes define it.
    let mut found = TokenStream::new();
    for (index, (segment, begin)) in segments.iter().zip(&begins).enumerate() {
        let at = match begin {
            Begin::Start(offset) => plain(*offset),
            Begin::End(distance) => offsets.before_end(*distance),
            Begin::Found => found.clone(),
        };
        let counted_from_end = matches!(begin, Begin::End(_));
        let read = if let Some(width) = segment.kind.fixed() {
            let width = plain(width);
            found = quote! { skip(#at, #width) };
            fixed(&segment.kind, &at)
        } else {
            // This segment must end where the next one begins, if that is counted from the end, or at the end of the
            // key.
            let next = match begins.get(index + 1) {
                None => Some(0),
                Some(Begin::End(distance)) => Some(*distance),
                Some(_) => None,
            };
            let until = next.map(|distance| offsets.before_end(distance)).unwrap_or_default();
            let read = varying(&segment.kind, &at, &until);
            match own_end(&segment.kind, &at) {
                Some(end) if next.is_some() => {
                    walked.guards.push(quote! { #end == #until });
                    walked.guards_from_end = true;
                }
                Some(end) => found = end,
                None => {
                    walked.reads_from_end = true;
                    let after = (*begin == Begin::Found).then(|| quote! { #at <= #until });
                    let form = match segment.kind {
                        SegmentKind::TermHash => Some(quote! { is_term_hash(#read) }),
                        SegmentKind::TokenHash => Some(quote! { is_token_hash(#read) }),
                        _ => None,
                    };
                    walked.guards_from_end |= after.is_some() || form.is_some();
                    walked.guards.extend(after.into_iter().chain(form));
                }
            }
            read
        };
        if let SegmentKind::Const(constant) = &segment.kind {
            walked.guards.push(constant_guard(constant, &at));
            walked.guards_from_end |= counted_from_end;
        } else {
            let restriction = restriction(&segment.allowed, &segment.kind, &read);
            walked.guards_from_end |= counted_from_end && restriction.is_some();
            walked.guards.extend(restriction);
            walked.reads_from_end |= counted_from_end;
        }
        walked.reads.push(read);
    }
    walked
}

/// The arm of a form: the index of its layout in the version.
fn arm(form: &KeyForm<'_>, within: Range) -> TokenStream {
    let mut guards = Vec::new();
    let layouts = form.layouts.iter().map(|(_, layout)| layout);
    let versions: Vec<Range> = layouts.clone().map(|layout| layout.versions).collect();
    if let (Some(first), Some(last)) =
        (versions.iter().map(|v| v.from).min(), versions.iter().map(|v| v.to).max())
    {
        let (from, to) = (plain(first), plain(last));
        guards.extend((first > within.from).then(|| quote! { version >= #from }));
        guards.extend((last < within.to).then(|| quote! { version <= #to }));
    }
    let first = form.layouts.first().map_or(0, |(index, _)| *index);
    if layouts.clone().any(|layout| !layout.shares.is_empty()) {
        guards.push(match first {
            0 => quote! { from == 0 },
            _ => {
                let first = plain(first);
                quote! { from <= #first }
            }
        });
    }
    let walked = walk(form.segments(), Offsets::Guard);
    guards.extend(walked.guards);
    let lengths = form.layouts.first().map_or(Lengths::only([]), |(_, layout)| layout.lengths());
    let pattern = match (lengths.single(), lengths.least(), lengths.longest()) {
        (Some(length), ..) => plain(length),
        (None, Some(least), longest) => {
            let (least, longest) = (plain(least), longest.map(plain));
            let range = match longest {
                Some(longest) => quote! { #least..=#longest },
                None => quote! { #least.. },
            };
            if walked.guards_from_end {
                quote! { len @ #range }
            } else {
                range
            }
        }
        _ => quote! { len },
    };
    // Bound even where one length is the only one.
    let pattern = match (walked.guards_from_end, lengths.single()) {
        (true, Some(_)) => quote! { len @ #pattern },
        _ => pattern,
    };
    let guard = (!guards.is_empty()).then(|| quote! { if #(#guards)&&* });
    let mut indexes: Vec<_> = form.layouts.iter().map(|(index, layout)| (*index, layout.versions)).collect();
    indexes.sort_by_key(|(_, versions)| versions.from);
    let index = index_in(&indexes);
    quote! { #pattern #guard => #index, }
}

/// The index among layouts of which each version has one.
fn index_in(layouts: &[(usize, Range)]) -> TokenStream {
    match layouts {
        [] => quote! { return None },
        [(index, _)] => plain(*index),
        [(index, versions), rest @ ..] => {
            let (index, to, rest) = (plain(*index), plain(versions.to), index_in(rest));
            quote! { if version <= #to { #index } else { #rest } }
        }
    }
}

fn fixed(kind: &SegmentKind, at: &TokenStream) -> TokenStream {
    match kind {
        SegmentKind::U8 => quote! { u8_at(key, #at) },
        SegmentKind::U16 => quote! { u16_at(key, #at) },
        SegmentKind::U32 => quote! { u32_at(key, #at) },
        SegmentKind::U64 => quote! { u64_at(key, #at) },
        _ => quote! { array_at(key, #at) },
    }
}

fn varying(kind: &SegmentKind, at: &TokenStream, until: &TokenStream) -> TokenStream {
    match kind {
        SegmentKind::Leb32 => quote! { leb32_at(key, #at) },
        SegmentKind::Leb64 => quote! { leb64_at(key, #at) },
        SegmentKind::ShortHash => quote! { short_hash_at(key, #at) },
        _ => quote! { slice(key, #at, #until) },
    }
}

/// The end of a segment, if its own bytes define it.
fn own_end(kind: &SegmentKind, at: &TokenStream) -> Option<TokenStream> {
    match kind {
        SegmentKind::Leb32 => Some(quote! { leb32_end(key, #at) }),
        SegmentKind::Leb64 => Some(quote! { leb64_end(key, #at) }),
        SegmentKind::ShortHash => Some(quote! { short_hash_end(key, #at) }),
        _ => None,
    }
}

fn constant_guard(constant: &[u8], at: &TokenStream) -> TokenStream {
    if let [only] = constant {
        let only = super::hex(u64::from(*only));
        return quote! { u8_at(key, #at) == #only };
    }
    let constant = bytes(constant);
    quote! { has(key, #at, #constant) }
}

fn restriction(allowed: &IntSet, kind: &SegmentKind, read: &TokenStream) -> Option<TokenStream> {
    let largest = kind.largest()?;
    let parts: Vec<TokenStream> = allowed
        .iter()
        .map(|&(from, to)| {
            let (low, high) = (plain(from), plain(to));
            match (from, to) {
                _ if from == to => quote! { #read == #low },
                (0, _) => quote! { #read <= #high },
                _ if to >= largest => quote! { #read >= #low },
                _ => quote! { (#low..=#high).contains(&#read) },
            }
        })
        .collect();
    match &parts[..] {
        [] => None,
        [only] => Some(quote! { #only }),
        _ => Some(quote! { (#(#parts)||*) }),
    }
}
