use super::{chat, responses};
use crate::Flavor;
use proptest::prelude::*;
use std::borrow::Cow;

fn mistral() -> Flavor {
    Flavor::by_name("mistral").unwrap()
}

#[test]
fn an_id_that_fits_goes_as_it_came() {
    let own = "call_abcdefghijklmnopqrstuvwx";
    assert!(matches!(chat(Flavor::OPENAI, own), Cow::Borrowed(_)));
    assert!(matches!(responses(own), Cow::Borrowed(_)));
    assert_eq!(chat(mistral(), "D681PevKs"), "D681PevKs");
    let long = "x".repeat(200);
    assert_eq!(chat(Flavor::COMPATIBLE, &long), long);
}

proptest! {
    #[test]
    fn every_id_becomes_one_that_fits_and_stays_apart_from_others(
        a in "\\PC{0,100}",
        b in "\\PC{0,100}",
    ) {
        for write in [
            (|id| chat(Flavor::OPENAI, id)) as fn(&str) -> Cow<'_, str>,
            |id| responses(id),
            |id| chat(mistral(), id),
        ] {
            prop_assert_eq!(write(&a), write(&a));
            prop_assert_eq!(write(&a) == write(&b), a == b);
        }
        prop_assert!(chat(Flavor::OPENAI, &a).len() <= 40);
        prop_assert!(responses(&a).len() <= 64);
        let nine = chat(mistral(), &a);
        prop_assert!(nine.len() == 9 && nine.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
