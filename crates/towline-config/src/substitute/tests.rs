use super::{Substituted, in_text, is_name};
use proptest::prelude::*;

fn look(name: &str) -> Option<String> {
    (name == "SET").then(|| "value".to_owned())
}

fn text(text: &str) -> Substituted {
    Substituted::Text(text.to_owned())
}

#[test]
fn variables_are_replaced_and_escapes_are_not() {
    for (written, expected) in [
        ("a ${SET} b ${SET}", text("a value b value")),
        ("${?SET}", text("value")),
        ("${?GONE}", Substituted::Absent),
        ("a${?GONE}b", text("ab")),
        ("$${SET}", text("${SET}")),
        ("$$${SET}", text("$${SET}")),
        ("$SET $", text("$SET $")),
        ("${", text("${")),
        ("${}", text("${}")),
        ("${a b}", text("${a b}")),
        ("${SET", text("${SET")),
        (
            "${A}${?GONE}${B}",
            Substituted::Missing(vec!["A".to_owned(), "B".to_owned()]),
        ),
    ] {
        assert_eq!(in_text(written, look), expected, "{written}");
    }
}

#[test]
fn what_a_variable_holds_is_not_replaced_again() {
    let look = |_: &str| Some("${SET}".to_owned());
    assert_eq!(in_text("${X}", look), text("${SET}"));
}

proptest! {
    #[test]
    fn text_without_variables_stays(written in "[^$]*|[^{]*") {
        prop_assert_eq!(in_text(&written, look), text(&written));
    }

    #[test]
    fn escaped_text_comes_back(written in "[a-z ${}?]{0,20}") {
        // One sign before the brace: an even number is itself ambiguous.
        prop_assume!(!written.contains("$$"));
        let escaped = written.replace("${", "$${");
        prop_assert_eq!(in_text(&escaped, look), text(&written));
    }

    #[test]
    fn names_are_letters_digits_and_underscores(name in "[A-Za-z_][A-Za-z0-9_]{0,8}") {
        prop_assert!(is_name(&name));
        let expected = Substituted::Missing(vec![name.clone()]);
        prop_assert_eq!(in_text(&format!("${{{name}}}"), |_| None), expected);
    }
}
