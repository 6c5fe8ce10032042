use super::Fields;
use serde_json::{Value, json};
use towline_core::{CompletionOptions, ErrorKind};

fn options() -> CompletionOptions {
    CompletionOptions::new()
        .with_extra("mine", "a", json!("mine"))
        .with_extra("dialect", "a", json!("dialect"))
        .with_extra("dialect", "b", json!("dialect"))
        .with_extra("others", "c", json!("others"))
}

fn fields(options: &CompletionOptions) -> Fields<'_> {
    Fields::new(options, ["mine", "dialect"], &["model", "list"])
}

/// What is written, as an object, with the list closed.
fn done(fields: Fields<'_>) -> String {
    let (head, _) = fields.finish("list").unwrap();
    let text = String::from_utf8(head).unwrap() + "]}";
    assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    text
}

#[test]
fn a_raw_field_is_written_once_and_the_own_name_outranks_the_dialect() {
    let options = options();
    let mut fields = fields(&options);
    fields.put("a", "ours").unwrap();
    fields.put("d", &1).unwrap();
    fields.put_option::<u8>("e", None).unwrap();
    assert_eq!(
        done(fields),
        r#"{"d":1,"a":"mine","b":"dialect","list":[]}"#
    );
    let fields = Fields::new(&options, ["dialect", "dialect"], &[]);
    assert_eq!(done(fields), r#"{"a":"dialect","b":"dialect","list":[]}"#);
}

#[test]
fn what_decides_how_the_answer_is_read_cannot_be_set_raw() {
    let stolen = CompletionOptions::new().with_extra("dialect", "model", json!("other"));
    let mut fields = fields(&stolen);
    assert!(!fields.is_raw("model"));
    fields.put("model", "m").unwrap();
    let error = fields.finish("list").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().unwrap().contains("`model`"), "{error}");
}

#[test]
fn fields_that_are_left_out_are_left_out_raw_too() {
    let options = options();
    let mut fields = fields(&options).without(&["a", "d", "l"]);
    fields.put("d", &1).unwrap();
    fields.put_list("l", b"1,2").unwrap();
    fields.put_list("m", b"1,2").unwrap();
    assert_eq!(done(fields), r#"{"m":[1,2],"b":"dialect","list":[]}"#);
}

#[test]
fn an_object_joins_the_raw_one_which_outranks_it() {
    let raw = CompletionOptions::new().with_extra("mine", "o", json!({"x": 2, "y": 3}));
    let own = json!({"w": 0, "x": 1});
    let own = own.as_object().unwrap();
    let mut joined = fields(&raw);
    joined.put_joined("o", own.clone()).unwrap();
    assert_eq!(done(joined), r#"{"o":{"w":0,"x":2,"y":3},"list":[]}"#);
    let mut nothing = CompletionOptions::new();
    let mut empty = fields(&nothing);
    empty.put_joined("o", serde_json::Map::new()).unwrap();
    assert_eq!(done(empty), r#"{"list":[]}"#);
    nothing = nothing.with_extra("mine", "o", json!([1]));
    let error = fields(&nothing).put_joined("o", own.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn what_cannot_be_sent_is_an_error_or_noted() {
    let strict = CompletionOptions::new();
    let error = fields(&strict).refuse("seed", "there is none").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().unwrap().contains("`seed`"), "{error}");
    let lenient = CompletionOptions::new().with_lenient(true);
    let mut fields = fields(&lenient);
    fields.refuse("seed", "there is none").unwrap();
    assert_eq!(fields.finish("list").unwrap().1, ["seed"]);
}
