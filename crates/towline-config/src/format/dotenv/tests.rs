use super::parse;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #[test]
    fn quoted_values_come_back(value in "[^']{0,40}", other in "\\PC{0,40}") {
        let contents = format!("A='{value}'\nB=\"{}\"\nC=end", double_quoted(&other));
        let (known, faults) = parse(".env", &contents, &BTreeMap::new());
        prop_assert!(faults.is_empty(), "{:?}", faults);
        prop_assert_eq!(known.get("A"), Some(&value));
        prop_assert_eq!(known.get("B"), Some(&other));
        prop_assert_eq!(known.get("C").map(String::as_str), Some("end"));
    }

    #[test]
    fn no_text_makes_it_panic_or_show_a_line(contents in "(?s).{0,200}") {
        let contents = format!("{contents}\nplanted-secret");
        let (_, faults) = parse(".env", &contents, &BTreeMap::new());
        for fault in faults {
            prop_assert!(!fault.to_string().contains("planted-secret"));
        }
    }
}

fn double_quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\$")
}
