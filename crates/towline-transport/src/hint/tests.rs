use super::{http_date, parse_count, parse_duration, retry_after};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{prop_assert_eq, proptest};
use std::time::Duration;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect()
}

fn wait(pairs: &[(&'static str, &'static str)]) -> Option<u128> {
    retry_after(&headers(pairs)).map(|wait| wait.as_millis())
}

#[test]
fn a_hint_may_be_seconds_milliseconds_or_a_date() {
    assert_eq!(wait(&[("retry-after", "7")]), Some(7000));
    assert_eq!(wait(&[("retry-after", "0.5")]), Some(500));
    assert_eq!(wait(&[("retry-after-ms", "250")]), Some(250));
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(
        wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")]),
        Some(23_000)
    );
    assert_eq!(
        wait(&[("retry-after", "86400")]),
        Some(86_400_000),
        "uncapped"
    );
}

#[test]
fn a_moment_is_measured_against_the_date_of_the_answer() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let moment = ("retry-after", "784111800");
    assert_eq!(wait(&[date, moment]), Some(23_000));
    assert_eq!(wait(&[moment]), None, "not 24 years from now");
    for value in ["784111776", "1764460000", "784111800000"] {
        assert_eq!(wait(&[date, ("retry-after", value)]), None, "{value}");
    }
    let beyond = ("retry-after", "Mon, 06 Nov 2094 08:50:00 GMT");
    assert_eq!(wait(&[date, beyond]), None);
}

#[test]
fn of_two_hints_the_larger_counts() {
    assert_eq!(
        wait(&[("retry-after-ms", "20"), ("x-ms-retry-after-ms", "250")]),
        Some(250)
    );
    assert_eq!(
        wait(&[("retry-after", "1"), ("retry-after-ms", "0")]),
        Some(1000)
    );
    assert_eq!(
        wait(&[("retry-after", "1"), ("retry-after-ms", "1500")]),
        Some(1500)
    );
}

#[test]
fn what_cannot_be_right_is_no_hint() {
    for value in [
        "0",
        "-1",
        "NaN",
        "soon",
        "1e99",
        "",
        "99999999999999999999999",
        "inf",
    ] {
        assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
    }
    let past = ("retry-after", "Sun, 06 Nov 1994 08:49:36 GMT");
    assert_eq!(
        wait(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), past]),
        None
    );
    assert_eq!(wait(&[past]), None, "no date to measure against");
}

#[test]
fn durations_are_read_as_go_prints_them() {
    for (text, millis) in [
        ("0s", 0),
        ("2ms", 2),
        ("120ms", 120),
        ("22.564s", 22_564),
        ("1m13.588s", 73_588),
        ("6m0s", 360_000),
        ("1h0m1s", 3_601_000),
        ("55", 55_000),
        ("9999h", 9_999 * 3_600_000),
    ] {
        assert_eq!(
            parse_duration(text),
            Some(Duration::from_millis(millis)),
            "{text}"
        );
    }
    let nanos = parse_duration("10.332999999s").unwrap();
    assert_eq!(nanos.as_micros(), 10_332_999);
    for text in ["", "-1", "-6s", "6x", "s", "m5", "1.2.3s", "5m-3s", "NaN"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn dates_are_counted_from_1970() {
    assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(
        http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
        Some(784_111_777)
    );
    assert_eq!(
        http_date("Thu, 29 Feb 2024 23:59:59 GMT"),
        Some(1_709_251_199)
    );
    for text in [
        "",
        "tomorrow",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 24:00:00 GMT",
    ] {
        assert_eq!(http_date(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
        let _wait = parse_duration(&text);
        let _date = http_date(&text);
    }

    #[test]
    fn minutes_and_milliseconds_add_up(minutes in 0_u64..1000, millis in 0_u64..60_000) {
        let text = format!("{minutes}m{}.{:03}s", millis / 1000, millis % 1000);
        let expected = Duration::from_millis(minutes * 60_000 + millis);
        let read = parse_duration(&text).unwrap();
        prop_assert_eq!(read.as_micros() / 10, expected.as_micros() / 10);
    }
}

#[test]
fn a_count_is_up_to_19_digits_and_nothing_else() {
    let count = |text| parse_count(&HeaderValue::from_static(text));
    assert_eq!(count("0"), Some(0));
    assert_eq!(count(" 0199843\t"), Some(199_843));
    assert_eq!(
        count("9999999999999999999"),
        Some(9_999_999_999_999_999_999)
    );
    for text in [
        "10000000000000000000",
        "18446744073709551616",
        "99999999999999999999999",
        "",
        " ",
        "-1",
        "+1",
        "1 0",
        "1.0",
        "/",
        ":",
    ] {
        assert_eq!(count(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_count_is_read_as_it_was_written(count in 0..10_u64.pow(19)) {
        let value = HeaderValue::from(count);
        prop_assert_eq!(parse_count(&value), Some(count));
    }
}
