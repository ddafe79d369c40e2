//! Decodes a key by hand: `decode_key VERSION LETTER HEX`, as `decode_key 5 p 000000070032 0000002a`.
//!
//! Shows how to find a subspace, describe a key, and match on its typed form.

use std::process::ExitCode;

use stalwart_migrate::catalog::{self, TypedKey, keys};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match decode(&arguments) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn decode(arguments: &[String]) -> Result<String, String> {
    let [version, letter, digits @ ..] = arguments else {
        return Err("usage: decode_key VERSION LETTER HEX".to_owned());
    };
    let key = bytes(&digits.concat()).ok_or("the key is no hex")?;
    let number: u32 = version.parse().map_err(|_| format!("`{version}` is no schema version"))?;
    let version = catalog::version(number).ok_or(format!("schema version {number} is unknown"))?;
    let letter = letter.parse().map_err(|_| format!("`{letter}` is no letter"))?;
    let subspace = version.subspace(letter).ok_or(format!("version {number} has no subspace {letter}"))?;
    let layout = subspace.layout(&key).map_err(|error| format!("{} ({letter}): {error}", subspace.name))?;

    let mut text = format!("{} ({letter}), {}\n{}", subspace.name, subspace.title, subspace.describe(&key));
    text.push_str(&format!("\nlayout {}, {} segments", layout.name, layout.segments.len()));
    // The typed form, for code that needs the fields.
    if letter == 'p'
        && let Some(keys::PropertyKey::Property { account, document, .. }) =
            keys::PropertyKey::decode(&key, number)
    {
        text.push_str(&format!("\nDocument {document} of account {account}."));
    }
    Ok(text)
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}
