//! From the model to Rust: a module of typed keys per version, and the descriptor tables.
//!
//! Code only where types differ; whatever is uniform becomes data. A subspace whose layouts did not change
//! between versions is written once, in the module of its first version, and re-exported by the later ones.

pub(crate) mod docs;

mod keys;

mod tables;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Model, Subspace};

/// The catalog as Rust text.
pub(crate) fn rust(model: &Model) -> String {
    let shapes = shapes(model);
    let mut items = vec![
        quote! { use std::fmt; },
        quote! { use super::*; },
        quote! { use crate::codec::{self, KeyError}; },
    ];
    items.extend(tables::items(model, &shapes));
    for version in &model.versions {
        items.push(module(model, &shapes, version.number));
    }
    let modules = model.versions.iter().map(|version| module_name(version.number));
    items.push(quote! { pub mod modules { pub use super::{#(#modules),*}; } });
    let mut text = String::from("// Generated from the schema by `codegen`: edit the schema instead.\n");
    for item in items {
        text.push('\n');
        text.push_str(&pretty(item));
    }
    text
}

/// The layouts of a subspace as they are in a run of versions.
pub(crate) struct Shape<'m> {
    pub subspace: &'m Subspace,
    /// Indexes of the layouts, in the order they are tried.
    pub layouts: Vec<usize>,
    /// First version that has it: the module it is written in.
    pub home: u32,
    /// Further versions, which re-export it.
    pub later: Vec<u32>,
}

impl Shape<'_> {
    /// Name of the key enum.
    fn key(&self) -> proc_macro2::Ident {
        format_ident!("{}Key", camel(&self.subspace.name.value))
    }

    /// Name of the variant in the sum of all keys.
    fn variant(&self) -> proc_macro2::Ident {
        format_ident!("{}", camel(&self.subspace.name.value))
    }

    /// Name of the descriptor constant.
    fn constant(&self) -> proc_macro2::Ident {
        format_ident!("{}", self.subspace.name.value.to_uppercase())
    }

    /// Name of the static with its layouts.
    fn statics(&self) -> proc_macro2::Ident {
        format_ident!("{}_LAYOUTS", self.subspace.name.value.to_uppercase())
    }

    fn home(&self) -> proc_macro2::Ident {
        module_name(self.home)
    }

    fn in_version(&self, version: u32) -> bool {
        self.home == version || self.later.contains(&version)
    }

    fn active(&self) -> impl Iterator<Item = &crate::model::Layout> {
        self.layouts.iter().map(|index| &self.subspace.layouts[*index])
    }

    /// Whether a key borrows from the bytes it was decoded from.
    fn borrows(&self) -> bool {
        self.active().flat_map(|l| &l.segments).any(|s| !s.name.is_empty() && s.kind.largest().is_none())
    }
}

fn shapes(model: &Model) -> Vec<Shape<'_>> {
    let mut shapes: Vec<Shape<'_>> = Vec::new();
    for version in &model.versions {
        for (index, layouts) in model.subspaces_of(version.number) {
            let subspace = &model.subspaces[index];
            let same = |s: &&mut Shape<'_>| {
                let same = std::ptr::eq(s.subspace, subspace) && s.layouts == layouts;
                let mut names = s.active().flat_map(|l| &l.segments).filter_map(|s| s.names.as_ref());
                same && names.all(|table| model.same_names(&table.value, s.home, version.number))
            };
            match shapes.iter_mut().find(same) {
                Some(shape) => shape.later.push(version.number),
                None => shapes.push(Shape { subspace, layouts, home: version.number, later: Vec::new() }),
            }
        }
    }
    shapes
}

fn module(model: &Model, shapes: &[Shape<'_>], version: u32) -> TokenStream {
    let own = shapes.iter().filter(|s| s.home == version);
    let mut used: Vec<&Shape<'_>> = shapes.iter().filter(|s| s.in_version(version)).collect();
    used.sort_by_key(|s| s.subspace.letter);
    let reexports = used.iter().filter(|s| s.home != version).map(|s| {
        let (home, key) = (s.home(), s.key());
        quote! { pub use super::#home::#key; }
    });
    let items = own.flat_map(|shape| {
        let mut items = keys::items(shape);
        items.extend(tables::shape_items(model, shape));
        items
    });
    let sum = keys::sum(&used, version);
    let subspaces = tables::version_items(model, shapes, version);
    let doc = doc(&format!("Typed keys of schema version {version}."));
    let name = module_name(version);
    quote! {
        #doc
        pub mod #name {
            use super::*;
            #(#reexports)*
            #(#items)*
            #sum
            #subspaces
        }
    }
}

fn module_name(version: u32) -> proc_macro2::Ident {
    format_ident!("v{version}")
}

/// Doc lines of an item.
fn doc(text: &str) -> TokenStream {
    let lines = wrap(text, 92).into_iter().map(|line| format!(" {line}"));
    quote! { #(#[doc = #lines])* }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// `task_queue` as `TaskQueue`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

/// An integer without type suffix.
fn plain(n: impl TryInto<u64>) -> TokenStream {
    let n = n.try_into().unwrap_or(u64::MAX);
    let literal = proc_macro2::Literal::u64_unsuffixed(n);
    quote! { #literal }
}

/// A byte as two hex digits.
fn byte(n: u8) -> TokenStream {
    hex(u64::from(n))
}

/// A number in hex.
fn hex(n: u64) -> TokenStream {
    // A literal of this form always parses; text that does not would be printed for what it is.
    let text = format!("0x{n:02x}");
    let literal: Result<proc_macro2::Literal, _> = text.parse();
    literal.map_or_else(|_| quote! { #n }, |literal| quote! { #literal })
}

fn pretty(item: TokenStream) -> String {
    match syn::parse2::<syn::File>(item.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // A bug of the generator, not of the schema: the compiler will point at the tokens.
        Err(error) => {
            format!("compile_error!({:?});\n// {item}\n", format!("codegen wrote no Rust: {error}"))
        }
    }
}
