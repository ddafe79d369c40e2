//! Turns the YAML catalog of Stalwart's subspaces into Rust and into its documentation.
//!
//! A pure function of text: no clock, no environment, no path of the machine, sorted output. Defines what the schema
//! language means and contains nothing about particular subspaces.

mod schema;

mod model;

mod names;

mod check;

mod emit;

mod report;

pub use report::{Mistakes, SchemaFile};

/// What the schema becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The catalog as Rust, to be included in a module that has `catalog` and `codec` in scope.
    pub rust: String,
    /// `docs/subspaces.md`.
    pub docs: String,
}

/// Generates the catalog from the files of a schema, which hold different parts of one document.
///
/// # Errors
///
/// Everything that is wrong with the schema, by file, line and column.
pub fn generate(sources: &[SchemaFile<'_>]) -> Result<Output, Mistakes> {
    let (text, files) = join(sources);
    let mut mistakes = Vec::new();
    let document = match schema::parse(&text) {
        Ok(document) => document,
        Err(mistake) => return Err(Mistakes::new(vec![mistake], &files)),
    };
    let model = model::lower(document, &mut mistakes);
    if mistakes.is_empty() {
        check::check(&model, &mut mistakes);
    }
    if !mistakes.is_empty() {
        return Err(Mistakes::new(mistakes, &files));
    }
    Ok(Output { rust: emit::rust(&model), docs: emit::docs::markdown(&model) })
}

// One document from several files, so that a position is a line of the whole and errors keep their file.
fn join(sources: &[SchemaFile<'_>]) -> (String, Vec<(String, usize)>) {
    let mut text = String::new();
    let mut files = Vec::new();
    for source in sources {
        text.push_str(source.text);
        if !source.text.ends_with('\n') {
            text.push('\n');
        }
        let lines = source.text.lines().count().max(1);
        files.push((source.name.to_owned(), lines));
    }
    (text, files)
}
