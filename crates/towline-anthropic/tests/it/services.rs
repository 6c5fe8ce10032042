use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_core::{CompletionOptions, Error, ErrorKind, Event, Request, Secret};
use towline_transport::{RequestBody, ResponseBody};

type Http = BoxCloneSyncService<http::Request<RequestBody>, http::Response<ResponseBody>, Error>;
type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A client whose server gives these bodies in turn, the last one for ever.
fn client(
    status: u16,
    kind: &'static str,
    bodies: &'static [&'static str],
) -> (Anthropic<Http>, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let http = service_fn(move |request: http::Request<RequestBody>| {
        let mut log = log.lock().unwrap();
        let body = bodies.get(log.len()).or_else(|| bodies.last()).unwrap();
        log.push((request.uri().to_string(), request.headers().clone()));
        let bytes = Bytes::from_static(body.as_bytes());
        let mut response = http::Response::new(ResponseBody::from(bytes));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = response.headers_mut();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("request-id", "req_1".parse().unwrap());
        headers.insert("retry-after", "24".parse().unwrap());
        std::future::ready(Ok::<_, Error>(response))
    });
    let config = AnthropicConfig::builder("https://llm.example.com/api/")
        .name("main")
        .api_key(Secret::new("planted-key"))
        .beta("one-2026-01-01")
        .beta("two-2026-01-01")
        .header("x-extra", "planted-extra")
        .build()
        .unwrap();
    (Anthropic::new(config, BoxCloneSyncService::new(http)), seen)
}

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";
const ANSWER: &str = r#"{"type":"message","id":"msg_1","model":"m2","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}"#;

#[tokio::test]
async fn a_request_carries_path_key_version_and_headers() {
    let (client, seen) = client(200, JSON, &[ANSWER]);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    let head = answer.head();
    assert_eq!(
        (head.provider(), head.request_id()),
        ("main", Some("req_1"))
    );
    let answer = answer.collect().await.unwrap();
    assert_eq!((answer.text().as_ref(), answer.model()), ("Hi", "m2"));
    let (uri, headers) = seen.lock().unwrap().pop().unwrap();
    assert_eq!(uri, "/api/v1/messages");
    for (name, value) in [
        ("x-api-key", "planted-key"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "one-2026-01-01,two-2026-01-01"),
        ("x-extra", "planted-extra"),
        ("content-type", JSON),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!format!("{headers:?}").contains("planted"), "{headers:?}");
}

#[test]
fn the_version_in_the_path_may_be_given_or_left_out() {
    let path = |url: &str| {
        let config = AnthropicConfig::builder(url).build().unwrap();
        format!("{config:?}")
    };
    for url in [
        "http://localhost",
        "http://localhost/",
        "http://localhost/v1/",
    ] {
        assert!(
            path(url).contains("messages: /v1/messages"),
            "{}",
            path(url)
        );
    }
}

#[tokio::test]
async fn a_stream_that_was_asked_for_and_not_given_is_an_answer_all_the_same() {
    let (client, seen) = client(200, JSON, &[ANSWER]);
    let request = Request::new("m", "Hi").with_stream(true);
    let mut answer = client.oneshot(request).await.unwrap();
    assert_eq!(seen.lock().unwrap()[0].1["accept"], "text/event-stream");
    let mut text = String::new();
    while let Some(event) = answer.body_mut().next().await {
        text.push_str(event.unwrap().as_text().unwrap_or_default());
    }
    assert_eq!(text, "Hi");
}

#[tokio::test]
async fn json_in_place_of_a_stream_is_read_as_json() {
    const ERROR: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#;
    for kind in [SSE, "", "Application/JSON; charset=utf-8", "text/plain"] {
        let (failing, _) = client(200, kind, &[ERROR]);
        let request = Request::new("m", "Hi").with_stream(true);
        let failed = match failing.oneshot(request.clone()).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(failed.kind(), ErrorKind::RateLimit, "{kind}: {failed}");
        let (client, _) = client(200, kind, &[ANSWER]);
        let answer = client.oneshot(request).await.unwrap().collect().await;
        assert_eq!(answer.unwrap().text(), "Hi", "{kind}");
    }
}

#[tokio::test]
async fn a_stream_in_place_of_json_is_read_as_a_stream() {
    const BODY: &str = concat!(
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"Hi\"}}\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
    );
    let (client, _) = client(200, SSE, &[BODY]);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    assert_eq!(answer.collect().await.unwrap().text(), "Hi");
}

/// What a server sends may hold a key, also where it is no JSON of a message.
#[tokio::test]
async fn what_cannot_be_read_is_not_quoted() {
    const ODD: &str = r#"{"content":"planted","stop_reason":"planted","usage":"planted","id":"planted","planted"}"#;
    let (client, _) = client(200, JSON, &[ODD]);
    let error = client.clone().oneshot(Request::new("m", "Hi")).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let listed = client.models().await.unwrap_err();
    let counted = client.count_tokens(&Request::new("m", "Hi")).await;
    for error in [error, listed, counted.unwrap_err()] {
        let all = format!("{error:?} {}", error.report());
        assert!(!all.contains("planted"), "{all}");
        assert!(all.contains("line 1 column"), "{all}");
    }
}

#[tokio::test]
async fn an_error_under_status_200_is_an_error_without_a_wait() {
    const ERROR: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"no"}}"#;
    const EVENT: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n";
    for (kind, body) in [(JSON, &[ERROR]), (SSE, &[EVENT])] {
        let (client, _) = client(200, kind, body);
        let request = Request::new("m", "Hi").with_stream(true);
        let error = match client.oneshot(request).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(error.provider(), Some("main"));
        assert_eq!(error.model(), Some("m"));
        assert_eq!(error.request_id(), Some("req_1"));
        assert_eq!(error.retry_after(), None);
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_page_under_status_200_is_a_protocol_error_that_says_so() {
    let (client, _) = client(200, "text/html", &["<html>login</html>"]);
    let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.message().unwrap().contains("text/html"), "{error}");
}

#[tokio::test]
async fn what_was_left_out_is_reported_with_the_answer() {
    let (client, _) = client(200, JSON, &[ANSWER]);
    let options = CompletionOptions::new().with_seed(1).with_lenient(true);
    let request = Request::new("m", "Hi").with_options(options);
    let answer = client.oneshot(request).await.unwrap();
    assert_eq!(answer.head().dropped(), ["seed"]);
}

#[tokio::test]
async fn a_stream_without_its_last_event_is_truncated_and_keeps_what_came() {
    const CUT: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\"}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: [DONE]\n\n";
    let (client, _) = client(200, SSE, &[CUT]);
    let request = Request::new("m", "Hi").with_stream(true);
    let answer = client.oneshot(request).await.unwrap();
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "Hi");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn pings_and_comments_are_signs_of_life_and_finish_comes_once() {
    const STREAM: &str = ": hello\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let (client, _) = client(200, SSE, &[STREAM]);
    let request = Request::new("m", "Hi").with_stream(true);
    let mut body = client.oneshot(request).await.unwrap().into_body();
    let mut kinds = Vec::new();
    while let Some(event) = body.next().await {
        kinds.push(match event.unwrap() {
            Event::Ping => "ping",
            Event::Start(_) => "start",
            Event::Finish(_) => "finish",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["ping", "start", "ping", "finish"]);
}

#[tokio::test]
async fn a_refusal_in_one_piece_says_why() {
    const REFUSAL: &str =
        r#"{"content":[],"stop_reason":"refusal","stop_details":{"explanation":"Not this."}}"#;
    let (client, _) = client(200, JSON, &[REFUSAL]);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    let answer = answer.collect().await.unwrap();
    assert_eq!(answer.refusal(), "Not this.");
    assert_eq!(answer.finish_reason().as_str(), "refusal");
}

#[tokio::test]
async fn models_are_listed_page_by_page_with_their_windows() {
    const PAGES: &[&str] = &[
        r#"{"data":[{"type":"model","id":"a","max_input_tokens":200000},{"id":null}],"has_more":true,"first_id":"a","last_id":"a/1"}"#,
        r#"{"data":[{"type":"model","id":"b"}],"has_more":false,"last_id":"b"}"#,
    ];
    let (client, seen) = client(200, JSON, PAGES);
    let models = client.models().await.unwrap();
    let list: Vec<_> = models
        .iter()
        .map(|m| (m.id(), m.context_window()))
        .collect();
    assert_eq!(list, [("a", Some(200_000)), ("b", None)]);
    let seen = seen.lock().unwrap();
    let uris: Vec<_> = seen.iter().map(|(uri, _)| uri.as_str()).collect();
    let second = "/api/v1/models?limit=1000&after_id=a%2F1";
    assert_eq!(uris, ["/api/v1/models?limit=1000", second]);
}

#[tokio::test]
async fn a_list_of_models_that_says_the_same_page_again_ends() {
    const SAME: &[&str] = &[r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}"#];
    let (client, seen) = client(200, JSON, SAME);
    assert_eq!(client.models().await.unwrap().len(), 2);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn tokens_are_counted_by_the_server() {
    let (counting, seen) = client(200, JSON, &[r#"{"input_tokens":43}"#]);
    let request = Request::new("m", "Hi");
    assert_eq!(counting.count_tokens(&request).await.unwrap(), 43);
    assert_eq!(seen.lock().unwrap()[0].0, "/api/v1/messages/count_tokens");

    let (broken, _) = client(200, JSON, &["{}"]);
    let error = broken.count_tokens(&request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.model()),
        (ErrorKind::Protocol, Some("m"))
    );
}

#[tokio::test]
async fn an_error_names_whose_call_it_was() {
    const GONE: &str = r#"{"type":"error","error":{"type":"not_found_error","message":"model: m"},"request_id":"req_body"}"#;
    let (client, _) = client(404, JSON, &[GONE]);
    let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.status(), Some(404));
    assert_eq!((error.provider(), error.model()), (Some("main"), Some("m")));
    assert_eq!(error.request_id(), Some("req_1"));
}

#[test]
fn a_setting_that_cannot_be_sent_is_named_and_not_shown() {
    let bad = AnthropicConfig::builder("http://localhost").api_key(Secret::new("planted\nkey"));
    let error = bad.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = format!("{error} {error:?} {}", error.report());
    assert!(
        text.contains("the API key") && !text.contains("planted"),
        "{text}"
    );
    let bad = AnthropicConfig::builder("http://user:planted not a url");
    let header = AnthropicConfig::builder("http://localhost").header("planted key", "x");
    for (bad, name) in [(bad, "base URL"), (header, "extra header 1")] {
        let shown = format!("{bad:?}");
        let error = bad.build().unwrap_err();
        let text = format!("{shown} {error:?} {}", error.report());
        assert!(text.contains(name) && !text.contains("planted"), "{text}");
    }
    let bad = AnthropicConfig::builder("http://localhost").default_max_tokens(0);
    let error = bad.build().unwrap_err();
    assert!(
        error.message().unwrap().contains("default_max_tokens"),
        "{error}"
    );
}
