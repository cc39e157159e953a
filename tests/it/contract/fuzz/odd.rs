//! What is odd about a request.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::Attempt;

/// A request that almost makes sense.
#[derive(Debug)]
pub struct Odd {
    /// Its body, as sent.
    pub body: Vec<u8>,
    /// In place of the content type.
    pub media_type: &'static str,
    /// Sent beside the usual headers.
    pub headers: Vec<(&'static str, String)>,
    /// In place of the values in the path.
    pub path: Vec<String>,
    /// Appended to the path.
    pub query: &'static str,
}

const TEXTS: [&str; 14] =
    ["", " ", "A", "\u{0}", "\u{202e}txt", "\u{feff}", "💺💺", "' or 1=1 --", "=1+1", "../..", "%00", "null", "NaN", "\u{e0001}\u{10ffff}"];
const QUERIES: [&str; 8] = ["", "", "", "?", "?x=1", "?limit=1&limit=2", "?%00=%ff", "?after=&="];
const MEDIA_TYPES: [&str; 7] = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=latin1",
    "text/plain",
    "",
    "application/problem+json",
    "multipart/form-data",
];
const PATHS: [&str; 9] = ["0", "-1", "7", "6", "8", "9223372036854775808", "A", "%2e%2e", "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812"];

fn any<'a, T: ?Sized>(of: &[&'a T], rng: &mut StdRng) -> &'a T {
    of[rng.random_range(0..of.len())]
}

/// The request with something changed: usually one thing in its body, sometimes more, sometimes around it.
pub fn request(attempt: &Attempt, rng: &mut StdRng) -> Odd {
    let mut body = attempt.body().cloned().unwrap_or_default();
    for _ in 0..rng.random_range(0..3) {
        change(&mut body, rng);
    }
    let mut bytes = body.to_string().into_bytes();
    if rng.random_ratio(1, 5) {
        spoil(&mut bytes, rng);
    }
    let mut headers = Vec::new();
    if rng.random_ratio(1, 12) {
        headers.push(("content-encoding", any(&["gzip", "br", "zstd", "deflate", "identity", "gzip, gzip", "rot13", ""], rng).to_owned()));
    }
    if rng.random_ratio(1, 8) {
        headers.push(("idempotency-key", any(&["k", "k2", "", "\t", &"k".repeat(201), "é"], rng).to_owned()));
    }
    let values = attempt.path_values();
    let path = values.map(|value| if rng.random_ratio(1, 12) { any(&PATHS, rng).to_owned() } else { value.to_owned() }).collect();
    let media_type = if rng.random_ratio(1, 15) { any(&MEDIA_TYPES, rng) } else { "application/json" };
    Odd { body: bytes, media_type, headers, path, query: if rng.random_ratio(1, 10) { any(&QUERIES, rng) } else { "" } }
}

/// A value that does not belong where it is put.
fn odd_value(rng: &mut StdRng) -> Value {
    match rng.random_range(0..12) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random_range(-3..120)),
        3 => json!([0, -1, 2_147_483_648_i64, i64::MAX, i64::MIN][rng.random_range(0..5)]),
        4 => json!(u64::MAX),
        5 => json!([1.5, 1e308, -0.0, 1e-320][rng.random_range(0..4)]),
        6 => json!([]),
        7 => json!({}),
        8 => json!(any(&TEXTS, rng).repeat(rng.random_range(1..300))),
        9 => json!([[[[[[[[[[[[]]]]]]]]]]]]),
        10 => json!({"seats": [{"section": "A", "seat": 1}]}),
        _ => json!(any(&TEXTS, rng)),
    }
}

/// Changes one value somewhere within this one: replaces, removes, adds or repeats it.
fn change(value: &mut Value, rng: &mut StdRng) {
    let goes_deeper = rng.random_ratio(2, 3);
    match value {
        Value::Object(object) if !object.is_empty() => {
            let name = object.keys().nth(rng.random_range(0..object.len())).cloned().unwrap_or_default();
            match rng.random_range(0..6) {
                0 => drop(object.remove(&name)),
                1 => drop(object.insert(any(&TEXTS, rng).to_owned(), odd_value(rng))),
                _ if goes_deeper => change(object.get_mut(&name).expect("a field"), rng),
                _ => drop(object.insert(name, odd_value(rng))),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = rng.random_range(0..items.len());
            match rng.random_range(0..6) {
                0 => drop(items.remove(index)),
                1 => {
                    let times = [1, 2, 101][rng.random_range(0..3)];
                    let repeated = vec![items[index].clone(); times];
                    items.extend(repeated);
                }
                _ => change(&mut items[index], rng),
            }
        }
        other => *other = odd_value(rng),
    }
}

/// Changes bytes: cuts them off, flips some, repeats a part, or puts others around them.
fn spoil(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    let at = rng.random_range(0..=bytes.len());
    match rng.random_range(0..6) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, rng.random()),
        2 if at < bytes.len() => bytes[at] = rng.random(),
        3 => {
            let part = bytes[at..].to_vec();
            bytes.extend(part);
        }
        4 => drop(bytes.splice(0..0, *b"\xef\xbb\xbf")),
        _ => bytes.extend_from_slice(b"}]\0"),
    }
}
