//! What breaks clients in a schema that changed.

use serde_json::Value;

use super::{Comparison, Way};
use crate::harness::entries;

impl Comparison<'_> {
    pub(super) fn schema(&mut self, old: &Value, new: &Value, way: Way, place: &str) {
        let (old, new) = (effective(self.old, old), effective(self.new, new));
        if old["type"] != new["type"] || old["format"] != new["format"] {
            self.note(format!("{place}: the type became {} {}", new["type"], new["format"]));
            return;
        }
        let (before, after) = (old["nullable"] == true, new["nullable"] == true);
        match way {
            Way::In if before && !after => self.note(format!("{place}: null is not taken any more")),
            Way::Out if after && !before => self.note(format!("{place}: may be null")),
            _ => {}
        }
        if way == Way::In {
            self.values(&old, &new, place);
            self.bounds(&old, &new, place);
        }
        self.properties(&old, &new, way, place);
        for key in ["oneOf", "anyOf"] {
            self.variants(&old[key], &new[key], way, place);
        }
        if !old["items"].is_null() {
            self.schema(&old["items"], &new["items"], way, &format!("{place}[]"));
        }
    }

    /// Which values a client may send.
    fn values(&mut self, old: &Value, new: &Value, place: &str) {
        if let Some(now) = new["enum"].as_array() {
            match old["enum"].as_array() {
                None => self.note(format!("{place}: only some values are taken now")),
                Some(known) => {
                    let gone: Vec<_> = known.iter().filter(|value| !now.contains(value)).map(Value::to_string).collect();
                    if !gone.is_empty() {
                        self.note(format!("{place}: {} not taken any more", gone.join(", ")));
                    }
                }
            }
        }
        if old["default"] != new["default"] {
            self.note(format!("{place}: the default became {}", new["default"]));
        }
    }

    /// The limits on size, length and number of what a client sends.
    fn bounds(&mut self, old: &Value, new: &Value, place: &str) {
        for key in ["minimum", "minLength", "minItems", "minProperties"] {
            if new[key].as_f64().unwrap_or(f64::MIN) > old[key].as_f64().unwrap_or(f64::MIN) {
                self.note(format!("{place}: {key} rose to {}", new[key]));
            }
        }
        for key in ["maximum", "maxLength", "maxItems", "maxProperties"] {
            if new[key].as_f64().unwrap_or(f64::MAX) < old[key].as_f64().unwrap_or(f64::MAX) {
                self.note(format!("{place}: {key} fell to {}", new[key]));
            }
        }
        for key in ["pattern", "uniqueItems"] {
            if !new[key].is_null() && new[key] != false && new[key] != old[key] {
                self.note(format!("{place}: {key} became {}", new[key]));
            }
        }
        if new["additionalProperties"] == false && old["additionalProperties"] != false {
            self.note(format!("{place}: other fields are refused"));
        }
    }

    fn properties(&mut self, old: &Value, new: &Value, way: Way, place: &str) {
        let requires = |schema: &Value, name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|item| item == name));
        for (name, property) in entries(&old["properties"]) {
            let place = format!("{place}.{name}");
            match new["properties"].get(name) {
                None => self.note(format!("{place} is gone")),
                Some(_) if way == Way::Out && requires(old, name) && !requires(new, name) => self.note(format!("{place} may be missing")),
                Some(now) => self.schema(property, now, way, &place),
            }
        }
        for (name, _) in entries(&new["properties"]).filter(|(name, _)| way == Way::In && requires(new, name) && !requires(old, name)) {
            self.note(format!("{place}.{name} is required now"));
        }
    }

    /// Each form that a client may send must still fit a form of the server's, and the other way round.
    fn variants(&mut self, old: &Value, new: &Value, way: Way, place: &str) {
        let list = |variants: &Value| variants.as_array().cloned().unwrap_or_default();
        let (before, after) = (list(old), list(new));
        if before.is_empty() || after.is_empty() {
            if before.len() != after.len() {
                self.note(format!("{place}: it became a choice of forms, or is none any more"));
            }
            return;
        }
        let (ours, theirs) = if way == Way::In { (&before, &after) } else { (&after, &before) };
        for (index, form) in ours.iter().enumerate() {
            let fits = |other: &Value| {
                let mut found = vec![];
                let mut trial = Comparison { old: self.old, new: self.new, id: self.id, found: &mut found };
                let (old, new) = if way == Way::In { (form, other) } else { (other, form) };
                trial.schema(old, new, way, place);
                found.is_empty()
            };
            if !theirs.iter().any(fits) {
                self.note(format!("{place}: form {} fits none of the others any more", index + 1));
            }
        }
    }
}

/// A schema without references: the parts of `allOf` are merged.
fn effective(document: &Value, schema: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return effective(document, document.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null));
    }
    let mut whole = serde_json::Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        whole.extend(effective(document, part).as_object().cloned().unwrap_or_default());
    }
    whole.extend(entries(schema).filter(|(key, _)| *key != "allOf").map(|(key, value)| (key.to_owned(), value.clone())));
    Value::Object(whole)
}
