use super::{Span, parse};
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn numbers_with_units_are_durations() {
    for (text, millis) in [
        ("500ms", 500),
        ("30 s", 30_000),
        ("1.5 min", 90_000),
        ("2m", 120_000),
        ("1h 30m", 5_400_000),
        ("1 hour 1 second", 3_601_000),
        ("0.001 s", 1),
        ("0s", 0),
        ("1 d", 86_400_000),
    ] {
        assert_eq!(
            parse(text),
            Span::Of(Duration::from_millis(millis)),
            "{text}"
        );
    }
}

#[test]
fn numbers_alone_are_bare_and_the_rest_is_not_a_duration() {
    for text in ["30", "1.5", "1 s 30"] {
        assert_eq!(parse(text), Span::Bare, "{text}");
    }
    for text in [
        "",
        "s",
        "-1 s",
        "1 fortnight",
        "1..5 s",
        ".5 s",
        "5. s",
        "1,5 s",
        "1 S",
        "NaN s",
    ] {
        assert_eq!(parse(text), Span::Not, "{text}");
    }
    assert_eq!(parse("1000001 d"), Span::TooLong);
    assert_eq!(parse(&format!("{} s", "9".repeat(60))), Span::TooLong);
}

proptest! {
    #[test]
    fn whole_numbers_are_exact(millis in 0_u64..1_000_000_000_000) {
        prop_assert_eq!(parse(&format!("{millis} ms")), Span::Of(Duration::from_millis(millis)));
    }

    #[test]
    fn decimals_are_exact_to_the_nanosecond(seconds in 0_u64..1_000_000, nanos in 0_u32..1_000_000_000) {
        prop_assert_eq!(
            parse(&format!("{seconds}.{nanos:09}s")),
            Span::Of(Duration::new(seconds, nanos))
        );
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9. smhd]{0,40}") {
        parse(&text);
    }
}
