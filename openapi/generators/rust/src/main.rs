//! Writes the Rust client: what progenitor generates from the document, with [`client_extras.rs`](../client_extras.rs) beside it.
//!
//! Usage: `rowlock-client-generator openapi.json folder-of-the-package`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TagStyle};
use serde_json::Value;

const MANIFEST: &str = include_str!("../client_manifest.toml");
const EXTRAS: &str = include_str!("../client_extras.rs");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(document), Some(package)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rowlock-client-generator openapi.json folder-of-the-package".into());
    };
    let mut document: Value = serde_json::from_str(&fs::read_to_string(document)?)?;
    adapt(&mut document);
    let client = client(&document)?;
    fs::create_dir_all(package.join("src"))?;
    write(&package.join("Cargo.toml"), MANIFEST)?;
    write(&package.join("src/client.rs"), &client)?;
    write(&package.join("src/lib.rs"), EXTRAS)
}

fn client(document: &Value) -> Result<String, Box<dyn Error>> {
    let document = serde_json::from_value(document.clone())?;
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Builder).with_tag(TagStyle::Merged).with_derive("PartialEq");
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    Ok(prettyplease::unparse(&syn::parse2(tokens)?))
}

/// Says what progenitor cannot read in its own way: it knows bodies of `application/json` only, takes every bounded text for a type of
/// its own, every number from 1 for a `NonZero` and every list of distinct values for a set. The server checks bounds, and names the
/// field at fault; plain values are easier to give.
fn adapt(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(problem) = object.remove("application/problem+json") {
                object.insert("application/json".to_owned(), problem);
            }
            if object.get("type").is_some_and(|kind| kind == "integer" || kind == "string") {
                for bound in ["minimum", "maximum", "minLength", "maxLength", "pattern"] {
                    object.remove(bound);
                }
            }
            if object.get("type").is_some_and(|kind| kind == "array") {
                object.remove("uniqueItems");
            }
            object.values_mut().for_each(adapt);
        }
        Value::Array(items) => items.iter_mut().for_each(adapt),
        _ => {}
    }
}

/// Leaves a file alone that has this text: what was built from it stays fresh.
fn write(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    if fs::read_to_string(path).is_ok_and(|kept| kept == text) {
        return Ok(());
    }
    Ok(fs::write(path, text)?)
}
