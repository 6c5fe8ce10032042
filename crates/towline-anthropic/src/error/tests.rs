use super::{from_response, in_band};
use crate::AnthropicConfig;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::{fmt::Write as _, time::Duration};
use towline_core::{Error, ErrorKind, Secret};

fn config() -> AnthropicConfig {
    AnthropicConfig::builder("http://localhost")
        .api_key(Secret::new("planted-key-1234"))
        .build()
        .unwrap()
}

fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes());
    from_response(&config(), status, &headers, &body)
}

/// The table of errors as it is read: one line per case of `errors.txt`, which gives the status and
/// the body, and after the arrow what has to come out.
#[test]
fn the_table_of_errors_is_the_golden_one() {
    let golden = include_str!("errors.txt");
    let mut read = String::new();
    for line in golden.lines() {
        let Some((case, _)) = line.split_once(" => ").filter(|_| !line.starts_with('#')) else {
            writeln!(read, "{line}").unwrap();
            continue;
        };
        let (status, body) = case.split_once(' ').unwrap_or((case, ""));
        let error = match status {
            "-" => in_band(&config(), body),
            status => error(status.parse().unwrap(), &[], body),
        };
        write!(read, "{case} => {}", error.kind()).unwrap();
        if error.is_retryable() {
            read.push_str(" retry");
        }
        read.push('\n');
    }
    assert_eq!(read, golden);
}

const DATE: (&str, &str) = ("date", "Tue, 26 Mar 2024 19:59:30 GMT");
const LIMITED: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#;

#[test]
fn the_wait_is_until_the_limit_of_which_nothing_remains_is_full() {
    let spent = [
        DATE,
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2024-03-26T20:00:00Z"),
        ("anthropic-ratelimit-tokens-remaining", "16000"),
        ("anthropic-ratelimit-tokens-reset", "2024-03-26T20:10:00Z"),
    ];
    let wait = |headers: &[_]| error(429, headers, LIMITED).retry_after();
    assert_eq!(wait(&spent), Some(Duration::from_secs(30)));
    assert_eq!(wait(&spent[1..]), None, "nothing to measure against");
    let standard = [&spent[..], &[("retry-after", "7")]].concat();
    assert_eq!(wait(&standard), Some(Duration::from_secs(7)));
}

#[test]
fn a_wait_of_a_day_is_a_quota_and_keeps_its_number() {
    let error = error(429, &[("retry-after", "86400")], LIMITED);
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert_eq!(error.retry_after().unwrap().as_secs(), 86_400);
    assert!(!error.is_retryable());
}

#[test]
fn a_hint_on_an_error_that_waiting_does_not_help_is_ignored() {
    let error = error(401, &[("retry-after", "7")], "{}");
    assert_eq!(error.retry_after(), None);
}

#[test]
fn the_server_may_say_whether_to_retry() {
    assert!(!error(529, &[("x-should-retry", "false")], "").is_retryable());
    assert!(error(400, &[("x-should-retry", "true")], "").is_retryable());
}

#[test]
fn the_body_names_the_request_where_the_headers_do_not() {
    let body =
        r#"{"type":"error","error":{"type":"api_error","message":"x"},"request_id":"req_1"}"#;
    assert_eq!(error(500, &[], body).request_id(), Some("req_1"));
    assert_eq!(in_band(&config(), body).request_id(), Some("req_1"));
    assert_eq!(error(500, &[], LIMITED).request_id(), None);
}

#[test]
fn a_key_that_the_server_echoes_is_taken_out() {
    let body = r#"{"error":{"message":"bad key planted-key-1234, sk-ant-abcdefghijkl","type":"planted-key-1234"}}"#;
    let error = error(401, &[], body);
    let all = format!("{error} {error:?} {}", error.report());
    assert!(
        !all.contains("planted") && !all.contains("abcdefghijkl"),
        "{all}"
    );
    assert!(all.contains("bad key ***, sk-***"), "{all}");
}

/// Half a key is a leak too: the key goes before the message is cut.
#[test]
fn a_key_is_taken_out_wherever_the_message_is_cut() {
    for before in (30..80).chain(480..530) {
        let text = format!("{}planted-key-1234 planted-key-1234", "x".repeat(before));
        let bodies = [
            format!(
                "{{\"error\":{{\"message\":\"{text}\",\"type\":\"{text}\"}},\"request_id\":\"{text}\"}}"
            ),
            format!("{{\"error\":\"{text}\"}}"),
            format!("<title>{text}</title>"),
            text,
        ];
        for body in bodies {
            let whole = error(401, &[], &body);
            let all = format!("{whole} {whole:?} {:?}", in_band(&config(), &body));
            assert!(!all.contains("plant"), "{before}: {all}");
        }
    }
}

#[test]
fn a_code_is_short_and_plain() {
    let long = "x".repeat(5000);
    let body = format!("{{\"error\":{{\"type\":\"\\u001b[31m{long}\"}}}}");
    let error = error(400, &[], &body);
    let code = error.code().unwrap();
    assert!(code.len() < 100 && !code.contains('\u{1b}'), "{code}");
}

#[test]
fn a_redirect_shows_neither_user_nor_query() {
    let target = [("location", "https://u:hunter2@other/v1?token=x")];
    let error = error(302, &target, "");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_page_is_named_by_its_title() {
    let page = "<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>";
    let error = error(502, &[("content-type", "text/html")], page);
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(
        error.message().unwrap().contains("502 Bad Gateway"),
        "{error}"
    );
}

#[test]
fn a_long_message_is_cut_and_control_characters_go() {
    let long = "ü".repeat(2000);
    let body = format!("{{\"error\":{{\"message\":\"\\u001b[31m{long}\"}}}}");
    let error = error(400, &[], &body);
    let message = error.message().unwrap();
    assert!(
        message.len() < 600 && message.ends_with("…[truncated]"),
        "{message}"
    );
    assert!(!message.contains('\u{1b}'));
}

#[test]
fn a_redirect_says_where_to_and_what_to_do() {
    let error = error(308, &[("location", "https://other/v1?token=x")], "");
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.message().unwrap();
    assert!(
        message.contains("https://other/v1;") && message.contains("base URL"),
        "{message}"
    );
}
