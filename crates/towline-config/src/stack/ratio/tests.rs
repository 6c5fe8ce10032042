use super::{NoRatio, Ratio, parse};
use proptest::prelude::*;

fn millionths(text: &str) -> Result<u32, NoRatio> {
    parse(text).map(Ratio::millionths)
}

#[test]
fn decimals_and_percentages_are_shares() {
    for (text, expected) in [
        ("0", 0),
        ("1", 1_000_000),
        ("1.000", 1_000_000),
        ("0.2", 200_000),
        ("0.05", 50_000),
        ("0.000001", 1),
        ("0.0000010000", 1),
        ("00.5", 500_000),
        ("5%", 50_000),
        ("2.5 %", 25_000),
        ("100%", 1_000_000),
        ("0.0001%", 1),
    ] {
        assert_eq!(millionths(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_share_says_why() {
    for (text, expected) in [
        ("", NoRatio::Not),
        ("%", NoRatio::Not),
        (".5", NoRatio::Not),
        ("1.", NoRatio::Not),
        ("1.2.3", NoRatio::Not),
        ("half", NoRatio::Not),
        ("1e-2", NoRatio::Not),
        ("-0.1", NoRatio::Negative),
        ("1.000001", NoRatio::Above),
        ("20", NoRatio::Above),
        ("101%", NoRatio::Above),
        ("99999999999999999999", NoRatio::Above),
        ("0.0000001", NoRatio::TooFine),
        ("0.00001%", NoRatio::TooFine),
    ] {
        assert_eq!(millionths(text), Err(expected), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(millionths in 0_u32..=1_000_000) {
        let ratio = Ratio { millionths };
        prop_assert_eq!(parse(&ratio.to_string()), Ok(ratio));
        prop_assert_eq!(parse(&ratio.as_f64().to_string()), Ok(ratio));
    }

    #[test]
    fn a_share_is_the_exact_part_rounded_down(millionths in 0_u32..=1_000_000, amount: u64) {
        let part = Ratio { millionths }.of(amount);
        let exact = u128::from(amount) * u128::from(millionths);
        prop_assert!(u128::from(part) * 1_000_000 <= exact);
        prop_assert!((u128::from(part) + 1) * 1_000_000 > exact);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,12}") {
        drop(parse(&text));
    }
}
