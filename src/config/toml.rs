//! The grammar of `config.toml`, which is not TOML.
//!
//! Stalwart 0.12 to 0.15 read their configuration with their own grammar, which fills one flat, sorted map of
//! strings. This module reads the same map from the same text, including the quirks; it expands no macros, types no
//! values and depends on no settings. It is more lenient than the server in two places only: the text may end right
//! after a value (reported by [`Toml::unfinished_line`]), and the releases before 0.13.1 accepted fewer characters in
//! a key. source: `crates/utils/src/config/parser.rs` @ v0.12.5, v0.15.5

mod parser;
mod scanner;

use std::collections::BTreeMap;
use std::fmt;

use crate::base::error::Result;

/// Settings of a configuration file: full key to value, sorted bytewise by key.
#[derive(Debug, Default)]
pub struct Toml {
    entries: BTreeMap<String, TomlValue>,
    unfinished: Option<u32>,
}

/// A value as written, with quotes and escapes resolved and macros unexpanded.
#[derive(Clone, PartialEq, Eq)]
pub struct TomlValue {
    /// The text. May be a secret.
    pub value: String,
    /// The line on which the value starts, counted from 1.
    pub line: u32,
}

// Any value may be a secret.
impl fmt::Debug for TomlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Toml {
    /// Parses a whole file. Errors are of kind usage and name line and column, never a value.
    pub fn parse(text: &str) -> Result<Toml> {
        parser::parse(text)
    }

    /// The setting of this full key.
    pub fn get(&self, key: &str) -> Option<&TomlValue> {
        self.entries.get(key)
    }

    /// Every setting, sorted bytewise by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TomlValue)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// A list: the key itself, then every key below it, in order of the keys.
    pub fn list(&self, key: &str) -> impl Iterator<Item = (&str, &TomlValue)> {
        let below = format!("{key}.");
        let own = self.entries.get_key_value(key);
        let rest = self.entries.range(below.clone()..).take_while(move |(k, _)| k.starts_with(&below));
        own.into_iter().chain(rest).map(|(key, entry)| (key.as_str(), entry))
    }

    /// The last line, if the text ends right after its value. The server refuses such a file.
    pub fn unfinished_line(&self) -> Option<u32> {
        self.unfinished
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let toml = Toml::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        toml.iter().map(|(key, entry)| (key.to_string(), entry.value.clone())).collect()
    }

    fn check(text: &str, expect: &[(&str, &str)]) {
        let expect: Vec<_> = expect.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
        assert_eq!(pairs(text), expect, "{text:?}");
    }

    /// Checks the place and the start of the message.
    fn refuse(text: &str, line: u32, column: u32, message: &str) {
        let error = match Toml::parse(text) {
            Err(error) => error,
            Ok(toml) => panic!("{text:?} gives {:?}", toml.iter().collect::<Vec<_>>()),
        };
        let place = (error.context("line"), error.context("column"));
        assert_eq!(
            place,
            (Some(line.to_string().as_str()), Some(column.to_string().as_str())),
            "{text:?}: {error}"
        );
        assert!(error.to_string().starts_with(message), "{text:?}: {error}");
        assert_eq!(error.kind(), crate::base::error::ErrorKind::Usage);
    }

    #[test]
    fn everything_is_text_under_a_flat_key() {
        check("", &[]);
        check("a = 8080\nb = \"8080\"\nc = '8080'\n", &[("a", "8080"), ("b", "8080"), ("c", "8080")]);
        check("[servers.\"127.0.0.1\"]\na = \"b\"\n", &[("servers.127.0.0.1.a", "b")]);
        check("include = \"x\"\n", &[("include", "x")]);
        check(
            "x = [ { if = \"a\", then = 1 },\n { else = false } ]\n",
            &[("x.0000.if", "a"), ("x.0000.then", "1"), ("x.0001.else", "false")],
        );
        check(
            "[store.\"Big\"]          # prefix: store.Big\ntype = \"RocksDB\"       # a comment\n\
             pool.workers = 8\n[store.mix]\nstores = [ \"a\",\n  \"b\" ]\n",
            &[
                ("store.Big.pool.workers", "8"),
                ("store.Big.type", "RocksDB"),
                ("store.mix.stores.0000", "a"),
                ("store.mix.stores.0001", "b"),
            ],
        );
    }

    #[test]
    fn lines_and_comments() {
        check("\n \t\r\n# c\n  a = 1\n\n#", &[("a", "1")]);
        check("a = 1 # c", &[("a", "1")]);
        check("a = 1# c\n", &[("a", "1")]);
        check("a = 1\r\nb = 2\r\n", &[("a", "1"), ("b", "2")]);
        check("a = 1\rb\n", &[("a", "1b")]);
        check("a = \"x\ry\"\n", &[("a", "xy")]);
        check("[a] junk \" = é\nb = 1\n", &[("a.b", "1")]);
        check("[a]", &[]);
        refuse("_x = 1\n", 1, 1, "a line cannot start with '_'");
        refuse("a = 1\n 'x' = 1\n", 2, 2, "a line cannot start with '\\''");
        refuse("é = 1\n", 1, 1, "a line cannot start with 'é'");
        refuse("\u{feff}a = 1\n", 1, 1, "the file starts with a byte order mark");
        refuse("{\"@type\":\"RocksDb\"}", 1, 1, "a line cannot start with '{'");
        refuse("a = \"x\" y\n", 1, 9, "there is text after the value");
        refuse("a = 1 2\n", 1, 7, "there is text after the value");
    }

    #[test]
    fn a_text_may_end_after_a_value_and_the_line_is_reported() {
        for (text, line) in [
            ("a = 1", Some(1)),
            ("a = \"x\"", Some(1)),
            ("b = 2\na = [1,\n2]", Some(3)),
            ("a = 1  ", Some(1)),
            ("a = { b = 1 }", Some(1)),
            ("a = 1\n", None),
            ("a = 1 # c", None),
            ("a = 1\n[b]", None),
            ("", None),
        ] {
            assert_eq!(Toml::parse(text).unwrap().unfinished_line(), line, "{text:?}");
        }
    }

    #[test]
    fn keys() {
        check("my key = 1\n", &[("mykey", "1")]);
        check("a\tB.c\r = 1\n", &[("aB.c", "1")]);
        check("a.b.c = \"x\"\n", &[("a.b.c", "x")]);
        check("\"a b\".\"c=d\" = 1\n", &[("a b.c=d", "1")]);
        check("\"a\\\"b\\c\" = 1\n", &[("a\"bc", "1")]);
        check("a'b' = 1\n", &[("a'b'", "1")]);
        check(
            "a:b = 1\na/b = 2\na#b = 3\na[0] = 4\na_b-c.d = 5\n",
            &[("a#b", "3"), ("a/b", "2"), ("a:b", "1"), ("a[0]", "4"), ("a_b-c.d", "5")],
        );
        refuse("a\n= 1\n", 1, 2, "a key has no = on its line");
        refuse("\"a\nb\" = 1\n", 1, 3, "a quoted key must end on its line");
        refuse("\"\" = 1\n", 1, 1, "there is an empty key");
        refuse("[t]\n\"\" = 1\n", 2, 1, "there is an empty key");
        refuse("a = 1\nb", 2, 2, "the file ends within a key");
        refuse(&format!("{} = 1\n", "k".repeat(1025)), 1, 1, "a key is longer than 1024 bytes");
    }

    #[test]
    fn duplicate_keys_are_refused_however_they_are_spelled() {
        for text in [
            "a.b = 1\na.b = 2\n",
            "a.b = 1\n[a]b = 0\nb = 2\n",
            "a.b = 1\na = { b = 2 }\n",
            "a.0000 = 1\na = [2]\n",
            "a = [ { b = 1, b = 2 } ]\n",
        ] {
            let error = Toml::parse(text).unwrap_err();
            assert_eq!(error.message(), "a key is set twice", "{text:?}");
        }
        let error = Toml::parse("[a]\nb = 1\n\na.b = 1\nb = 2\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a key is set twice (line 5, column 5, key a.b, first on line 2); keep one of the two"
        );
    }

    #[test]
    fn table_headers() {
        check("[a]\nx = 1\n[b]\nx = 2\n[a]\ny = 3\n", &[("a.x", "1"), ("a.y", "3"), ("b.x", "2")]);
        check("[Store.ABC]\nType = X\n", &[("Store.abc.Type", "X")]);
        check("[store.\"My Id\".Pool]\nx = 1\n", &[("store.My Id.pool.x", "1")]);
        check("[ a . b\t]\nx = 1\n", &[("a.b.x", "1")]);
        check("[été.1_2-3]\nx = 1\n", &[("été.1_2-3.x", "1")]);
        check("[a.\"q\\\"]\\n\"]\nx = 1\n", &[("a.q\"]n.x", "1")]);
        check("[\"a]b\"]\nx = 1\n", &[("\"a.x", "1")]);
        refuse("[\"x\".y]\na = 1\n", 1, 8, "a table header must end with ] on its line");
        refuse("[]\n", 1, 2, "a table header has no name");
        refuse("[[]]\n", 1, 3, "a table header has no name");
        refuse("[a/b]\n", 1, 3, "a table header cannot hold '/'");
        refuse("[a.b", 1, 5, "a table header must end with ] on its line");
        refuse("[[a]\n", 1, 5, "a header that starts with [[ must end with ]]");
        refuse(&format!("[{}]\n", "t".repeat(1025)), 1, 1, "a key is longer than 1024 bytes");
    }

    #[test]
    fn arrays_of_tables_count_on_the_last_name_only() {
        check("[[P]]\nx = 1\n[[p]]\nx = 2\n", &[("p.0000.x", "1"), ("p.0001.x", "2")]);
        check("[[\"x\".y]]\na = 1\n", &[("x.y.0000.a", "1")]);
        check(
            "[[p]]\nx = 1\n[t]\ny = 2\n[[p]]\nx = 3\n",
            &[("p.0000.x", "1"), ("p.0001.x", "3"), ("t.y", "2")],
        );
        check(
            "[[p]]\nx = 1\n[[q]]\nx = 2\n[[p]]\ny = 3\n",
            &[("p.0000.x", "1"), ("p.0000.y", "3"), ("q.0000.x", "2")],
        );
        check("[[p]]\n[[p]]\nx = 1\n", &[("p.0001.x", "1")]);
        check("[[p]]\nx = 1\n[p.sub]\ny = 2\n", &[("p.0000.x", "1"), ("p.sub.y", "2")]);
        refuse("[[p]]\nx = 1\n[[q]]\n[[p]]\nx = 2\n", 5, 5, "a key is set twice");
        let text = "[[p]]\n".repeat(10_001) + "x = 1\n";
        check(&text, &[("p.10000.x", "1")]);
    }

    #[test]
    fn bare_words() {
        for word in ["30s", "50MB", "hello", "true", "1.5e10", "+1", "-.", "été"] {
            check(&format!("a = {word}\n"), &[("a", word)]);
        }
        for (word, column) in [("hello_world", 10), ("127.0.0.1:25", 14), ("1_000", 6)] {
            refuse(&format!("a = {word}\n"), 1, column, "there is text after the value");
        }
        for word in ["%{env:X}%", "/srv", "@a", "_a", "#", ":"] {
            refuse(&format!("a = {word}\n"), 1, 5, "a value without quotes can only hold");
        }
        refuse("a =\n1\n", 1, 4, "a key has no value (line 1, column 4, key a)");
        refuse("a = ", 1, 5, "a key has no value");
    }

    #[test]
    fn quoted_values() {
        for quote in ['"', '\''] {
            for (inner, expect) in [
                ("", ""),
                ("a # b", "a # b"),
                ("a\nb\r\nc", "a\nb\nc"),
                (r"a\tb\nc\rd", "a\tb\nc\rd"),
                (r"\q\u0041", "qu0041"),
                (r"C:\\dir", r"C:\dir"),
                (r"C:\\temp", "C:\\\temp"),
                (r"\\\.", r"\\."),
                (r"\\\\.", r"\\\."),
                (r"\.", "."),
                ("%{env:X}%", "%{env:X}%"),
            ] {
                check(&format!("a = {quote}{inner}{quote}\n"), &[("a", expect)]);
            }
            let escaped = format!("a = {quote}x\\{quote}y{quote}\n");
            check(&escaped, &[("a", &format!("x{quote}y"))]);
            // A pair of backslashes before the quote does not end the text.
            let run_on = format!("a = {quote}C:\\\\{quote}\nb = {quote}\n");
            check(&run_on, &[("a", &format!("C:\\{quote}\nb = "))]);
            refuse(&format!("a = {quote}C:\\\\{quote}\n"), 1, 5, "a quoted value is not closed");
        }
        check("a = \"it's\"\nb = 'say \"x\"'\n", &[("a", "it's"), ("b", "say \"x\"")]);
        refuse("\n\na = \"x\n\n", 3, 5, "a quoted value is not closed before the file ends (line 3");
    }

    #[test]
    fn triple_quoted_values_know_no_escape() {
        for quote in ["'", "\""] {
            let triple = quote.repeat(3);
            for (inner, expect) in [
                (String::new(), String::new()),
                (r"a\tb\\c\".to_string(), r"a\tb\\c\".to_string()),
                ("\na\n".to_string(), "a\n".to_string()),
                ("\n\na".to_string(), "\na".to_string()),
                ("\r\na\r\nb".to_string(), "\na\nb".to_string()),
                (format!("a{quote}b{quote}{quote}c"), format!("a{quote}b{quote}{quote}c")),
            ] {
                check(&format!("a = {triple}{inner}{triple}\n"), &[("a", &expect)]);
            }
            refuse(&format!("a = {triple}x{triple}{quote}\n"), 1, 12, "there is text after the value");
            refuse(&format!("a = {triple}x{quote}{quote}\n"), 1, 5, "a quoted value is not closed");
        }
    }

    #[test]
    fn arrays() {
        check("a = []\n", &[]);
        check("a = [ 1, \"b\" , 'c' ]\n", &[("a.0000", "1"), ("a.0001", "b"), ("a.0002", "c")]);
        check("a = [ # one\n 1, # two\n\n 2\n , # end\n]\n", &[("a.0000", "1"), ("a.0001", "2")]);
        check("a = [, \"y\"]\n", &[("a.0001", "y")]);
        check("a = [1,,2,]\n", &[("a.0000", "1"), ("a.0002", "2")]);
        check("a = [[1, 2], [3]]\n", &[("a.0000.0000", "1"), ("a.0000.0001", "2"), ("a.0001.0000", "3")]);
        refuse("a = [1 2]\n", 1, 8, "an element of an array is not followed by a comma");
        refuse("a = [1,\n", 2, 1, "an array is not closed");
        refuse("a = [1", 1, 7, "an array is not closed");
    }

    #[test]
    fn inline_tables_and_sets() {
        check("a = { b = 1, c.d = \"x\" }\n", &[("a.b", "1"), ("a.c.d", "x")]);
        check("a = { b =\n 1,\n c = 2 }\n", &[("a.b", "1"), ("a.c", "2")]);
        check("a = { \"x\", y }\n", &[("a.x", ""), ("a.y", "")]);
        check("a = { b = [1], c = { d = 2 } }\n", &[("a.b.0000", "1"), ("a.c.d", "2")]);
        refuse("a = {}\n", 1, 6, "there is an empty key");
        refuse("a = { b = 1, }\n", 1, 13, "there is an empty key");
        refuse("a = { b = 1 c = 2 }\n", 1, 13, "a value of an inline table is not followed by a comma");
        refuse("a = { b = 1", 1, 12, "a value of an inline table is not followed by a comma");
    }

    #[test]
    fn nine_levels_are_accepted_and_ten_refused() {
        let nested = |depth| format!("a = {}1{}\n", "[".repeat(depth), "]".repeat(depth));
        check(&nested(9), &[(&format!("a{}", ".0000".repeat(9)), "1")]);
        refuse(&nested(10), 1, 14, "arrays and tables are nested more than 9 deep");
        let mixed = |depth| format!("a = {}1{}\n", "{b=[".repeat(depth), "]}".repeat(depth));
        assert_eq!(pairs(&mixed(4)).len(), 1);
        refuse(&mixed(5), 1, 24, "arrays and tables are nested more than 9 deep");
    }

    #[test]
    fn lists_are_the_key_and_everything_below_in_textual_order() {
        let toml = Toml::parse("s.2 = b\ns.10 = a\ns = x\ns-t = no\nst = no\nt.s = no\n").unwrap();
        let values: Vec<_> = toml.list("s").map(|(_, entry)| entry.value.as_str()).collect();
        assert_eq!(values, ["x", "a", "b"]);
    }

    #[test]
    fn lines_are_those_where_values_start() {
        let toml = Toml::parse("a = 1\r\n\nb = \"x\ny\"\nc = [\n 1,\n {\n d = 2}]\n").unwrap();
        let lines: Vec<_> = toml.iter().map(|(key, entry)| (key, entry.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 3), ("c.0000", 6), ("c.0001.d", 8)]);
    }

    #[test]
    fn memory_is_bounded_by_the_settings_not_by_the_headers() {
        let mut text = format!("[{}]\n", "t".repeat(1000));
        for n in 0..40_000 {
            text.push_str(&format!("{n} = 1\n"));
        }
        let error = Toml::parse(&text).unwrap_err();
        assert_eq!(error.message(), "the settings take more than 33554432 bytes");
    }

    /// A setting as the server's own writer formats it, for values that the grammar can read back.
    fn written(key: &str, value: &str) -> String {
        let bare = value == "true" || value == "false" || value.parse::<f64>().is_ok();
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        if bare {
            format!("{key} = {value}\n")
        } else if value.contains('\n') || (value.len() > 50 && escaped != value) {
            format!("{key} = '''{value}'''\n")
        } else {
            format!("{key} = \"{escaped}\"\n")
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_settings_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Toml::parse(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_mix_of_the_grammar_gives_settings_or_an_error(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "[", "]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "=", ",", ".", "#", "\n", "\r", " ",
                    "\t", "a", "B", "1", "é", "_", "%{env:X}%", "a = ", "[[p]]\n",
                ]),
                0..60,
            )
        ) {
            if let Err(error) = Toml::parse(&parts.concat()) {
                prop_assert!(error.context("line").is_some() && error.context("column").is_some());
            }
        }

        #[test]
        fn files_of_the_servers_writer_come_back(
            settings in proptest::collection::btree_map(
                "[a-z0-9][a-zA-Z0-9._-]{0,20}",
                prop_oneof![
                    "[ -\\[\\]-~é]{0,80}",
                    // One backslash before a character that is no escape, and never two.
                    "([a-z ]{0,9}\\\\[A-Z0-9:/]){0,4}",
                    "[a-z]{1,9}\n[ -~\n]{0,60}[a-z]".prop_filter("no closing quotes", |v| !v.contains("'''")),
                    Just("true".to_string()),
                    any::<f64>().prop_map(|n| n.to_string()),
                    any::<i64>().prop_map(|n| n.to_string()),
                ].prop_filter(
                    "quotes that a triple quote cannot hold",
                    |v| !(v.len() > 50 && (v.contains("'''") || v.ends_with('\''))),
                ),
                0..20,
            )
        ) {
            let text: String = settings.iter().map(|(key, value)| written(key, value)).collect();
            let expect: Vec<_> = settings.into_iter().collect();
            prop_assert_eq!(pairs(&text), expect, "{}", text);
        }
    }
}
