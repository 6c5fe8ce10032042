//! What goes wrong with a provider, and how it is told.

use crate::program::{Ended, Program};
use serde_json::json;
use tokio::net::TcpListener;
use towline_sim::{Fault, Reply, Rule, Simulator, SseEvent, Stall};

async fn ended(rule: Rule, args: &[&str]) -> Ended {
    let sim = Simulator::start().await.unwrap();
    sim.on(rule);
    Program::with(&sim).run(args).await
}

/// The error object of a failed `chat --json`, which has all its fields.
async fn object(rule: Rule) -> serde_json::Value {
    let ended = ended(rule, &["chat", "--json", "Hi"]).await.expect(1);
    assert_eq!(ended.stderr, "", "{ended:?}");
    let error = ended.json()["error"].clone();
    for key in [
        "kind",
        "message",
        "provider",
        "status",
        "request_id",
        "retryable",
        "retry_after_ms",
    ] {
        assert!(
            error.as_object().unwrap().contains_key(key),
            "{key}: {error}"
        );
    }
    assert_eq!(error["provider"], "openai");
    error
}

fn status(status: u16) -> Rule {
    Rule::any().fault(Fault::status(status))
}

#[tokio::test]
async fn each_status_has_its_kind() {
    let kinds = [
        (400, "invalid_request", false),
        (401, "auth", false),
        (403, "permission", false),
        (404, "not_found", false),
        (429, "rate_limit", true),
        (500, "server", true),
        (503, "overloaded", true),
    ];
    for (code, kind, retryable) in kinds {
        let error = object(status(code)).await;
        assert_eq!(error["kind"], kind, "{error}");
        assert_eq!(error["status"], code);
        assert_eq!(error["retryable"], retryable, "{error}");
        assert!(error["request_id"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn an_error_is_one_line_of_what_and_one_of_remedy() {
    let ended = ended(status(401), &["chat", "Hi"]).await.expect(1);
    assert_eq!(ended.stdout, "");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert!(
        lines[0].starts_with("towline: openai: not authenticated: "),
        "{ended:?}"
    );
    assert!(lines[0].contains("status 401"), "{ended:?}");
    assert!(lines[1].contains("check the key"), "{ended:?}");
}

#[tokio::test]
async fn a_wait_that_the_provider_asks_for_is_told() {
    let limited = || Rule::any().fault(Fault::status(429).with_header("retry-after", "7"));
    let error = object(limited()).await;
    assert_eq!(error["retry_after_ms"], 7000);
    let ended = ended(limited(), &["chat", "Hi"]).await.expect(1);
    assert!(ended.stderr.contains("retry after 7000 ms"), "{ended:?}");
}

#[tokio::test]
async fn a_page_for_an_error_is_not_printed() {
    let page = Reply::raw(
        500,
        [("content-type", "text/html")],
        "<html><b>Oops</b></html>",
    );
    let ended = ended(Rule::any().respond(page.clone()), &["chat", "Hi"])
        .await
        .expect(1);
    assert!(!ended.stderr.contains("<b>"), "{ended:?}");
    assert_eq!(object(Rule::any().respond(page)).await["kind"], "server");
}

#[tokio::test]
async fn a_stream_that_is_cut_prints_what_came_and_then_the_error() {
    for fault in [Fault::CutAfterEvents(3), Fault::CleanEndAfterEvents(3)] {
        let rule = || {
            Rule::any()
                .respond(Reply::text("One two three four."))
                .fault(fault.clone())
        };
        let ended = ended(rule(), &["chat", "Hi"]).await.expect(1);
        let text = ended.stdout.trim_end();
        assert!(
            !text.is_empty() && "One two three four.".starts_with(text),
            "{ended:?}"
        );
        assert!(ended.stdout.ends_with('\n'), "{ended:?}");
        assert!(ended.stderr.contains("answer broke off"), "{ended:?}");
        let error = object(rule()).await;
        assert_eq!(error["kind"], "truncated", "{error}");
        assert_eq!(error["retryable"], false, "{error}");
        assert_eq!(error["partial"].as_str().unwrap().trim_end(), text);
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error() {
    let body = json!({"error": {"message": "The server is overloaded", "type": "server_error"}});
    let rule = || Rule::any().fault(Fault::in_band_error(2, body.clone()));
    let ended = ended(rule(), &["chat", "Hi"]).await.expect(1);
    assert!(
        ended.stderr.contains("The server is overloaded"),
        "{ended:?}"
    );
    let error = object(rule()).await;
    assert!(
        ["server", "overloaded"].contains(&error["kind"].as_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn garbage_is_told_as_such() {
    let garbage = Reply::raw(200, [("content-type", "application/json")], "]]garbage");
    assert_eq!(
        object(Rule::any().respond(garbage)).await["kind"],
        "protocol"
    );
    let page = Reply::raw(200, [("content-type", "text/html")], "<html>Sign in</html>");
    let ended = ended(Rule::any().respond(page.clone()), &["chat", "Hi"])
        .await
        .expect(1);
    assert!(ended.stderr.contains("/v1"), "{ended:?}");
    assert_eq!(object(Rule::any().respond(page)).await["kind"], "protocol");
    let frames = Reply::sse([SseEvent::data("{not json")]);
    assert_eq!(
        object(Rule::any().respond(frames)).await["kind"],
        "protocol"
    );
    let broken = Rule::any().fault(Fault::BadUtf8AfterEvents(2));
    assert_eq!(object(broken).await["kind"], "protocol");
}

#[tokio::test]
async fn a_reset_is_the_networks_fault() {
    assert_eq!(
        object(Rule::any().fault(Fault::ResetHead)).await["kind"],
        "transport"
    );
}

#[tokio::test]
async fn a_silent_provider_is_given_up() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallHead(Stall::Forever)));
    let args = ["chat", "--json", "-Dtowline.timeouts.stream=50ms", "Hi"];
    let error = Program::with(&sim).run(&args).await.expect(1).json()["error"].clone();
    assert_eq!(error["kind"], "timeout");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("timeouts.stream"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let program = Program::at(&format!("http://{address}/v1"));
    for command in ["chat", "validate", "models"] {
        let args = if command == "chat" {
            vec![command, "Hi"]
        } else {
            vec![command]
        };
        let ended = program.run(&args).await.expect(1);
        assert!(ended.stderr.contains(&address.to_string()), "{ended:?}");
        assert!(!ended.stderr.contains("simulated"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_broken_configuration_never_falls_back_to_the_simulator() {
    let broken = [
        Program::bare().env("LLM_MODEL", "openai/gpt-4o"),
        Program::bare().env("OPENAI_API_KEY", "sk-1234567890"),
        Program::bare().env("LLM_MODEL", "nobody/model"),
        Program::bare().env("LLM_MODEL", "anthropic/claude"),
        Program::bare().file("towline.toml", "not toml at all"),
        Program::bare().file("towline.toml", "[towline.llm]\nmodle = \"openai/x\"\n"),
    ];
    for program in broken {
        for args in [
            &["chat", "Hi"][..],
            &["validate"],
            &["models"],
            &["embed", "Hi"],
        ] {
            let ended = program.run(args).await.expect(2);
            assert_eq!(ended.stdout, "", "{ended:?}");
            assert!(!ended.stderr.contains("simulated"), "{ended:?}");
        }
        let ended = program.run(&["chat", "--json", "Hi"]).await.expect(2);
        assert_eq!(ended.json()["error"]["kind"], "config");
        assert_eq!(ended.json()["error"]["retryable"], false);
    }
}

#[tokio::test]
async fn a_wrong_use_is_an_object_for_a_program() {
    let program = Program::bare();
    let wrong: [(&[&str], &str); 7] = [
        (
            &["chat", "--json", "--temperature", "hot", "x"],
            "at least 0",
        ),
        (
            &["chat", "--temprature", "1", "--json", "x"],
            "'--temperature'",
        ),
        (&["chat", "--json=yes", "x"], "'--json'"),
        (&["chat", "x", "--json", "--max-tokens"], "--max-tokens"),
        (&["chat", "x", "--json", "--json"], "--json"),
        (&["embed", "--json", "--lines", "x"], "--lines"),
        (&["chta", "--json", "x"], "'chat'"),
    ];
    for (args, part) in wrong {
        let ended = program.run(args).await.expect(2);
        assert_eq!(ended.stderr, "", "{ended:?}");
        let error = ended.json()["error"].clone();
        assert_eq!(error["kind"], "config", "{error}");
        assert_eq!(error["retryable"], false, "{error}");
        assert_eq!(error.as_object().unwrap().len(), 7, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{part}: {error}");
        assert!(
            !message.contains("Usage") && !message.starts_with("error"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_wrong_use_is_words_for_a_person_and_help_stays_help() {
    let program = Program::bare();
    let ended = program
        .run(&["chat", "--temprature", "--", "--json"])
        .await
        .expect(2);
    assert_eq!(ended.stdout, "", "{ended:?}");
    assert!(
        ended.stderr.starts_with("error: unexpected argument"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("Usage:"), "{ended:?}");
    for args in [
        &["chat", "--json", "--help"][..],
        &["chat", "--json", "--version"],
    ] {
        let ended = program.run(args).await.expect(0);
        assert!(
            !ended.stdout.starts_with('{') && ended.stderr.is_empty(),
            "{ended:?}"
        );
    }
}

/// A stream that ends properly, with `reason` as its reason.
fn finished(reason: &serde_json::Value) -> Rule {
    let delta = |text, reason| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": reason});
        SseEvent::data(json!({"id": "c1", "model": "sim-chat", "choices": [choice]}))
    };
    let events = [
        delta("Half of", serde_json::Value::Null),
        delta(" it.", reason.clone()),
        SseEvent::data("[DONE]"),
    ];
    Rule::any().respond(Reply::sse(events))
}

#[tokio::test]
async fn an_answer_that_ends_without_a_known_reason_is_not_passed_for_whole() {
    let reasons = [(json!(null), "no reason"), (json!("tired"), "`tired`")];
    for (reason, part) in reasons {
        for args in [&["chat", "Hi"][..], &["chat", "--json", "Hi"]] {
            let ended = ended(finished(&reason), args).await.expect(0);
            assert!(ended.stdout.contains("Half of it."), "{ended:?}");
            assert!(ended.stderr.contains(part), "{ended:?}");
            assert!(ended.stderr.contains("may not be whole"), "{ended:?}");
        }
    }
    let ended = ended(finished(&json!("stop")), &["chat", "Hi"])
        .await
        .expect(0);
    assert_eq!(ended.stderr, "");
}
