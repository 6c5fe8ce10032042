use super::{Format, Text, parse};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path};

const ALL: [Format; 4] = [Format::Toml, Format::Yaml, Format::Json, Format::Hocon];

#[test]
fn endings_name_the_format() {
    for (name, expected) in [
        ("towline.toml", Some(Format::Toml)),
        ("a/b.YML", Some(Format::Yaml)),
        ("x.json", Some(Format::Json)),
        ("application.conf", Some(Format::Hocon)),
        (".env", Some(Format::DotEnv)),
        (".env.local", Some(Format::DotEnv)),
        ("prod.env", Some(Format::DotEnv)),
        ("towline", None),
        ("x.ini", None),
    ] {
        assert_eq!(Format::of(Path::new(name)), expected, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_makes_a_reader_panic_or_show_it(
        before in "[\\[\\]{}:=,.\"'#&*|>!%@`$ \n\ta-c0-9-]{0,40}",
        after in "[\\[\\]{}:=,.\"'#&*|>!%@`$ \n\ta-c0-9-]{0,40}",
    ) {
        let contents = format!("{before}PLANTED{after}");
        for format in ALL {
            let text = Text { format, name: "f", contents: &contents, folder: None };
            let (_, faults) = parse(&text, &BTreeMap::new());
            for fault in faults {
                // The name of a variable or key may be told; that is what the planted word is then.
                let told = fault.problem().contains("is not set") || fault.problem().contains("resolved");
                prop_assert!(told || !fault.to_string().contains("PLANTED"), "{}", fault);
            }
        }
    }
}
