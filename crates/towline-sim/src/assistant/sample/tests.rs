use super::{arguments, of};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn objects_have_all_fields_and_those_only_required() {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "celsius": {"type": "boolean"},
            "nested": {"type": "object", "properties": {"unit": {"enum": ["C", "F"]}}},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        },
        "required": ["city", "undescribed"],
    });
    assert_eq!(
        of(&schema),
        json!({
            "city": "sample city",
            "days": 1,
            "celsius": true,
            "nested": {"unit": "C"},
            "tags": ["sample tags", "sample tags"],
            "undescribed": "sample",
        })
    );
}

#[test]
fn bounds_are_kept() {
    assert_eq!(of(&json!({"type": "integer", "minimum": 5})), json!(5));
    assert_eq!(
        of(&json!({"type": "integer", "exclusiveMinimum": 5})),
        json!(6)
    );
    assert_eq!(of(&json!({"type": "integer", "maximum": -3})), json!(-3));
    assert_eq!(
        of(&json!({"type": "integer", "minimum": 7, "multipleOf": 5})),
        json!(10)
    );
    assert_eq!(
        of(&json!({"type": "number", "minimum": 1.5, "maximum": 1.6})),
        json!(1.5)
    );
    assert_eq!(
        of(&json!({"type": "number", "exclusiveMaximum": 0})),
        json!(-0.5)
    );
    assert_eq!(of(&json!({"type": "string", "maxLength": 3})), json!("sam"));
    assert_eq!(
        of(&json!({"type": "string", "minLength": 14})),
        json!("sample valuexx")
    );
    assert_eq!(
        of(&json!({"type": "array", "items": {"type": "null"}, "maxItems": 0})),
        json!([])
    );
}

#[test]
fn alternatives_and_references_are_followed() {
    let schema = json!({
        "$defs": {"unit": {"const": "km"}},
        "allOf": [
            {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}},
            {"properties": {"b": {"$ref": "#/$defs/unit"}, "c": {"type": ["null", "boolean"]}}},
        ],
    });
    assert_eq!(of(&schema), json!({"a": 1, "b": "km", "c": true}));
    assert_eq!(of(&json!({"$ref": "#/nowhere"})), Value::Null);
}

#[test]
fn a_schema_that_recurs_ends() {
    let tree = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#"}},
        },
        "required": ["name", "children"],
    });
    let sample = of(&tree);
    assert_eq!(sample["name"], "sample name");
    assert!(sample.to_string().len() < 1000);
    assert_eq!(of(&json!({"$ref": "#"})), Value::Null);
}

#[test]
fn a_schema_that_recurs_in_many_branches_ends_soon() {
    let names: Vec<String> = (0..20).map(|n| format!("f{n}")).collect();
    let fields = names
        .iter()
        .map(|name| (name.clone(), json!({"$ref": "#"})));
    let fields = fields.collect::<serde_json::Map<_, _>>();
    let sample = of(&json!({"type": "object", "properties": fields, "required": names}));
    assert!(sample.to_string().len() < 1_000_000);
}

#[test]
fn arguments_are_always_an_object() {
    assert_eq!(arguments(&Value::Null), json!({}));
    assert_eq!(arguments(&json!({"type": "string"})), json!({}));
}

proptest! {
    /// A sample of an integer schema lies within its bounds, whatever they are.
    #[test]
    fn integers_stay_within_their_bounds(low in -1000_i64..1000, width in 0_i64..1000) {
        let sample = of(&json!({"type": "integer", "minimum": low, "maximum": low + width}));
        let number = sample.as_i64().unwrap();
        prop_assert!(low <= number && number <= low + width, "{number}");
    }

    #[test]
    fn strings_stay_within_their_bounds(low in 0_usize..50, width in 0_usize..50) {
        let sample = of(&json!({"type": "string", "minLength": low, "maxLength": low + width}));
        let chars = sample.as_str().unwrap().chars().count();
        prop_assert!(low <= chars && chars <= low + width, "{chars}");
    }
}
