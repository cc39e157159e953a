//! JSON without repeated keys: parsers differ in which value they use, and so could a proxy and this server.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Error as JsonError, Map, Value};

use crate::quoting::quoted;

/// Reads JSON whose objects have distinct keys. An error of the category `Data` means that a key appears twice.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, JsonError> {
    serde_json::from_slice(bytes).map(|Distinct(value)| value)
}

/// What is wrong with bytes that [`read`] refused, for whoever wrote them.
pub(crate) fn objection(bytes: &[u8], error: &JsonError) -> String {
    if bytes.trim_ascii().is_empty() {
        return "is empty: it must be JSON".to_owned();
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return "begins with a byte order mark: send it without one".to_owned();
    }
    if let Err(fault) = std::str::from_utf8(bytes) {
        return format!("is not UTF-8: its first {} bytes are, the next one is not", fault.valid_up_to());
    }
    let place = format!("at line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    match (error.classify(), words) {
        (Category::Eof, _) => format!("is incomplete JSON: it ends {place}, where a quote, a bracket or a value is missing"),
        (Category::Data, words) => format!("is refused: {words}, {place}"),
        (_, "recursion limit exceeded") => "is nested too deeply: at most 127 arrays and objects may be inside each other".to_owned(),
        (_, "number out of range") => format!("has a number that is too large, {place}"),
        (_, "expected value") => format!("is not JSON: a value is expected {place}, such as \"text\", 12, true, null, [] or {{}}"),
        (_, words) if words.contains("surrogate") || words.contains("hex escape") || words.contains("code point") => {
            format!("has a \\u escape that stands for no character, {place}")
        }
        (_, words) => format!("is not JSON: {words} {place}"),
    }
}

/// Any JSON whose objects have distinct keys.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{}` appears twice", quoted(&key))));
            }
            object.insert(key, map.next_value::<Distinct>()?.0);
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Distinct(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        super::read(text.as_bytes()).map_err(|error| objection(text.as_bytes(), &error))
    }

    #[test]
    fn any_json_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,1.5,18446744073709551615,"x","\u00e9\n",true,false,null],"b":{"a":{}},"c":[]}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        assert!(read(r#"{"a":1,"a":1}"#).unwrap_err().contains("the key `a` appears twice"));
        assert!(read(r#"[{"b":{"c":[{"d":1,"\u0064":2}]}}]"#).unwrap_err().contains("`d`"));
        assert!(read(r#"[{"a":1},{"a":1}]"#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_told_what_to_change_and_where() {
        for (text, expected) in [
            ("", "is empty: it must be JSON"),
            (" \n", "is empty: it must be JSON"),
            ("\u{feff}{}", "begins with a byte order mark: send it without one"),
            ("{", "is incomplete JSON: it ends at line 1, column 1, where a quote, a bracket or a value is missing"),
            ("{\"a\": \"x", "is incomplete JSON: it ends at line 1, column 8, where a quote, a bracket or a value is missing"),
            ("{\"a\": }", "is not JSON: a value is expected at line 1, column 7, such as \"text\", 12, true, null, [] or {}"),
            ("{'a': 1}", "is not JSON: key must be a string at line 1, column 2"),
            ("{\"a\": 1,\n}", "is not JSON: trailing comma at line 2, column 1"),
            ("{\"a\" 1}", "is not JSON: expected `:` at line 1, column 6"),
            ("{} x", "is not JSON: trailing characters at line 1, column 4"),
            ("[1e999]", "has a number that is too large, at line 1, column 6"),
            ("[\"\\ud800\"]", "has a \\u escape that stands for no character, at line 1, column 9"),
            ("{\"a\": 1, \"a\": 2}", "is refused: the key `a` appears twice, at line 1, column 12"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        assert!(read(&"[".repeat(5_000)).unwrap_err().starts_with("is nested too deeply: at most 127 "));
        assert!(read(&format!("{}{}", "[".repeat(127), "]".repeat(127))).is_ok());
        let binary = b"{\"a\": \"\xff\"}";
        let error = super::read(binary).unwrap_err();
        assert_eq!(objection(binary, &error), "is not UTF-8: its first 7 bytes are, the next one is not");
    }
}
