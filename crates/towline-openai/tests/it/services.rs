use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use towline_core::{CompletionOptions, EmbeddingRequest, Error, ErrorKind, Event, Request, Secret};
use towline_openai::{Flavor, OpenAi, OpenAiConfig};
use towline_transport::{RequestBody, ResponseBody};

type Http = BoxCloneSyncService<http::Request<RequestBody>, http::Response<ResponseBody>, Error>;
type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A client whose server answers everything with `body`.
fn client(status: u16, kind: &'static str, body: &'static str) -> (OpenAi<Http>, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let http = service_fn(move |request: http::Request<RequestBody>| {
        let head = (request.uri().to_string(), request.headers().clone());
        log.lock().unwrap().push(head);
        let mut response =
            http::Response::new(ResponseBody::from(Bytes::from_static(body.as_bytes())));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        response
            .headers_mut()
            .insert("x-request-id", "req_1".parse().unwrap());
        std::future::ready(Ok::<_, Error>(response))
    });
    let config = OpenAiConfig::builder("https://llm.example.com/api/v1/")
        .name("main")
        .flavor(Flavor::OPENAI)
        .api_key(Secret::new("planted-key"))
        .organization("org-1".to_owned())
        .project("proj-1".to_owned())
        .header("x-extra", "planted-extra")
        .build()
        .unwrap();
    (OpenAi::new(config, BoxCloneSyncService::new(http)), seen)
}

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";

#[tokio::test]
async fn a_request_carries_path_key_and_headers() {
    let (client, seen) = client(200, JSON, r#"{"choices":[{"message":{"content":"Hi"}}]}"#);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    assert_eq!(
        (answer.head().provider(), answer.head().request_id()),
        ("main", Some("req_1"))
    );
    assert_eq!(answer.collect().await.unwrap().text(), "Hi");
    let (uri, headers) = seen.lock().unwrap().pop().unwrap();
    assert_eq!(uri, "/api/v1/chat/completions");
    for (name, value) in [
        ("authorization", "Bearer planted-key"),
        ("openai-organization", "org-1"),
        ("openai-project", "proj-1"),
        ("x-extra", "planted-extra"),
        ("content-type", JSON),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!format!("{headers:?}").contains("planted"), "{headers:?}");
}

#[tokio::test]
async fn a_stream_that_was_asked_for_and_not_given_is_an_answer_all_the_same() {
    let body = r#"{"id":"c","model":"m2","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let (client, seen) = client(200, JSON, body);
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
async fn an_error_under_status_200_is_an_error() {
    for (kind, body) in [
        (
            JSON,
            r#"{"error":{"message":"no","code":"model_not_found"}}"#,
        ),
        (
            SSE,
            "data: {\"error\":{\"message\":\"no\",\"code\":\"model_not_found\"}}\n\ndata: [DONE]\n\n",
        ),
    ] {
        let (client, _) = client(200, kind, body);
        let request = Request::new("m", "Hi").with_stream(true);
        let error = match client.oneshot(request).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.provider(), Some("main"));
        assert_eq!(error.model(), Some("m"));
        assert_eq!(error.request_id(), Some("req_1"));
    }
}

#[tokio::test]
async fn json_in_place_of_a_stream_is_read_as_json() {
    let error = r#"{"error":{"message":"slow","code":429}}"#;
    let good = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    for kind in [SSE, "", "Application/JSON; charset=utf-8", "text/plain"] {
        let (failing, _) = client(200, kind, error);
        let request = Request::new("m", "Hi").with_stream(true);
        let failed = match failing.oneshot(request.clone()).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(failed.kind(), ErrorKind::RateLimit, "{kind}: {failed}");
        let (client, _) = client(200, kind, good);
        let answer = client.oneshot(request).await.unwrap().collect().await;
        assert_eq!(answer.unwrap().text(), "Hi", "{kind}");
    }
}

#[tokio::test]
async fn a_stream_in_place_of_json_is_read_as_a_stream() {
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (client, _) = client(200, SSE, body);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    assert_eq!(answer.collect().await.unwrap().text(), "Hi");
}

/// Every field of an answer, with every kind of value in its place.
#[tokio::test]
async fn no_value_in_the_wrong_place_breaks_an_answer() {
    let odd = [
        "null", "true", "-1", "1.5", "7", "\"\"", "\"x\"", "[]", "{}", "[null]", "[1]", "[\"x\"]",
        "[[]]",
    ];
    let top = ["id", "model", "usage", "object", "x_groq", "created"];
    let inner = [
        "refusal",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "tool_calls",
        "function_call",
        "role",
        "annotations",
    ];
    for value in odd {
        for field in top.into_iter().chain(inner) {
            let (out, within) = match top.contains(&field) {
                true => (format!(",\"{field}\":{value}"), String::new()),
                false => (String::new(), format!(",\"{field}\":{value}")),
            };
            let whole = format!(
                "{{\"choices\":[null,{{\"message\":{{\"content\":\"Hi\"{within}}},\"finish_reason\":\"stop\"}}]{out}}}"
            );
            let stream = format!(
                "data: {}\n\ndata: [DONE]\n\n",
                whole.replace("\"message\"", "\"delta\"")
            );
            for (kind, body) in [(JSON, whole), (SSE, stream)] {
                let (client, _) = client(200, kind, body.clone().leak());
                let request = Request::new("m", "Hi").with_stream(kind == SSE);
                let answer = match client.oneshot(request).await {
                    Ok(answer) => answer.collect().await,
                    Err(error) => Err(error),
                };
                let text = answer.map(|answer| answer.text().into_owned());
                assert_eq!(
                    text.map_err(|error| error.to_string()),
                    Ok("Hi".to_owned()),
                    "{body}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_field_that_comes_twice_counts_once() {
    let body = r#"{"id":"a","id":"b","choices":[{"message":{"content":"Hi"}}]}"#;
    let (client, _) = client(200, JSON, body);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    assert_eq!(answer.collect().await.unwrap().id(), "b");
}

/// As a server sends it that cuts its text by UTF-16 units. The answer is not lost for it.
#[tokio::test]
async fn half_a_character_is_the_replacement_character() {
    let stream = [r"Well \ud83d", r"\ude00 done"].map(|content| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n")
    });
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body = format!("{}{end}", stream.concat());
    let (client, _) = client(200, SSE, body.leak());
    let request = Request::new("m", "Hi").with_stream(true);
    let answer = client.oneshot(request).await.unwrap();
    let answer = answer.collect().await.unwrap();
    assert_eq!(answer.text(), "Well \u{fffd}\u{fffd} done");
}

/// Nothing is read level by level but the arguments of a tool, and those only when asked for.
#[tokio::test]
async fn json_that_nests_without_end_is_text_until_it_is_parsed() {
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let body = format!(
        "{{\"x\":{deep},\"choices\":[{{\"message\":{{\"tool_calls\":[{{\"function\":{{\"arguments\":{deep}}}}}]}}}}]}}"
    );
    let (client, _) = client(200, JSON, body.leak());
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    let answer = answer.collect().await.unwrap();
    let call = answer.tool_calls().next().unwrap();
    assert_eq!(call.arguments(), deep);
    assert_eq!(
        call.parse_arguments().unwrap_err().kind(),
        ErrorKind::ToolGeneration
    );
}

/// What a server sends in the wrong place may be a key or the answer itself.
#[tokio::test]
async fn an_unreadable_answer_is_not_quoted() {
    for body in [
        r#"{"choices":["#,
        r#"{"choices":[{"message":{"tool_calls":[{"function":{"arguments":planted-key"#,
        "planted-key",
    ] {
        let (client, _) = client(200, JSON, body);
        let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
        let all = format!("{error} {error:?} {}", error.report());
        assert!(!all.contains("planted"), "{all}");
    }
}

#[tokio::test]
async fn a_page_under_status_200_is_a_protocol_error_that_says_so() {
    let (client, _) = client(200, "text/html", "<html>login</html>");
    let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.message().unwrap().contains("text/html"), "{error}");
}

#[tokio::test]
async fn what_was_left_out_is_reported_with_the_answer() {
    let (client, _) = client(200, JSON, r#"{"choices":[{"message":{"content":"Hi"}}]}"#);
    let options = CompletionOptions::new()
        .with_temperature(2.0)
        .with_lenient(true);
    let request = Request::new("o3", "Hi").with_options(options);
    let answer = client.oneshot(request).await.unwrap();
    assert_eq!(answer.head().dropped(), ["temperature"]);
}

#[tokio::test]
async fn comments_are_signs_of_life_and_finish_comes_once() {
    let body = ": OPENROUTER PROCESSING\n\ndata: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (client, _) = client(200, SSE, body);
    let request = Request::new("m", "Hi").with_stream(true);
    let mut body = client.oneshot(request).await.unwrap().into_body();
    let mut kinds = Vec::new();
    while let Some(event) = body.next().await {
        kinds.push(match event.unwrap() {
            Event::Ping => "ping",
            Event::Start(_) => "start",
            Event::Text(_) => "text",
            Event::Finish(_) => "finish",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["ping", "start", "text", "finish"]);
}

#[tokio::test]
async fn vectors_come_back_in_the_order_of_the_inputs() {
    let body = r#"{"data":[{"index":1,"embedding":[2.0]},{"index":0,"embedding":"AACAPw=="}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let (client, _) = client(200, JSON, body);
    let request = EmbeddingRequest::new("e", ["a", "b"]);
    let answer = client.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.vectors(), [vec![1.0], vec![2.0]]);
    assert_eq!(answer.usage().unwrap().input(), Some(3));

    let one = EmbeddingRequest::new("e", ["a"]);
    let error = client.oneshot(one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(
        error.message().unwrap().contains("2 vectors for 1 inputs"),
        "{error}"
    );
}

#[tokio::test]
async fn models_are_listed_with_their_windows() {
    let body = r#"{"object":"list","data":[{"id":"a","owned_by":"x","context_length":100},{"id":"b","meta":{"n_ctx_train":7}},{"id":null}]}"#;
    let (client, seen) = client(200, JSON, body);
    let models = client.models().await.unwrap();
    let list: Vec<_> = models
        .iter()
        .map(|m| (m.id(), m.context_window()))
        .collect();
    assert_eq!(list, [("a", Some(100)), ("b", Some(7))]);
    assert_eq!(seen.lock().unwrap()[0].0, "/api/v1/models");
}

#[test]
fn a_setting_that_cannot_be_sent_is_named_and_not_shown() {
    let bad = OpenAiConfig::builder("http://localhost").api_key(Secret::new("planted\nkey"));
    let error = bad.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = format!("{error} {error:?} {}", error.report());
    assert!(
        text.contains("the API key") && !text.contains("planted"),
        "{text}"
    );
    let bad = OpenAiConfig::builder("not a url").build().unwrap_err();
    assert!(bad.message().unwrap().contains("base URL"), "{bad}");
    let slip = OpenAiConfig::builder("http://localhost").header("x-key: planted", "==");
    let error = slip.build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
}
