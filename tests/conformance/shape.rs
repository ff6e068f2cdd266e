//! The shape of JSON values: which keys there are and of what type, recursively; what two shapes differ in.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What is known of a value from one or more samples of it.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// How often it was seen, `null` included.
    seen: usize,
    nulls: usize,
    /// Names of the plain types found: `string`, `number`, `boolean`.
    plain: Vec<&'static str>,
    /// Fields, if it was an object.
    fields: Option<BTreeMap<String, Shape>>,
    /// What is in it, if it was an array.
    items: Option<Box<Shape>>,
    /// How often it was an object.
    objects: usize,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Where: `sessions[].key`.
    pub path: String,
    /// What kind.
    pub kind: Kind,
    /// In words.
    pub detail: String,
}

/// Kinds of differences, seen from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Always there in theirs, not in ours.
    Missing,
    /// Of another type.
    Type,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Missing => "missing",
            Kind::Type => "type",
        };
        write!(f, "{kind} {} ({})", self.path, self.detail)
    }
}

impl Shape {
    /// The shape of one value.
    pub fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(value);
        shape
    }

    /// The shape that a list of samples has in common.
    pub fn of_all(samples: &Value) -> Self {
        let mut shape = Self::default();
        samples.as_array().into_iter().flatten().for_each(|sample| shape.add(sample));
        shape
    }

    /// Learns from one more sample.
    pub fn add(&mut self, value: &Value) {
        self.seen += 1;
        let mut plain = |name| {
            if !self.plain.contains(&name) {
                self.plain.push(name);
            }
        };
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => plain("boolean"),
            Value::Number(_) => plain("number"),
            Value::String(_) => plain("string"),
            Value::Array(items) => {
                let shape = self.items.get_or_insert_with(Box::default);
                for item in items {
                    shape.add(item);
                }
            }
            Value::Object(fields) => {
                self.objects += 1;
                let known = self.fields.get_or_insert_with(BTreeMap::new);
                for (name, value) in fields {
                    known.entry(name.clone()).or_default().add(value);
                }
            }
        }
    }

    fn types(&self) -> Vec<&'static str> {
        let mut types = self.plain.clone();
        types.extend(self.fields.is_some().then_some("object"));
        types.extend(self.items.is_some().then_some("array"));
        types
    }

    /// What ours differs in from theirs. Nothing can be said of what was always `null` or empty there, and keys that only we
    /// have are no difference: the protocol grows by adding, and the published schema refuses those that it does not allow.
    /// Objects at `maps` (paths as in [`Difference::path`]) have data for keys: their values are compared as one.
    pub fn differences(&self, theirs: &Self, maps: &[String]) -> Vec<Difference> {
        let mut found = Vec::new();
        self.compare(theirs, "", maps, &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn compare(&self, theirs: &Self, path: &str, maps: &[String], found: &mut Vec<Difference>) {
        let (ours_types, their_types) = (self.types(), theirs.types());
        if !their_types.is_empty() {
            for one in &ours_types {
                if !their_types.contains(one) {
                    let detail = format!("{one}, theirs is {}", their_types.join(" or "));
                    found.push(Difference { path: path.to_owned(), kind: Kind::Type, detail });
                    return;
                }
            }
            if self.nulls > 0 && theirs.nulls == 0 {
                let detail = format!("null, theirs is {}", their_types.join(" or "));
                found.push(Difference { path: path.to_owned(), kind: Kind::Type, detail });
            }
        }
        if let (Some(ours), Some(theirs)) = (&self.items, &theirs.items) {
            ours.compare(theirs, &format!("{path}[]"), maps, found);
        }
        if let (Some(ours), Some(their_fields)) = (&self.fields, &theirs.fields) {
            if maps.iter().any(|map| map == path) {
                let (mut one, mut other) = (Self::default(), Self::default());
                for shape in ours.values() {
                    one.merge(shape);
                }
                for shape in their_fields.values() {
                    other.merge(shape);
                }
                if one.seen > 0 && other.seen > 0 {
                    one.compare(&other, &format!("{path}.*"), maps, found);
                }
                return;
            }
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            for (name, their_field) in their_fields {
                match ours.get(name) {
                    Some(field) => field.compare(their_field, &below(name), maps, found),
                    None if their_field.seen == theirs.objects && !their_field.types().is_empty() => {
                        let detail = format!("theirs is {}", their_field.describe());
                        found.push(Difference { path: below(name), kind: Kind::Missing, detail });
                    }
                    None => {}
                }
            }
        }
    }

    fn describe(&self) -> String {
        let types = self.types();
        if types.is_empty() { "null".to_owned() } else { types.join(" or ") }
    }

    fn merge(&mut self, other: &Self) {
        self.seen += other.seen;
        self.nulls += other.nulls;
        self.objects += other.objects;
        for name in &other.plain {
            if !self.plain.contains(name) {
                self.plain.push(name);
            }
        }
        if let Some(items) = &other.items {
            self.items.get_or_insert_with(Box::default).merge(items);
        }
        if let Some(fields) = &other.fields {
            let known = self.fields.get_or_insert_with(BTreeMap::new);
            for (name, shape) in fields {
                known.entry(name.clone()).or_default().merge(shape);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(ours: &Value, theirs: &Value, maps: &[&str]) -> Vec<String> {
        let maps: Vec<_> = maps.iter().map(|&map| map.to_owned()).collect();
        let found = Shape::of(ours).differences(&Shape::of(theirs), &maps);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn keys_and_types_are_compared_all_the_way_down() {
        let theirs = json!({ "a": [{ "x": 1, "y": "" }, { "x": 2 }], "n": null, "s": "", "gone": {} });
        let ours = json!({ "a": [{ "x": "1", "z": 1 }], "n": 4, "s": null });
        assert_eq!(
            words(&ours, &theirs, &[]),
            [
                "type a[].x (string, theirs is number)",
                "missing gone (theirs is object)",
                "type s (null, theirs is string)",
            ]
        );
        assert!(words(&theirs, &theirs, &[]).is_empty());
    }

    #[test]
    fn keys_of_a_map_are_data() {
        let (ours, theirs) =
            (json!({ "by": { "one": { "n": 1 } } }), json!({ "by": { "two": { "n": "" } } }));
        assert_eq!(words(&ours, &theirs, &["by"]), ["type by.*.n (number, theirs is string)"]);
    }
}
