use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::sync::{Arc, Mutex};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use towline_core::{CompletionOptions, EmbeddingRequest, Error, ErrorKind, Event, Request, Secret};
use towline_ollama::{DEFAULT_BASE_URL, Ollama, OllamaConfig, PullStatus};
use towline_transport::{RequestBody, ResponseBody};

type Http = BoxCloneSyncService<http::Request<RequestBody>, http::Response<ResponseBody>, Error>;
type Seen = Arc<Mutex<Vec<(Method, String, HeaderMap)>>>;

/// A client whose server answers everything with `body`.
fn client(status: u16, kind: &'static str, body: &'static str) -> (Ollama<Http>, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let http = service_fn(move |request: http::Request<RequestBody>| {
        let (parts, _) = request.into_parts();
        let head = (parts.method, parts.uri.to_string(), parts.headers);
        log.lock().unwrap().push(head);
        let body = ResponseBody::from(Bytes::from_static(body.as_bytes()));
        let mut response = http::Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in [("content-type", kind), ("x-request-id", "req_1")] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        std::future::ready(Ok::<_, Error>(response))
    });
    let config = OllamaConfig::builder("https://llm.example.com/cellar/api/")
        .name("main")
        .api_key(Secret::new("planted-key"))
        .header("x-extra", "planted-extra")
        .build()
        .unwrap();
    (Ollama::new(config, BoxCloneSyncService::new(http)), seen)
}

const JSON: &str = "application/json; charset=utf-8";
const LINES: &str = "application/x-ndjson";
const HI: &str = r#"{"model":"m2","message":{"content":"Hi"},"done":true,"done_reason":"stop"}"#;

#[tokio::test]
async fn a_request_carries_path_key_and_headers() {
    let (client, seen) = client(200, JSON, HI);
    let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
    assert_eq!(
        (answer.head().provider(), answer.head().request_id()),
        ("main", Some("req_1"))
    );
    assert!(answer.head().rate_limits().is_unknown());
    let answer = answer.collect().await.unwrap();
    assert_eq!((answer.text().as_ref(), answer.model()), ("Hi", "m2"));
    let (method, uri, headers) = seen.lock().unwrap().pop().unwrap();
    assert_eq!((method, uri.as_str()), (Method::POST, "/cellar/api/chat"));
    for (name, value) in [
        ("authorization", "Bearer planted-key"),
        ("x-extra", "planted-extra"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!format!("{headers:?}").contains("planted"), "{headers:?}");
}

#[tokio::test]
async fn each_call_has_its_path() {
    let (client, seen) = client(200, JSON, "{}");
    assert!(client.models().await.unwrap().is_empty());
    assert_eq!(client.context_window("m").await.unwrap(), None);
    let mut pull = client.pull("m").await.unwrap();
    // A line without a status is one that is not known.
    let step = pull.next().await.unwrap().unwrap();
    assert_eq!(*step.status(), PullStatus::Other("".into()));
    let embed = client.oneshot(EmbeddingRequest::new("m", ["a"])).await;
    assert_eq!(embed.unwrap_err().kind(), ErrorKind::Protocol);
    let seen = seen.lock().unwrap();
    let calls: Vec<_> = seen
        .iter()
        .map(|(method, uri, _)| (method.as_str(), uri.as_str()))
        .collect();
    let expected = [
        ("GET", "/cellar/api/tags"),
        ("POST", "/cellar/api/show"),
        ("POST", "/cellar/api/pull"),
        ("POST", "/cellar/api/embed"),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn a_stream_in_one_piece_is_a_stream_all_the_same() {
    let (client, seen) = client(200, JSON, HI);
    let request = Request::new("m", "Hi").with_stream(true);
    let mut body = client.oneshot(request).await.unwrap().into_body();
    assert_eq!(seen.lock().unwrap()[0].2["accept"], LINES);
    let mut kinds = Vec::new();
    while let Some(event) = body.next().await {
        kinds.push(match event.unwrap() {
            Event::Start(_) => "start",
            Event::Text(_) => "text",
            Event::Finish(_) => "finish",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["start", "text", "finish"]);
}

/// What a server sends may hold a key, also where it is no JSON of an answer.
#[tokio::test]
async fn what_cannot_be_read_is_not_quoted() {
    const ODD: &str =
        r#"{"message":"planted","done_reason":"planted","models":"planted","planted"}"#;
    let (client, _) = client(200, "application/json", ODD);
    let ask = |stream| {
        client
            .clone()
            .oneshot(Request::new("m", "Hi").with_stream(stream))
    };
    let whole = ask(false).await.unwrap_err();
    assert_eq!(whole.kind(), ErrorKind::Protocol);
    let streamed = ask(true).await.unwrap().collect().await.unwrap_err();
    let listed = client.models().await.unwrap_err();
    let shown = client.context_window("m").await.unwrap_err();
    let pulled = client.pull("m").await.unwrap().next().await.unwrap();
    for error in [whole, streamed, listed, shown, pulled.unwrap_err()] {
        let all = format!("{error:?} {}", error.report());
        assert!(!all.contains("planted"), "{all}");
        assert!(all.contains("line 1 column"), "{all}");
    }
}

#[tokio::test]
async fn an_error_under_status_200_is_an_error() {
    for stream in [false, true] {
        let (client, _) = client(200, JSON, "{\"error\":\"unauthorized\"}\n");
        let request = Request::new("m", "Hi").with_stream(stream);
        let error = match client.oneshot(request).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!(
            (error.provider(), error.model(), error.request_id()),
            (Some("main"), Some("m"), Some("req_1"))
        );
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
async fn an_answer_that_is_not_done_is_truncated_and_keeps_what_there_is() {
    let body = r#"{"message":{"content":"Hi"},"done":false}"#;
    let (client, _) = client(200, JSON, body);
    for stream in [false, true] {
        let request = Request::new("m", "Hi").with_stream(stream);
        let error = match client.clone().oneshot(request).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Truncated);
        assert_eq!(error.partial().unwrap().text(), "Hi");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn what_was_left_out_is_reported_with_the_answer() {
    let (client, _) = client(200, JSON, HI);
    let options = CompletionOptions::new().with_user("u").with_lenient(true);
    let request = Request::new("m", "Hi").with_options(options);
    let answer = client.oneshot(request).await.unwrap();
    assert_eq!(answer.head().dropped(), ["user"]);
}

#[tokio::test]
async fn models_are_listed_by_their_names() {
    let body = r#"{"models":[{"name":"a:latest","model":"a:latest","size":1},{"name":"b:7b"},{"name":null}]}"#;
    let (client, _) = client(200, JSON, body);
    let models = client.models().await.unwrap();
    let ids: Vec<_> = models.iter().map(|model| model.id()).collect();
    assert_eq!(ids, ["a:latest", "b:7b"]);
}

#[tokio::test]
async fn a_pull_that_breaks_off_is_truncated_and_a_model_that_nobody_has_is_not_found() {
    let cases = [
        ("{\"status\":\"pulling manifest\"}\n", ErrorKind::Truncated),
        (
            "{\"status\":\"pulling manifest\"}\n{\"stat",
            ErrorKind::Truncated,
        ),
        (
            "{\"status\":\"pulling manifest\"}\n{\"error\":\"pull model manifest: file does not exist\"}\n",
            ErrorKind::NotFound,
        ),
        (
            "{\"status\":\"pulling manifest\"}\nrubbish\n{}\n",
            ErrorKind::Protocol,
        ),
    ];
    for (body, kind) in cases {
        let (client, _) = client(200, LINES, body);
        let mut pull = client.pull("m").await.unwrap();
        let first = pull.next().await.unwrap().unwrap();
        assert_eq!(*first.status(), PullStatus::Manifest);
        let error = pull.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
        assert_eq!((error.provider(), error.model()), (Some("main"), Some("m")));
        assert!(pull.next().await.is_none(), "nothing comes after an error");
    }
}

#[tokio::test]
async fn vectors_are_as_many_and_as_long_as_asked_for() {
    let body = r#"{"embeddings":[[1.0,2.0],[3.0,4.0]],"prompt_eval_count":3}"#;
    let (client, _) = client(200, JSON, body);
    let embed = |request| client.clone().oneshot(request);
    let answer = embed(EmbeddingRequest::new("e", ["a", "b"])).await.unwrap();
    assert_eq!(answer.vectors(), [vec![1.0, 2.0], vec![3.0, 4.0]]);
    assert_eq!(answer.usage().unwrap().input(), Some(3));
    for (request, says) in [
        (EmbeddingRequest::new("e", ["a"]), "2 vectors for 1 inputs"),
        (
            EmbeddingRequest::new("e", ["a", "b"]).with_dimensions(3),
            "2 numbers, 3 were asked for",
        ),
    ] {
        let error = embed(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().unwrap().contains(says), "{error}");
    }
    let none = EmbeddingRequest::new("e", Vec::<String>::new());
    assert_eq!(
        embed(none).await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
}

#[test]
fn a_setting_that_cannot_be_sent_is_named_and_not_shown() {
    let bad = OllamaConfig::builder(DEFAULT_BASE_URL).api_key(Secret::new("planted\nkey"));
    let error = bad.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = format!("{error} {error:?} {}", error.report());
    assert!(
        text.contains("the API key") && !text.contains("planted"),
        "{text}"
    );
    let bad = OllamaConfig::builder("http://user:planted not a url");
    let header = OllamaConfig::builder(DEFAULT_BASE_URL).header("planted key", "x");
    for (bad, name) in [(bad, "base URL"), (header, "extra header 1")] {
        let shown = format!("{bad:?}");
        let error = bad.build().unwrap_err();
        let text = format!("{shown} {error:?} {}", error.report());
        assert!(text.contains(name) && !text.contains("planted"), "{text}");
    }
}
