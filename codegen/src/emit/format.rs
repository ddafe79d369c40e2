//! Tokens as text, in the manner of `rustfmt`: what fits on a line stands on one, lists of short things are filled.
//!
//! Supports only the forms of Rust that `emit` writes. `prettyplease` would break every struct literal, and most of
//! the catalog is such rows.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// As in `rustfmt.toml`.
const WIDTH: usize = 110;
const INDENT: usize = 4;
/// Elements up to this length share lines.
const SHORT: usize = 60;

/// An item with its attributes, ended by a line break.
pub(super) fn item(tokens: TokenStream) -> String {
    match syn::parse2::<syn::File>(tokens.clone()) {
        Ok(_) => items(&read(tokens), 0),
        // A bug of the generator, not of the schema: the compiler will point at the tokens.
        Err(error) => {
            format!("compile_error!({:?});\n// {tokens}\n", format!("codegen wrote no Rust: {error}"))
        }
    }
}

#[derive(Clone)]
enum Token {
    /// An identifier, a literal or a lifetime.
    Word(String),
    /// Punctuation, joined where it is one operator.
    Mark(String),
    Group(Delimiter, Vec<Token>),
    /// A line of documentation.
    Doc(String),
    Attribute(Vec<Token>),
}

fn read(tokens: TokenStream) -> Vec<Token> {
    let mut out = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) => out.push(Token::Word(word.to_string())),
            TokenTree::Literal(word) => out.push(Token::Word(word.to_string())),
            TokenTree::Group(group) => out.push(Token::Group(group.delimiter(), read(group.stream()))),
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Group(group)) = tokens.next() {
                    out.push(attribute(read(group.stream())));
                }
            }
            TokenTree::Punct(mark) => {
                let mut text = mark.as_char().to_string();
                let mut spacing = mark.spacing();
                while spacing == Spacing::Joint
                    && let Some(TokenTree::Punct(next)) =
                        tokens.next_if(|next| matches!(next, TokenTree::Punct(p) if p.as_char() != '\''))
                {
                    text.push(next.as_char());
                    spacing = next.spacing();
                }
                match tokens.peek() {
                    Some(TokenTree::Ident(name)) if text.ends_with('\'') => {
                        let name = format!("'{name}");
                        tokens.next();
                        out.push(Token::Word(name));
                    }
                    _ => out.push(Token::Mark(text)),
                }
            }
        }
    }
    out
}

fn attribute(inner: Vec<Token>) -> Token {
    match &inner[..] {
        [Token::Word(doc), Token::Mark(_), Token::Word(text)] if doc == "doc" => {
            Token::Doc(syn::parse_str::<syn::LitStr>(text).map_or_else(|_| text.clone(), |text| text.value()))
        }
        _ => Token::Attribute(inner),
    }
}

/// Items of a file, a module or an `impl`, each on lines of its own.
fn items(tokens: &[Token], indent: usize) -> String {
    let mut out = String::new();
    let mut item: Vec<Token> = Vec::new();
    for token in tokens {
        let ends = match token {
            Token::Mark(mark) => mark == ";",
            Token::Group(Delimiter::Brace, _) => keyword(&item).is_some(),
            _ => false,
        };
        item.push(token.clone());
        if ends {
            out.push_str(&element(&item, indent, ""));
            item.clear();
        }
    }
    out
}

/// One element of a list with the lines of its attributes, and what comes after it.
fn element(tokens: &[Token], indent: usize, end: &str) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    let mut rest = tokens;
    while let [first @ (Token::Doc(_) | Token::Attribute(_)), more @ ..] = rest {
        match first {
            Token::Doc(text) => out.push_str(&format!("{pad}///{text}\n")),
            Token::Attribute(inner) => out.push_str(&format!("{pad}#[{}]\n", flat(inner))),
            _ => {}
        }
        rest = more;
    }
    out + &pad + &sequence(rest, indent, indent, end.len()) + end + "\n"
}

/// Tokens of which the first line begins at a column, and further ones at the indent; `tail` bytes follow.
fn sequence(tokens: &[Token], indent: usize, column: usize, tail: usize) -> String {
    let line = flat(tokens);
    if !has_block(tokens) && column + line.len() + tail <= WIDTH {
        return line;
    }
    if let Some(split) = blocks(tokens, indent)
        .or_else(|| assigned(tokens, indent, tail))
        .or_else(|| alternatives(tokens, indent))
        .or_else(|| chain(tokens, indent, column))
    {
        return split;
    }
    if let Some(at) = tokens.iter().position(|token| matches!(token, Token::Word(word) if word == "if"))
        && at > 0
        && !has_block(tokens)
    {
        let more = indent + INDENT;
        let rest = sequence(&tokens[at..], more, more, tail);
        return format!("{}\n{}{rest}", flat(&tokens[..at]), " ".repeat(more));
    }
    let groups = (0..tokens.len()).filter(|at| matches!(tokens[*at], Token::Group(..)));
    let largest = groups.max_by_key(|at| (has_block(&tokens[*at..=*at]), flat(&tokens[*at..=*at]).len()));
    match largest.map(|at| (at, &tokens[at])) {
        Some((at, group @ Token::Group(delimiter, inner))) => {
            let (open, close) = marks(*delimiter);
            let before =
                flat(&tokens[..at]) + tokens[..at].last().map_or("", |last| space(last, Some(group)));
            let list = list(inner, *delimiter, indent, column + before.len() + 1);
            let after = &tokens[at + 1..];
            let between = space(group, after.first());
            format!("{before}{open}{list}{close}{between}{}", flat(after))
        }
        _ => line,
    }
}

/// What is assigned, if it fits on the line below.
fn assigned(tokens: &[Token], indent: usize, tail: usize) -> Option<String> {
    let is = |token: &Token| matches!(token, Token::Mark(mark) if mark == "=");
    let (name, value) = tokens.split_at(tokens.iter().position(is)? + 1);
    let (more, value) = (indent + INDENT, flat(value));
    let fits = !has_block(tokens) && more + value.len() + tail <= WIDTH;
    fits.then(|| format!("{}\n{}{value}", flat(name), " ".repeat(more)))
}

/// A pattern of several, each on a line of its own.
fn alternatives(tokens: &[Token], indent: usize) -> Option<String> {
    let is = |token: &Token, word: &str| matches!(token, Token::Mark(mark) if mark == word);
    if tokens.iter().any(|token| is(token, "=>")) {
        return None;
    }
    let parts: Vec<String> = tokens.split(|token| is(token, "|")).map(flat).collect();
    (parts.len() > 1).then(|| parts.join(&format!("\n{}| ", " ".repeat(indent))))
}

/// A sequence that ends in a body in braces, which always has lines of its own.
fn blocks(tokens: &[Token], indent: usize) -> Option<String> {
    let (last, before) = tokens.split_last()?;
    let (Token::Group(Delimiter::Brace, inner), Some(keyword)) = (last, keyword(before)) else { return None };
    let before = flat(before);
    let more = indent + INDENT;
    let body = match keyword {
        "impl" | "mod" => items(inner, more),
        "fn" | "macro_rules" => statements(inner, more),
        _ => elements(inner).iter().map(|e| element(e, more, ",")).collect(),
    };
    Some(format!("{before} {{\n{body}{}}}", " ".repeat(indent)))
}

fn statements(tokens: &[Token], indent: usize) -> String {
    let parts = tokens.split_inclusive(|token| matches!(token, Token::Mark(mark) if mark == ";"));
    parts.map(|part| element(part, indent, "")).collect()
}

/// Calls on a value, one after the other: those that do not fit after it stand below it.
fn chain(tokens: &[Token], indent: usize, column: usize) -> Option<String> {
    let is_dot = |token: &Token| matches!(token, Token::Mark(mark) if mark == ".");
    let calls = |at: &usize| is_dot(&tokens[*at]) && matches!(tokens.get(at + 2), Some(Token::Group(..)));
    let first = (1..tokens.len()).find(calls)?;
    let (head, rest) = tokens.split_at(first);
    let assigned = head.iter().any(|token| matches!(token, Token::Mark(mark) if mark == "=" || mark == "=>"));
    let plain = !head.iter().any(|token| matches!(token, Token::Group(..)));
    if assigned || plain && rest.iter().filter(|token| is_dot(token)).count() == 1 {
        return None;
    }
    let more = indent + INDENT;
    let mut out = sequence(head, indent, column, 0);
    let calls = flat(rest);
    // After a list of several lines there is room.
    if out.contains('\n') && indent + out.lines().last().map_or(0, str::len) + calls.len() < WIDTH {
        return Some(out + &calls);
    }
    let mut line = String::new();
    for call in rest.chunk_by(|_, next| !is_dot(next)) {
        let call = sequence(call, more, more, 1);
        if !line.is_empty() && more + line.len() + call.len() >= WIDTH {
            out.push_str(&format!("\n{}{line}", " ".repeat(more)));
            line.clear();
        }
        line.push_str(&call);
    }
    out.push_str(&format!("\n{}{line}", " ".repeat(more)));
    Some(out)
}

/// The inside of a group that does not fit on its line.
fn list(inner: &[Token], delimiter: Delimiter, indent: usize, column: usize) -> String {
    let more = indent + INDENT;
    let elements = elements(inner);
    // The last argument may begin on the line of the call.
    if delimiter == Delimiter::Parenthesis
        && let [first @ .., last] = &elements[..]
    {
        let start: String = first.iter().map(|e| flat(e) + ", ").collect();
        let open = matches!(last.last(), Some(Token::Group(Delimiter::Bracket | Delimiter::Brace, _)));
        let column = column + start.len();
        if open && column < WIDTH / 2 {
            return start + &sequence(last, indent, column, 1);
        }
    }
    let lengths: Vec<usize> = elements.iter().map(|e| flat(e).len()).collect();
    // Names alone may share lines in braces, too.
    let fill = (delimiter != Delimiter::Brace || elements.iter().all(|e| e.len() == 1))
        && lengths.iter().all(|length| *length <= SHORT);
    let (pad, mut out, mut line) = (" ".repeat(more), String::from("\n"), String::new());
    for tokens in &elements {
        if !fill {
            out.push_str(&element(tokens, more, ","));
            continue;
        }
        let word = flat(tokens) + ",";
        if !line.is_empty() && more + line.len() + 1 + word.len() > WIDTH {
            out.push_str(&format!("{pad}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        out.push_str(&format!("{pad}{line}\n"));
    }
    out + &" ".repeat(indent)
}

fn elements(tokens: &[Token]) -> Vec<&[Token]> {
    // A comma between generic arguments is none between elements.
    let mut generic = false;
    let parts = tokens.split(|token| {
        let Token::Mark(mark) = token else { return false };
        generic = mark == "<" || generic && !mark.starts_with('>');
        mark == "," && !generic
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// What makes braces after these tokens a body.
fn keyword(tokens: &[Token]) -> Option<&str> {
    let words = tokens.iter().filter_map(|token| match token {
        Token::Word(word) => Some(word.as_str()),
        _ => None,
    });
    words.into_iter().find(|word| ["fn", "impl", "enum", "mod", "match", "macro_rules"].contains(word))
}

fn has_block(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| match token {
        Token::Group(Delimiter::Brace, inner) => keyword(&tokens[..at]).is_some() || has_block(inner),
        Token::Group(_, inner) => has_block(inner),
        _ => false,
    })
}

fn marks(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    }
}

/// All on one line.
fn flat(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(text) | Token::Mark(text) => out.push_str(text),
            Token::Doc(text) => out.push_str(&format!("/**{text} */")),
            Token::Attribute(inner) => out.push_str(&format!("#[{}]", flat(inner))),
            Token::Group(delimiter, inner) => {
                let (open, close) = marks(*delimiter);
                let inner = flat(inner);
                match delimiter {
                    Delimiter::Brace if !inner.is_empty() => out.push_str(&format!("{{ {inner} }}")),
                    _ => out.push_str(&format!("{open}{inner}{close}")),
                }
            }
        }
        out.push_str(space(token, tokens.get(at + 1)));
    }
    out
}

fn space(token: &Token, next: Option<&Token>) -> &'static str {
    let Some(next) = next else { return "" };
    let spaced = match (token, next) {
        (_, Token::Mark(mark)) if matches!(&mark[..], "," | ";" | ":" | "." | "::" | "?" | ">") => false,
        (Token::Mark(mark), Token::Word(word)) if mark == ".." && word == "if" => true,
        (Token::Mark(mark), Token::Word(_)) if mark == "!" => true,
        (Token::Mark(mark), _) if mark == "$" => false,
        (Token::Mark(mark), Token::Word(kind)) if mark == ":" && kind == "literal" => false,
        (Token::Mark(mark), Token::Mark(next)) if mark == ".." && (next == "=>" || next == "|") => true,
        (Token::Mark(mark), _) if matches!(&mark[..], "&" | "::" | "." | "!" | "<" | ".." | "..=" | "*") => {
            false
        }
        (Token::Mark(mark), Token::Group(Delimiter::Parenthesis, _)) if mark == ">" => false,
        (_, Token::Mark(mark)) if matches!(&mark[..], "<" | "!") => false,
        (Token::Mark(mark), Token::Mark(dots)) if dots.starts_with("..") => mark != "|" && mark != "&",
        (_, Token::Mark(mark)) if mark.starts_with("..") => false,
        (Token::Word(word), Token::Group(Delimiter::Parenthesis | Delimiter::Bracket, _)) => {
            word.starts_with('\'') || word == "if"
        }
        _ => true,
    };
    if spaced { " " } else { "" }
}
