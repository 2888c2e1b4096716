//! JSON Schema, as far as it is needed to hold examples to the form that a generator is to answer in.
//!
//! | keyword | |
//! |---|---|
//! | `type`, `enum`, `const` | of any value |
//! | `properties`, `required`, `additionalProperties`, `minProperties`, `maxProperties` | of objects |
//! | `items`, `minItems`, `maxItems` | of arrays |
//! | `minLength`, `maxLength` | of strings, in characters |
//! | `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` | of numbers |
//! | `allOf`, `anyOf`, `oneOf`, `not` | |
//! | `$ref` to `#` or `#/…`, `$defs`, `definitions` | |
//!
//! A schema that says more is refused: what it says would not be seen to. Names and comments say nothing.
//!
//! Source: JSON Schema, draft 2020-12, "Core" and "Validation".

use serde_json::{Map, Value};

/// Keywords that ask for nothing.
const SILENT: [&str; 9] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
];

/// References that are followed into one another, at most.
const MAX_DEPTH: usize = 64;

/// A schema all of whose keywords are known.
#[derive(Debug, Clone)]
pub struct Schema {
    root: Value,
}

impl Schema {
    /// The schema `root`.
    ///
    /// # Errors
    /// What is not known in it or not as it should be, and where.
    pub fn new(root: Value) -> Result<Self, String> {
        let schema = Self { root };
        schema.check(&schema.root, "#")?;
        Ok(schema)
    }

    /// Whether `value` is as the schema says.
    ///
    /// # Errors
    /// What is not, and where.
    pub fn validate(&self, value: &Value) -> Result<(), String> {
        self.holds(&self.root, value, "$", 0)
    }

    /// What `$ref` leads to.
    fn referred(&self, reference: &str) -> Option<&Value> {
        match reference.strip_prefix('#')? {
            "" => Some(&self.root),
            pointer => self.root.pointer(pointer),
        }
    }

    /// Refuses what is not known in `schema`, which stands at `at`.
    fn check(&self, schema: &Value, at: &str) -> Result<(), String> {
        let fields = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(fields) => fields,
            _ => return Err(format!("{at} is neither an object nor true or false")),
        };
        for (name, value) in fields {
            let at = format!("{at}/{name}");
            let is_sound = match name.as_str() {
                "$defs" | "definitions" | "properties" => {
                    let all = value.as_object().ok_or(format!("{at} is no object"))?;
                    for (name, schema) in all {
                        self.check(schema, &format!("{at}/{name}"))?;
                    }
                    true
                }
                "items" | "additionalProperties" | "not" => {
                    self.check(value, &at)?;
                    true
                }
                "allOf" | "anyOf" | "oneOf" => {
                    let all = value.as_array().ok_or(format!("{at} is no array"))?;
                    for (i, schema) in all.iter().enumerate() {
                        self.check(schema, &format!("{at}/{i}"))?;
                    }
                    !all.is_empty()
                }
                "$ref" => value.as_str().is_some_and(|to| self.referred(to).is_some()),
                "type" => types(value).is_some_and(|all| all.iter().all(|name| is_type(name))),
                "enum" => value.is_array(),
                "const" => true,
                "required" => value
                    .as_array()
                    .is_some_and(|all| all.iter().all(Value::is_string)),
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
                | "maxProperties" => value.is_u64(),
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                    value.is_number()
                }
                name if SILENT.contains(&name) => true,
                _ => return Err(format!("{at} is a keyword that is not known here")),
            };
            if !is_sound {
                return Err(format!("{at} is not as it should be: {value}"));
            }
        }
        Ok(())
    }

    /// Whether `value`, at `at`, is as `schema` says.
    fn holds(&self, schema: &Value, value: &Value, at: &str, depth: usize) -> Result<(), String> {
        let Some(fields) = schema.as_object() else {
            return match schema {
                Value::Bool(false) => Err(format!("{at} may not be there")),
                _ => Ok(()),
            };
        };
        if depth > MAX_DEPTH {
            return Err(format!("{at} is behind too many references"));
        }
        let also = |schema: &Value| self.holds(schema, value, at, depth + 1);
        for (name, wanted) in fields {
            let all = || wanted.as_array().into_iter().flatten();
            let holds = match name.as_str() {
                "$ref" => match wanted.as_str().and_then(|to| self.referred(to)) {
                    Some(schema) => {
                        also(schema)?;
                        true
                    }
                    None => false,
                },
                "allOf" => {
                    all().try_for_each(also)?;
                    true
                }
                "anyOf" => all().any(|schema| also(schema).is_ok()),
                "oneOf" => all().filter(|schema| also(schema).is_ok()).count() == 1,
                "not" => also(wanted).is_err(),
                "type" => {
                    types(wanted).is_some_and(|names| names.iter().any(|name| is_of(value, name)))
                }
                "enum" => all().any(|one| one == value),
                "const" => wanted == value,
                _ => bound(name, wanted, value),
            };
            if !holds {
                return Err(format!("{at} is {}, against {name} {wanted}", short(value)));
            }
        }
        match value {
            Value::Object(own) => self.members(fields, own, at, depth),
            Value::Array(own) => match fields.get("items") {
                Some(items) => own.iter().enumerate().try_for_each(|(i, value)| {
                    self.holds(items, value, &format!("{at}[{i}]"), depth + 1)
                }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether the members of an object are as its schema says.
    fn members(
        &self,
        schema: &Map<String, Value>,
        own: &Map<String, Value>,
        at: &str,
        depth: usize,
    ) -> Result<(), String> {
        let required = schema.get("required").and_then(Value::as_array);
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.find(|name| !own.contains_key(*name)) {
            return Err(format!("{at} has no {missing:?}"));
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        own.iter().try_for_each(|(name, value)| {
            let own = known.and_then(|known| known.get(name)).or(others);
            own.map_or(Ok(()), |schema| {
                self.holds(schema, value, &format!("{at}.{name}"), depth + 1)
            })
        })
    }
}

/// Whether `value` keeps to the bound `name`, which says nothing of values of other kinds.
fn bound(name: &str, wanted: &Value, value: &Value) -> bool {
    let counted = |n: usize, least: bool| {
        let wanted = wanted.as_u64().unwrap_or_default();
        if least {
            n as u64 >= wanted
        } else {
            n as u64 <= wanted
        }
    };
    let number = |holds: fn(f64, f64) -> bool| {
        value
            .as_f64()
            .zip(wanted.as_f64())
            .is_none_or(|(own, wanted)| holds(own, wanted))
    };
    let text = value.as_str();
    let (array, object) = (value.as_array(), value.as_object());
    match name {
        "minLength" => text.is_none_or(|text| counted(text.chars().count(), true)),
        "maxLength" => text.is_none_or(|text| counted(text.chars().count(), false)),
        "minItems" => array.is_none_or(|own| counted(own.len(), true)),
        "maxItems" => array.is_none_or(|own| counted(own.len(), false)),
        "minProperties" => object.is_none_or(|own| counted(own.len(), true)),
        "maxProperties" => object.is_none_or(|own| counted(own.len(), false)),
        "minimum" => number(|own, wanted| own >= wanted),
        "maximum" => number(|own, wanted| own <= wanted),
        "exclusiveMinimum" => number(|own, wanted| own > wanted),
        "exclusiveMaximum" => number(|own, wanted| own < wanted),
        _ => true,
    }
}

/// The names of types in the keyword `type`.
fn types(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn is_type(name: &str) -> bool {
    [
        "null", "boolean", "object", "array", "number", "integer", "string",
    ]
    .contains(&name)
}

fn is_of(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Object(_) => name == "object",
        Value::Array(_) => name == "array",
        Value::String(_) => name == "string",
        Value::Number(number) => {
            let is_whole = number.as_f64().is_some_and(|x| x.fract() == 0.0);
            name == "number" || (name == "integer" && is_whole)
        }
    }
}

/// The beginning of a value, as it is shown.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_held_to_what_a_schema_says() {
        let schema = Schema::new(json!({
            "type": "object",
            "properties": {
                "answer": {"type": "string", "minLength": 1, "maxLength": 20},
                "sources": {"type": "array", "items": {"$ref": "#/$defs/source"}, "minItems": 1},
                "sure": {"enum": ["yes", "no"]},
                "share": {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 1},
                "kind": {"oneOf": [{"const": "a"}, {"const": "b"}], "not": {"const": "c"}},
            },
            "required": ["answer", "sources"],
            "additionalProperties": false,
            "$defs": {"source": {"type": "integer", "minimum": 1}},
        }))
        .unwrap();
        for sound in [
            json!({"answer": "Twice.", "sources": [1, 2]}),
            json!({"answer": "Ä".repeat(20), "sources": [3], "sure": "yes", "share": null, "kind": "b"}),
            json!({"answer": "A", "sources": [1], "share": 0.5}),
        ] {
            assert_eq!(schema.validate(&sound), Ok(()));
        }
        for (wrong, place) in [
            (json!([]), "$ is []"),
            (json!({"answer": "A"}), "no \"sources\""),
            (json!({"answer": "", "sources": [1]}), "$.answer"),
            (
                json!({"answer": "A".repeat(21), "sources": [1]}),
                "$.answer",
            ),
            (json!({"answer": "A", "sources": []}), "$.sources"),
            (json!({"answer": "A", "sources": [1, 0]}), "$.sources[1]"),
            (json!({"answer": "A", "sources": [1.5]}), "$.sources[0]"),
            (
                json!({"answer": "A", "sources": [1], "sure": "perhaps"}),
                "$.sure",
            ),
            (
                json!({"answer": "A", "sources": [1], "share": 1}),
                "$.share",
            ),
            (
                json!({"answer": "A", "sources": [1], "kind": "c"}),
                "$.kind",
            ),
            (
                json!({"answer": "A", "sources": [1], "more": 1}),
                "$.more may not",
            ),
        ] {
            let error = schema.validate(&wrong).unwrap_err();
            assert!(error.contains(place), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_schema_that_says_more_than_is_known_is_refused() {
        for (schema, place) in [
            (
                json!({"properties": {"a": {"format": "date"}}}),
                "#/properties/a/format",
            ),
            (json!({"type": "text"}), "#/type"),
            (json!({"pattern": "^a"}), "#/pattern"),
            (json!({"$ref": "#/$defs/none"}), "#/$ref"),
            (json!({"$ref": "other.json"}), "#/$ref"),
            (json!({"anyOf": []}), "#/anyOf"),
            (json!([]), "# is neither"),
        ] {
            let error = Schema::new(schema.clone()).unwrap_err();
            assert!(error.contains(place), "{schema}: {error}");
        }
        // One that only leads to itself ends.
        let endless = Schema::new(json!({"$ref": "#"})).unwrap();
        assert!(endless.validate(&json!(1)).is_err());
    }
}
