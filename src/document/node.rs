//! JSON whose keys keep their order: additions to the framework's document must not reorder the rest.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object with its keys in the order they were written.
pub(crate) type Object = IndexMap<String, Node>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Object(Object),
    List(Vec<Node>),
    /// A text, number, boolean or null.
    Leaf(Value),
}

impl Node {
    /// `value` as JSON, with its fields in order.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        serde_json::to_string(value).and_then(|text| serde_json::from_str(&text)).expect("a value can be written as JSON")
    }

    /// Its keys and values; none, if it is not an object.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let object = if let Self::Object(object) = self { Some(object) } else { None };
        object.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// The same, mutable.
    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = (&str, &mut Self)> {
        let object = if let Self::Object(object) = self { Some(object) } else { None };
        object.into_iter().flat_map(|object| object.iter_mut()).map(|(key, value)| (key.as_str(), value))
    }

    /// Its items; none, if it is not a list.
    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        if let Self::Object(object) = self { object.get(key) } else { None }
    }

    /// The value at the end of a path of keys; a number is an index in a list.
    pub(crate) fn at_mut(&mut self, keys: &[&str]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |node, key| match node {
            Self::Object(object) => object.get_mut(*key),
            Self::List(items) => key.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            Self::Leaf(_) => None,
        })
    }

    /// The same in a part that every document has.
    ///
    /// # Panics
    /// When it is missing: without it the document would be published incomplete.
    pub(crate) fn part_mut(&mut self, keys: &[&str]) -> &mut Self {
        self.at_mut(keys).unwrap_or_else(|| panic!("the framework's document has no {}", keys.join("/")))
    }

    /// Sets the value of a key; a new key comes last.
    pub(crate) fn set(&mut self, key: &str, value: impl Serialize) {
        if let Self::Object(object) = self {
            object.insert(key.to_owned(), Self::of(&value));
        }
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Self::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Writes whole numbers without a fraction: the framework keeps every bound as a floating-point number.
    pub(crate) fn with_whole_numbers(self) -> Self {
        match self {
            Self::Object(object) => Self::Object(object.into_iter().map(|(key, value)| (key, value.with_whole_numbers())).collect()),
            Self::List(items) => Self::List(items.into_iter().map(Self::with_whole_numbers).collect()),
            Self::Leaf(value) => Self::Leaf(whole(value)),
        }
    }
}

fn whole(value: Value) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        // Within these bounds the cast is exact.
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() <= EXACT_MAX => Value::from(number as i64),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_whole_numbers_their_look() {
        let text = r#"{"b":1.0,"a":[0.5,"x",-3.0],"c":{"z":null,"y":12}}"#;
        let node: Node = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&node.with_whole_numbers()).unwrap();
        assert_eq!(written, r#"{"b":1,"a":[0.5,"x",-3],"c":{"z":null,"y":12}}"#);
    }

    #[test]
    fn values_are_found_and_set() {
        let mut node: Node = serde_json::from_str(r#"{"list":[{"a":"text"}]}"#).unwrap();
        node.at_mut(&["list", "0"]).unwrap().set("b", 5);
        assert_eq!(node.get("list").unwrap().items()[0].text("a"), Some("text"));
        assert_eq!(serde_json::to_string(&node).unwrap(), r#"{"list":[{"a":"text","b":5}]}"#);
        assert!(node.at_mut(&["list", "1"]).is_none());
    }

    #[test]
    #[should_panic(expected = "the framework's document has no components/schemas")]
    fn a_part_that_is_missing_is_named() {
        Node::of(&serde_json::json!({"components": {}})).part_mut(&["components", "schemas"]);
    }
}
