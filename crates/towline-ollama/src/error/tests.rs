use super::{from_response, in_band, no_connection};
use crate::OllamaConfig;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::{fmt::Write as _, io};
use towline_core::{Error, ErrorKind, Secret};

const LOCAL: &str = "http://user:planted-password@gpu.example:11434/path";
const CLOUD: &str = "https://ollama.com/api";

fn config(url: &str) -> OllamaConfig {
    OllamaConfig::builder(url)
        .api_key(Secret::new("planted-key-1234"))
        .build()
        .unwrap()
}

fn error(url: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes());
    from_response(&config(url), Some("qwen3:4b"), status, &headers, &body)
}

fn message(error: &Error) -> &str {
    error.message().unwrap()
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
            "-" => in_band(&config(LOCAL), None, body),
            status => error(LOCAL, status.parse().unwrap(), &[], body),
        };
        write!(read, "{case} => {}", error.kind()).unwrap();
        if error.is_retryable() {
            read.push_str(" retry");
        }
        read.push('\n');
    }
    assert_eq!(read, golden);
}

#[test]
fn a_model_that_is_missing_comes_with_what_to_type() {
    let body = r#"{"error":"model 'qwen3:4b' not found"}"#;
    let local = error(LOCAL, 404, &[], body);
    let expected = "model 'qwen3:4b' not found; type `ollama pull qwen3:4b` where the server runs";
    assert_eq!(message(&local), expected);
    let cloud = error(CLOUD, 404, &[], body);
    assert!(!message(&cloud).contains("pull"), "{cloud}");
    assert!(message(&cloud).contains("list of models"), "{cloud}");
}

#[test]
fn a_path_that_is_missing_is_no_missing_model() {
    let error = error(
        LOCAL,
        404,
        &[("content-type", "text/plain")],
        "404 page not found",
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!message(&error).contains("pull"), "{error}");
    assert!(
        message(&error).contains("http://gpu.example:11434"),
        "{error}"
    );
}

#[test]
fn a_missing_key_comes_with_what_to_do() {
    let body = r#"{"error":"unauthorized","signin_url":"https://ollama.com/connect?key=planted"}"#;
    let local = error(LOCAL, 401, &[], body);
    assert!(message(&local).contains("`ollama signin`"), "{local}");
    let cloud = error(CLOUD, 401, &[], body);
    assert!(message(&cloud).contains("API key"), "{cloud}");
    assert!(
        !format!("{local:?}{cloud:?}").contains("planted"),
        "{local:?}"
    );
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Transport)
        .with_message(message)
        .with_source(io::Error::from(io::ErrorKind::ConnectionRefused))
}

#[test]
fn a_server_that_does_not_run_comes_with_what_to_type() {
    let below = || refused("connect to gpu.example:11434 refused; nothing listens there");
    let error = no_connection(&config(LOCAL), below());
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_retryable());
    let text = message(&error);
    assert!(
        text.contains("http://gpu.example:11434") && text.contains("`ollama serve`"),
        "{text}"
    );
    assert!(
        !error.report().to_string().contains("planted"),
        "{}",
        error.report()
    );
    assert!(
        error.report().to_string().contains("connection refused"),
        "{}",
        error.report()
    );
}

#[test]
fn other_failures_of_the_connection_are_left_as_they_are() {
    let proxy = refused("connect to proxy.example:3128 refused; nothing listens there");
    let error = no_connection(&config(LOCAL), proxy);
    assert!(message(&error).contains("proxy.example"), "{error}");
    let reset = Error::new(ErrorKind::Transport).with_message("reset");
    assert_eq!(message(&no_connection(&config(LOCAL), reset)), "reset");
    let cloud = no_connection(&config(CLOUD), refused("connect to ollama.com:443 refused"));
    assert!(!message(&cloud).contains("ollama serve"), "{cloud}");
}

#[test]
fn a_hint_to_wait_counts_where_waiting_helps() {
    let wait = [("retry-after", "7")];
    let busy = error(LOCAL, 503, &wait, "{}");
    assert_eq!(busy.retry_after().unwrap().as_secs(), 7);
    assert_eq!(error(LOCAL, 404, &wait, "{}").retry_after(), None);
}

#[test]
fn a_key_that_the_server_echoes_is_taken_out() {
    let error = error(CLOUD, 400, &[], r#"{"error":"bad key planted-key-1234"}"#);
    let all = format!("{error} {error:?} {}", error.report());
    assert!(
        !all.contains("planted") && all.contains("bad key ***"),
        "{all}"
    );
}

/// Half a key is a leak too: the key goes before the message is cut.
#[test]
fn a_key_is_taken_out_wherever_the_message_is_cut() {
    for before in 480..530 {
        let text = format!("{}planted-key-1234 planted-key-1234", "x".repeat(before));
        let bodies = [
            format!("{{\"error\":\"{text}\"}}"),
            format!("{{\"error\":{{\"message\":\"{text}\"}}}}"),
            format!("<title>{text}</title>"),
            text,
        ];
        for body in bodies {
            let whole = error(CLOUD, 400, &[], &body);
            let inner = in_band(&config(CLOUD), None, &body);
            let all = format!("{whole} {whole:?} {inner:?}");
            assert!(!all.contains("plant"), "{before}: {all}");
        }
    }
}

#[test]
fn a_remedy_survives_a_message_that_is_cut() {
    let body = format!("{{\"error\":\"model {} not found\"}}", "x".repeat(2000));
    let error = error(LOCAL, 404, &[], &body);
    assert!(message(&error).contains("`ollama pull"), "{error}");
}

#[test]
fn a_redirect_shows_neither_user_nor_query() {
    let target = [("location", "https://u:hunter2@other/api?token=x")];
    let error = error(LOCAL, 302, &target, "");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_page_is_named_by_its_title() {
    let page = "<html><head><title>502 Bad\n Gateway</title></head></html>";
    let error = error(LOCAL, 502, &[("content-type", "text/html")], page);
    assert!(
        message(&error).contains("(text/html) and not JSON: 502 Bad Gateway"),
        "{error}"
    );
}

#[test]
fn a_long_message_is_cut_and_control_characters_go() {
    let body = format!("{{\"error\":\"\\u001b[31m{}\"}}", "ü".repeat(2000));
    let error = error(LOCAL, 400, &[], &body);
    let text = message(&error);
    assert!(text.len() < 600 && text.ends_with("…[truncated]"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn a_redirect_says_where_to_and_what_to_do() {
    let error = error(LOCAL, 308, &[("location", "https://other/api?token=x")], "");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(message(&error).contains("https://other/api;"), "{error}");
    assert!(message(&error).contains("base URL"), "{error}");
}
