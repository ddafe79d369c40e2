//! Typed keys: an enum per subspace with a variant per layout, and the sum of a version.
//!
//! `decode` is one `match` on the length: an arm per layout, in the order of the schema, guarded by its
//! constants and restrictions. Arms read at fixed offsets from either end where they can.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{Shape, byte, camel, doc, plain};
use crate::model::{IntSet, Kind, Layout, Segment};

/// The enum of a subspace and what it can do.
pub(super) fn items(shape: &Shape<'_>) -> Vec<TokenStream> {
    let (name, statics) = (shape.key(), shape.statics());
    let life = shape.borrows().then(|| quote! { <'a> });
    let elided = shape.borrows().then(|| quote! { <'_> });
    // Without a borrowed field nothing ties the key to the bytes.
    let input = if shape.borrows() {
        quote! { &'a [u8] }
    } else {
        quote! { &[u8] }
    };
    let path = format!("subspaces.{}", shape.subspace.name.value);
    let title = shape.subspace.title.as_ref().map_or("", |t| t.value.as_str());
    let enum_doc = doc(&format!("{title} (`{path}`)."));
    let variants = shape.active().map(|layout| variant(layout, &path));
    let arms = shape.active().map(|layout| arm(&name, layout));
    let encodes = shape.active().map(|layout| encode(&name, layout));
    let layouts = shape.active().enumerate().map(|(index, layout)| {
        let (variant, index) = (variant_name(layout), plain(index));
        quote! { #name::#variant { .. } => #index, }
    });
    // Lengths are bound by the arms of layouts that vary in length.
    vec![
        quote! {
            #enum_doc
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum #name #life { #(#variants)* }
        },
        quote! {
            impl #life #name #life {
                /// Reads a key; every byte belongs to a field or is a constant.
                pub fn decode(key: #input) -> Result<Self, KeyError> {
                    match key.len() {
                        #(#arms)*
                        _ => Err(KeyError::NoLayout),
                    }
                }
            }
        },
        quote! {
            impl TypedKey for #name #elided {
                fn encode(&self, out: &mut Vec<u8>) {
                    match *self { #(#encodes)* }
                }
                fn layout(&self) -> usize {
                    match self { #(#layouts)* }
                }
                fn layouts(&self) -> &'static [Layout] {
                    &#statics
                }
            }
        },
        quote! {
            impl fmt::Display for #name #elided {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write_key(f, self)
                }
            }
        },
    ]
}

/// `Key`, the sum over the subspaces of a version.
pub(super) fn sum(used: &[&Shape<'_>], version: u32) -> TokenStream {
    let variants = used.iter().map(|shape| {
        let (variant, key) = (shape.variant(), shape.key());
        let life = shape.borrows().then(|| quote! { <'a> });
        let doc = doc(&format!("A key of subspace `{}`.", shape.subspace.letter));
        quote! { #doc #variant(#key #life), }
    });
    let decodes = used.iter().map(|shape| {
        let (variant, key, letter) = (shape.variant(), shape.key(), shape.subspace.letter);
        quote! { #letter => Ok(Key::#variant(#key::decode(key)?)), }
    });
    let parts = used.iter().map(|shape| {
        let (variant, letter) = (shape.variant(), shape.subspace.letter);
        quote! { Key::#variant(key) => (#letter, key), }
    });
    let sum_doc = doc(&format!("A key of any subspace of schema version {version}."));
    // Without a borrowing subspace the lifetime would be unused.
    let borrows = used.iter().any(|shape| shape.borrows());
    let (life, elided) = match borrows {
        true => (Some(quote! { <'a> }), Some(quote! { <'_> })),
        false => (None, None),
    };
    let input = if borrows {
        quote! { &'a [u8] }
    } else {
        quote! { &[u8] }
    };
    quote! {
        #sum_doc
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Key #life { #(#variants)* }
        impl #life Key #life {
            /// Reads a key of the subspace with this letter.
            pub fn decode(letter: char, key: #input) -> Result<Self, KeyError> {
                match letter {
                    #(#decodes)*
                    _ => Err(KeyError::NoSubspace),
                }
            }
            /// Letter of the subspace, and its key.
            pub fn parts(&self) -> (char, &dyn TypedKey) {
                match self { #(#parts)* }
            }
        }
        impl fmt::Display for Key #elided {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_key(f, self.parts().1)
            }
        }
    }
}

fn variant_name(layout: &Layout) -> Ident {
    format_ident!("{}", camel(&layout.name.value))
}

fn fields(layout: &Layout) -> impl Iterator<Item = &Segment> {
    layout.segments.iter().filter(|s| !s.name.is_empty())
}

fn variant(layout: &Layout, path: &str) -> TokenStream {
    let name = variant_name(layout);
    let words = layout.doc.as_ref().map_or("", |d| d.value.as_str());
    let doc_lines = doc(&format!("{words} (`{path}.layouts.{}`)", layout.name.value));
    let fields = fields(layout).map(|segment| {
        let (name, kind) = (format_ident!("{}", segment.name), field_type(&segment.kind));
        let doc = doc(&segment.doc);
        quote! { #doc #name: #kind, }
    });
    // Braces even without fields, so that every variant is matched and built alike.
    quote! { #doc_lines #name { #(#fields)* }, }
}

fn field_type(kind: &Kind) -> TokenStream {
    match kind {
        Kind::U8 => quote! { u8 },
        Kind::U16 => quote! { u16 },
        Kind::U32 | Kind::Leb32 => quote! { u32 },
        Kind::U64 | Kind::Leb64 => quote! { u64 },
        Kind::Hash => quote! { &'a [u8; 32] },
        Kind::Bytes(n) => {
            let n = plain(*n);
            quote! { &'a [u8; #n] }
        }
        Kind::Const(_) | Kind::ShortHash | Kind::TermHash | Kind::TokenHash | Kind::Rest => {
            quote! { &'a [u8] }
        }
    }
}

fn encode(key: &Ident, layout: &Layout) -> TokenStream {
    let variant = variant_name(layout);
    let names: Vec<Ident> = fields(layout).map(|s| format_ident!("{}", s.name)).collect();
    let writes = layout.segments.iter().map(|segment| {
        let name = format_ident!("{}", if segment.name.is_empty() { "_constant" } else { &segment.name });
        match &segment.kind {
            Kind::Const(bytes) => {
                let bytes = bytes.iter().map(|b| byte(*b));
                quote! { out.extend_from_slice(&[#(#bytes),*]); }
            }
            Kind::U8 => quote! { out.push(#name); },
            Kind::U16 | Kind::U32 | Kind::U64 => quote! { out.extend_from_slice(&#name.to_be_bytes()); },
            Kind::Leb32 => quote! { codec::put_leb128(out, u64::from(#name)); },
            Kind::Leb64 => quote! { codec::put_leb128(out, #name); },
            _ => quote! { out.extend_from_slice(#name); },
        }
    });
    quote! { #key::#variant { #(#names),* } => { #(#writes)* } }
}

/// Where a segment begins.
#[derive(Clone)]
enum Start {
    Front(usize),
    Back(usize),
    Found(TokenStream),
}

impl Start {
    fn tokens(&self) -> TokenStream {
        match self {
            Start::Front(offset) => plain(*offset),
            Start::Back(0) => quote! { len },
            Start::Back(distance) => {
                let distance = plain(*distance);
                quote! { len - #distance }
            }
            Start::Found(tokens) => tokens.clone(),
        }
    }
}

fn arm(key: &Ident, layout: &Layout) -> TokenStream {
    let last_varying = layout.segments.iter().rposition(|s| s.kind.fixed().is_none());
    let behind =
        |index: usize| -> usize { layout.segments[index..].iter().filter_map(|s| s.kind.fixed()).sum() };
    let (mut guards, mut reads) = (Vec::new(), Vec::new());
    let mut start = Start::Front(0);
    for (index, segment) in layout.segments.iter().enumerate() {
        let at = start.tokens();
        let (read, end) = match segment.kind.fixed() {
            Some(width) => {
                let end = match &start {
                    Start::Front(offset) => Start::Front(offset + width),
                    Start::Back(distance) => Start::Back(distance - width),
                    Start::Found(tokens) => {
                        let width = plain(width);
                        Start::Found(quote! { codec::skip(#tokens, #width) })
                    }
                };
                (fixed(&segment.kind, &at), end)
            }
            None => {
                let is_last = Some(index) == last_varying;
                let tail = Start::Back(behind(index + 1));
                let until = tail.tokens();
                let read = varying(&segment.kind, &at, &until);
                let end = match own_end(&segment.kind, &at) {
                    Some(end) if is_last => {
                        guards.push(quote! { #end == #until });
                        tail
                    }
                    Some(end) => Start::Found(end),
                    None => {
                        if let Start::Found(tokens) = &start {
                            guards.push(quote! { #tokens <= #until });
                        }
                        match segment.kind {
                            Kind::TermHash => guards.push(quote! { codec::is_term_hash(#read) }),
                            Kind::TokenHash => guards.push(quote! { codec::is_token_hash(#read) }),
                            _ => {}
                        }
                        tail
                    }
                };
                (read, end)
            }
        };
        if let Kind::Const(bytes) = &segment.kind {
            guards.push(constant_guard(bytes, &at));
        } else {
            guards.extend(restriction(&segment.allowed, &segment.kind, &read));
            let name = format_ident!("{}", segment.name);
            reads.push(quote! { #name: #read });
        }
        start = end;
    }
    let variant = variant_name(layout);
    let lengths = layout.lengths();
    let pattern = match lengths.single() {
        Some(length) => plain(length),
        None => {
            let mut bounds = Vec::new();
            if let Some(least) = lengths.least() {
                let least = plain(least);
                bounds.push(quote! { len >= #least });
            }
            if let Some(longest) = lengths.longest() {
                let longest = plain(longest);
                bounds.push(quote! { len <= #longest });
            }
            bounds.append(&mut guards);
            guards = bounds;
            quote! { len }
        }
    };
    let guard = (!guards.is_empty()).then(|| quote! { if #(#guards)&&* });
    quote! { #pattern #guard => Ok(#key::#variant { #(#reads),* }), }
}

fn fixed(kind: &Kind, at: &TokenStream) -> TokenStream {
    match kind {
        Kind::U8 => quote! { codec::u8_at(key, #at) },
        Kind::U16 => quote! { codec::u16_at(key, #at) },
        Kind::U32 => quote! { codec::u32_at(key, #at) },
        Kind::U64 => quote! { codec::u64_at(key, #at) },
        _ => quote! { codec::array_at(key, #at) },
    }
}

fn varying(kind: &Kind, at: &TokenStream, until: &TokenStream) -> TokenStream {
    match kind {
        Kind::Leb32 => quote! { codec::leb32_at(key, #at) },
        Kind::Leb64 => quote! { codec::leb64_at(key, #at) },
        Kind::ShortHash => quote! { codec::short_hash_at(key, #at) },
        _ => quote! { codec::slice(key, #at, #until) },
    }
}

/// The end of a segment that its own bytes tell.
fn own_end(kind: &Kind, at: &TokenStream) -> Option<TokenStream> {
    match kind {
        Kind::Leb32 => Some(quote! { codec::leb32_end(key, #at) }),
        Kind::Leb64 => Some(quote! { codec::leb64_end(key, #at) }),
        Kind::ShortHash => Some(quote! { codec::short_hash_end(key, #at) }),
        _ => None,
    }
}

fn constant_guard(bytes: &[u8], at: &TokenStream) -> TokenStream {
    if let [only] = bytes {
        let only = byte(*only);
        return quote! { codec::u8_at(key, #at) == #only };
    }
    let bytes = bytes.iter().map(|b| byte(*b));
    quote! { codec::has(key, #at, &[#(#bytes),*]) }
}

fn restriction(allowed: &IntSet, kind: &Kind, read: &TokenStream) -> Option<TokenStream> {
    let largest = kind.largest()?;
    let parts: Vec<TokenStream> = allowed
        .iter()
        .map(|&(from, to)| {
            let (low, high) = (plain(from), plain(to));
            match (from, to) {
                _ if from == to => quote! { #read == #low },
                (0, _) => quote! { #read <= #high },
                _ if to >= largest => quote! { #read >= #low },
                _ => quote! { (#read >= #low && #read <= #high) },
            }
        })
        .collect();
    match &parts[..] {
        [] => None,
        [only] => Some(quote! { #only }),
        _ => Some(quote! { (#(#parts)||*) }),
    }
}
