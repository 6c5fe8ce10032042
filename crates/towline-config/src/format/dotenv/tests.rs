use super::parse;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #[test]
    fn quoted_values_come_back(value in "[^']{0,40}", other in "\\PC{0,40}") {
        let contents = format!("A='{value}'\nB=\"{}\"\nC=end", double_quoted(&other));
        let reading = parse(".env", &contents, &BTreeMap::new());
        let known = reading.known;
        prop_assert!(reading.warnings.is_empty(), "{:?}", reading.warnings);
        prop_assert_eq!(known.get("A"), Some(&value));
        prop_assert_eq!(known.get("B"), Some(&other));
        prop_assert_eq!(known.get("C").map(String::as_str), Some("end"));
    }

    #[test]
    fn no_text_makes_it_panic_or_show_a_line(contents in "(?s).{0,200}") {
        let contents = format!("{contents}\nplanted-secret");
        let reading = parse(".env", &contents, &BTreeMap::new());
        let faults = reading.faults.iter().map(ToString::to_string);
        for told in faults.chain(reading.warnings) {
            prop_assert!(!told.contains("planted-secret"));
        }
    }
}

fn double_quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\$")
}
