use super::{finish_error, from_response, in_band};
use crate::{Flavor, OpenAiConfig};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt::Write as _;
use towline_core::{Error, ErrorKind, Secret};

fn config(flavor: &str) -> OpenAiConfig {
    OpenAiConfig::builder("http://localhost/v1")
        .flavor(Flavor::by_name(flavor).unwrap())
        .api_key(Secret::new("planted-key-1234"))
        .build()
        .unwrap()
}

fn error(flavor: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    from_response(
        &config(flavor),
        status,
        &headers,
        &Bytes::copy_from_slice(body.as_bytes()),
    )
}

/// The table of errors as it is read: one line per case of `errors.txt`, which gives the flavor,
/// the status and the body, and after the arrow what has to come out.
#[test]
fn the_table_of_errors_is_the_golden_one() {
    let golden = include_str!("errors.txt");
    let mut read = String::new();
    for line in golden.lines() {
        let Some((case, _)) = line.split_once(" => ").filter(|_| !line.starts_with('#')) else {
            writeln!(read, "{line}").unwrap();
            continue;
        };
        let mut words = case.splitn(3, ' ');
        let (flavor, status) = (words.next().unwrap(), words.next().unwrap());
        let body = words.next().unwrap_or_default();
        let error = match status {
            "-" => in_band(&config(flavor), body),
            status => error(flavor, status.parse().unwrap(), &[], body),
        };
        write!(read, "{case} => {}", error.kind()).unwrap();
        if error.is_retryable() {
            read.push_str(" retry");
        }
        if let Some(wait) = error.retry_after() {
            write!(read, " {}ms", wait.as_millis()).unwrap();
        }
        read.push('\n');
    }
    assert_eq!(read, golden);
}

#[test]
fn the_standard_headers_outrank_the_reset_and_the_text() {
    let body = r#"{"error":{"code":"rate_limit_exceeded","message":"Please try again in 644ms."}}"#;
    let wait = |headers: &[(&'static str, &str)]| {
        error("openai", 429, headers, body)
            .retry_after()
            .map(|wait| wait.as_millis())
    };
    assert_eq!(wait(&[("retry-after", "7")]), Some(7000));
    let spent = [
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    assert_eq!(wait(&spent), Some(360_000));
    let left = [
        ("x-ratelimit-remaining-tokens", "5"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    assert_eq!(wait(&left), Some(644));
}

#[test]
fn a_wait_of_a_day_is_a_quota_and_keeps_its_number() {
    let error = error("openai", 429, &[("retry-after", "86400")], "{}");
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert_eq!(error.retry_after().unwrap().as_secs(), 86_400);
    assert!(!error.is_retryable());
}

#[test]
fn a_hint_on_an_error_that_waiting_does_not_help_is_ignored() {
    assert_eq!(
        error("openai", 401, &[("retry-after", "7")], "{}").retry_after(),
        None
    );
}

#[test]
fn the_server_may_say_whether_to_retry() {
    assert!(!error("openai", 503, &[("x-should-retry", "false")], "").is_retryable());
    assert!(error("openai", 400, &[("x-should-retry", "true")], "").is_retryable());
}

#[test]
fn a_key_that_the_server_echoes_is_taken_out() {
    let body = r#"{"error":{"message":"bad key planted-key-1234, sk-proj-abcdefghijkl","code":"planted-key-1234"}}"#;
    let error = error("openai", 401, &[], body);
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
    for before in 480..520 {
        let message = format!("{} planted-key-1234 planted-key-1234", "x".repeat(before));
        let body = format!("{{\"error\":{{\"message\":\"{message}\",\"code\":\"{message}\"}}}}");
        let error = error("openai", 401, &[], &body);
        let all = format!("{error} {error:?}");
        assert!(!all.contains("plant"), "{before}: {all}");
    }
}

#[test]
fn a_code_is_short_and_plain() {
    let body = format!(
        "{{\"error\":{{\"code\":\"\\u001b[31m{}\"}}}}",
        "x".repeat(5000)
    );
    let error = error("openai", 400, &[], &body);
    let code = error.code().unwrap();
    assert!(code.len() < 100 && !code.contains('\u{1b}'), "{code}");
}

#[test]
fn a_redirect_shows_neither_user_nor_query() {
    let error = error(
        "openai",
        302,
        &[("location", "https://u:hunter2@other/v1?token=x")],
        "",
    );
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_page_is_named_by_its_title() {
    let page = "<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>";
    let error = error("openai", 502, &[("content-type", "text/html")], page);
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(
        error.message().unwrap().contains("502 Bad Gateway"),
        "{error}"
    );
}

#[test]
fn a_long_message_is_cut_and_control_characters_go() {
    let body = format!(
        "{{\"error\":{{\"message\":\"\\u001b[31m{}\"}}}}",
        "ü".repeat(2000)
    );
    let message = error("openai", 400, &[], &body)
        .message()
        .unwrap()
        .to_owned();
    assert!(
        message.len() < 600 && message.ends_with("…[truncated]"),
        "{message}"
    );
    assert!(!message.contains('\u{1b}'));
}

#[test]
fn a_redirect_says_where_to_and_what_to_do() {
    let error = error(
        "openai",
        308,
        &[("location", "https://other/v1?token=x")],
        "",
    );
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.message().unwrap();
    assert!(
        message.contains("https://other/v1;") && message.contains("base URL"),
        "{message}"
    );
}

#[test]
fn details_that_help_stand_behind_the_message() {
    let overflow = r#"{"error":{"code":400,"type":"exceed_context_size_error","message":"too long","n_prompt_tokens":5000,"n_ctx":4096}}"#;
    let error = error("llamacpp", 400, &[], overflow);
    assert_eq!(error.kind(), ErrorKind::ContextLength);
    assert_eq!(
        error.message(),
        Some("too long (5000 tokens, the window holds 4096)")
    );
    let filter = r#"{"code":"content_filter","message":"no","innererror":{"content_filter_result":{"hate":{"filtered":true},"sexual":{"filtered":false}}}}"#;
    let error = in_band(&config("azure"), filter);
    assert_eq!(error.kind(), ErrorKind::ContentFilter);
    assert_eq!(error.message(), Some("no (filtered: hate)"));
    assert_eq!(finish_error().kind(), ErrorKind::Server);
}
