//! Two providers, of which the first fails in every way there is.

use crate::program::{Ended, Program};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use towline_sim::{Fault, Reply, Rule, Simulator, Stall};

/// What the second provider says.
const ANSWER: &str = "The second answers.";

/// What the first provider says, where it gets to say something.
const BROKEN: &str = "One two three four.";

/// How often the first provider is asked, and the keys of the program for it.
type Tries = (usize, &'static str);

/// Once, since nothing is tried again.
const ONCE: Tries = (1, "retry.max_attempts = 1");

/// As often as by default, without the pauses.
const DEFAULT: Tries = (3, "retry.base_delay = \"1ms\"\nretry.max_delay = \"1ms\"");

/// Once, though by default it might be more often.
const NOT_AGAIN: Tries = (1, DEFAULT.1);

/// The first provider, which does what its rule says, and the second, which answers.
struct Pair {
    first: Simulator,
    second: Simulator,
}

impl Pair {
    async fn new(rule: Rule) -> Self {
        let (first, second) = (
            Simulator::start().await.unwrap(),
            Simulator::start().await.unwrap(),
        );
        first.on(rule.respond(Reply::text(BROKEN)));
        second.on(Rule::any().respond(Reply::text(ANSWER)));
        Self { first, second }
    }

    /// Runs `chat` with these arguments, and the first provider, which is asked once, with these keys.
    async fn chat(&self, keys: &str, args: &[&str]) -> Ended {
        self.try_chat(ONCE, keys, args).await
    }

    async fn try_chat(&self, tries: Tries, keys: &str, args: &[&str]) -> Ended {
        chat(&self.first.base_url(), &self.second, (tries, keys), args).await
    }
}

async fn chat(
    first: &str,
    second: &Simulator,
    ((_, tries), keys): (Tries, &str),
    args: &[&str],
) -> Ended {
    let second = second.base_url();
    let file = format!(
        "[towline]\n\
         fallback = [\"second\"]\n\
         llm.model = \"first\"\n\
         {tries}\n\
         [towline.providers.first]\n\
         provider = \"openai\"\nmodel = \"sim-chat\"\nbase_url = \"{first}\"\n{keys}\n\
         [towline.providers.second]\n\
         provider = \"openai\"\nmodel = \"sim-chat\"\nbase_url = \"{second}\"\n"
    );
    let args: Vec<&str> = ["chat"]
        .iter()
        .chain(args)
        .chain(&["Hi"])
        .copied()
        .collect();
    Program::bare().file("towline.toml", file).run(&args).await
}

/// The steps of one kind.
fn steps<'a>(answer: &'a Value, step: &str) -> Vec<&'a Value> {
    let steps = answer["attempts"].as_array().unwrap().iter();
    steps.filter(|found| found["step"] == step).collect()
}

/// Holds an answer in JSON to what came of a first provider that failed so often with one of `kinds`.
#[track_caller]
fn assert_second(ended: &Ended, kinds: &[&str], tries: usize) {
    let answer = ended.json();
    assert_eq!(answer["text"], ANSWER, "{answer}");
    assert_eq!(answer["provider"], "second", "{answer}");
    assert_eq!(answer["finish_reason"], "stop", "{answer}");
    let attempts = steps(&answer, "attempt");
    assert_eq!(attempts.len(), tries + 1, "{answer}");
    let (last, failed) = attempts.split_last().unwrap();
    for attempt in failed {
        let outcome = attempt["outcome"].as_str().unwrap();
        assert!(kinds.contains(&outcome), "{outcome} of {kinds:?}: {answer}");
        assert_eq!(attempt["provider"], "first", "{answer}");
    }
    assert_eq!(last["provider"], "second", "{answer}");
    assert_eq!(last["outcome"], "whole", "{answer}");
    let moved = steps(&answer, "moved");
    assert_eq!(moved.len(), 1, "{answer}");
    let why = moved[0]["kind"].as_str().unwrap();
    assert!(kinds.contains(&why), "{why} of {kinds:?}: {answer}");
    assert_eq!(
        (&moved[0]["from"], &moved[0]["to"]),
        (&"first".into(), &"second".into())
    );
}

/// Both ways of asking, each as text and as JSON, against a first provider with this fault: once, and
/// with the default attempts, which come to `tries`.
async fn answers_from_the_second(fault: Fault, keys: &str, kinds: &[&str], tries: Tries) {
    for how in [&[][..], &["--no-stream"]] {
        for tries in [ONCE, tries] {
            let pair = Pair::new(Rule::any().fault(fault.clone())).await;
            let ended = pair.try_chat(tries, keys, how).await.expect(0);
            assert_eq!(ended.stdout.trim_end(), ANSWER, "{fault:?} {ended:?}");
            assert_eq!(ended.stderr, "", "{fault:?} {ended:?}");
            let json: Vec<&str> = how.iter().chain(&["--json"]).copied().collect();
            let ended = pair.try_chat(tries, keys, &json).await.expect(0);
            assert_second(&ended, kinds, tries.0);
            let asked = (pair.first.journal().len(), pair.second.journal().len());
            assert_eq!(asked, (2 * tries.0, 2), "by two runs: {fault:?}");
        }
    }
}

/// An address that refuses connections.
async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn the_second_answers_where_the_first_refuses_connections() {
    let second = Simulator::start().await.unwrap();
    second.on(Rule::any().respond(Reply::text(ANSWER)));
    let first = format!("http://{}/v1", refusing().await);
    for how in [&["--json"][..], &["--json", "--no-stream"]] {
        for tries in [ONCE, DEFAULT] {
            let ended = chat(&first, &second, (tries, ""), how).await.expect(0);
            assert_second(&ended, &["transport"], tries.0);
        }
    }
}

#[tokio::test]
async fn the_second_answers_where_the_first_fails_is_limited_or_overloaded() {
    // What is learned of a limit makes the next attempt wait for seconds, which is not looked at here.
    let unlearned = "limit.learn = false";
    for (status, kind, keys) in [
        (500, "server", ""),
        (503, "overloaded", ""),
        (429, "rate_limit", unlearned),
        (529, "overloaded", ""),
    ] {
        answers_from_the_second(Fault::status(status), keys, &[kind], DEFAULT).await;
    }
    let long = Fault::status(429).with_header("retry-after", "3600");
    answers_from_the_second(long, "", &["rate_limit"], NOT_AGAIN).await;
}

#[tokio::test]
async fn the_second_answers_where_the_first_stalls() {
    // The first is silent for ever, so that the clock may be short.
    let clocks = "timeout.first_token = \"500ms\"\ntimeout.attempt = \"1s\"";
    for fault in [
        Fault::StallHead(Stall::Forever),
        Fault::StallAfterEvents(0, Stall::Forever),
    ] {
        answers_from_the_second(fault, clocks, &["timeout"], NOT_AGAIN).await;
    }
}

#[tokio::test]
async fn the_second_answers_where_the_first_hangs_up_before_its_first_event() {
    for fault in [
        Fault::ResetHead,
        Fault::CutAfterEvents(0),
        Fault::CutAfterBytes(0),
        Fault::CleanEndAfterEvents(0),
    ] {
        let kinds = ["transport", "truncated", "protocol"];
        answers_from_the_second(fault, "", &kinds, DEFAULT).await;
    }
}

#[tokio::test]
async fn the_second_answers_where_the_first_event_is_an_error() {
    for status in [500, 503, 529] {
        let fault = Fault::in_band_status(0, status);
        answers_from_the_second(fault, "", &["server", "overloaded"], DEFAULT).await;
    }
}

#[tokio::test]
async fn the_second_answers_where_an_error_comes_after_events_without_content() {
    for fault in [
        Fault::in_band_status(1, 529),
        Fault::CutAfterEvents(1),
        Fault::CleanEndAfterEvents(1),
    ] {
        let kinds = ["server", "overloaded", "truncated", "transport"];
        for tries in [ONCE, DEFAULT] {
            let pair = Pair::new(Rule::any().fault(fault.clone())).await;
            let ended = pair.try_chat(tries, "", &["--json"]).await.expect(0);
            assert_second(&ended, &kinds, tries.0);
        }
    }
}

#[tokio::test]
async fn the_way_to_the_second_is_shown_to_who_asks() {
    let pair = Pair::new(Rule::any().fault(Fault::status(500))).await;
    let ended = pair.chat("", &["-v"]).await.expect(0);
    assert_eq!(ended.stdout.trim_end(), ANSWER);
    for part in [
        "asked first for sim-chat: server",
        "moved from first to second (server)",
        "asked second for sim-chat: whole",
        "provider second",
        "2 attempts",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
}

#[tokio::test]
async fn an_attempt_that_failed_costs_what_it_may() {
    let pair = Pair::new(Rule::any().fault(Fault::status(500))).await;
    let ended = pair.try_chat(ONCE, "", &["-v"]).await.expect(0);
    assert!(!ended.stderr.contains('$'), "{ended:?}");
    // A dollar a token of the first: `Hi` is one.
    let priced: Tries = (
        1,
        "retry.max_attempts = 1\n\
         prices = [\"first/sim-chat = input 1000000, output 0\", \"second/sim-chat = input 0, output 0\"]",
    );
    let ended = pair.try_chat(priced, "", &["-v"]).await.expect(0);
    for part in [
        "about 1 tokens, about $1.00",
        "tokens, $0.00",
        "cost about $1.00",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
}

#[tokio::test]
async fn where_both_fail_both_are_told() {
    let pair = Pair::new(Rule::any().fault(Fault::status(500))).await;
    let second = Simulator::start().await.unwrap();
    second.on(Rule::any().fault(Fault::status(503)));
    let first = pair.first.base_url();
    let ended = chat(&first, &second, (ONCE, ""), &[]).await.expect(1);
    assert_eq!(ended.stdout, "", "{ended:?}");
    assert!(ended.stderr.contains("towline: second: "), "{ended:?}");
    assert!(ended.stderr.contains("before that: first: "), "{ended:?}");
    let error = chat(&first, &second, (ONCE, ""), &["--json"])
        .await
        .expect(1)
        .json()["error"]
        .clone();
    assert_eq!(steps(&error, "attempt").len(), 2, "{error}");
    assert_eq!(error["kind"], "overloaded", "{error}");
}

#[tokio::test]
async fn a_request_that_is_wrong_is_not_sent_to_the_second() {
    for how in [&[][..], &["--no-stream"]] {
        let pair = Pair::new(Rule::any().fault(Fault::status(400))).await;
        let ended = pair.chat("", how).await.expect(1);
        assert_eq!(ended.stdout, "", "{ended:?}");
        assert!(ended.stderr.contains("invalid request"), "{ended:?}");
        let json: Vec<&str> = how.iter().chain(&["--json"]).copied().collect();
        let error = pair.chat("", &json).await.expect(1).json()["error"].clone();
        assert_eq!(error["kind"], "invalid_request", "{error}");
        assert_eq!(steps(&error, "attempt").len(), 1, "{error}");
        assert_eq!(pair.first.journal().len(), 2, "asked once by each run");
        assert_eq!(pair.second.journal().len(), 0);
    }
}

/// Ways to break off after some text, the keys that the first provider needs for it, the kind, and a
/// word of the message.
fn breaks() -> [(Fault, &'static str, &'static str, &'static str); 5] {
    // The first is silent for ever, so that the clock may be short; what it says until then is there
    // at once, and a pause between two events of it is no silence of so long.
    let idle = "timeout.idle = \"1s\"";
    let silent = Fault::StallAfterEvents(3, Stall::Forever);
    [
        (Fault::CutAfterEvents(3), "", "truncated", "broke off"),
        (Fault::CleanEndAfterEvents(3), "", "truncated", "broke off"),
        (silent, idle, "timeout", "timeout.idle"),
        (
            Fault::in_band_status(3, 529),
            "",
            "overloaded",
            "overloaded",
        ),
        (Fault::in_band_status(3, 500), "", "server", "failed"),
    ]
}

#[tokio::test]
async fn after_the_first_token_a_break_is_told_and_the_second_is_not_asked() {
    for (fault, keys, kind, word) in breaks() {
        let pair = Pair::new(Rule::any().fault(fault.clone())).await;
        let ended = pair.chat(keys, &["-v"]).await.expect(1);
        let text = ended.stdout.trim_end();
        assert!(
            !text.is_empty() && text != BROKEN && BROKEN.starts_with(text),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(word), "{word}: {ended:?}");
        assert!(!ended.stderr.contains("finish "), "{ended:?}");

        let ended = pair.chat(keys, &["--json"]).await.expect(1);
        assert_eq!(ended.stderr, "", "{ended:?}");
        let object = ended.json();
        let error = &object["error"];
        assert_eq!(error["kind"], kind, "{fault:?} {error}");
        assert_eq!(
            error["partial"].as_str().unwrap().trim_end(),
            text,
            "{error}"
        );
        assert_eq!(steps(error, "attempt").len(), 1, "{error}");
        assert_eq!(error["provider"], "first", "{error}");
        assert!(!object.to_string().contains("finish_reason"), "{object}");
        assert_eq!(pair.first.journal().len(), 2, "asked once by each run");
        assert_eq!(pair.second.journal().len(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn where_the_second_goes_on_the_seam_is_shown() {
    let pair = Pair::new(Rule::any().fault(Fault::CutAfterEvents(3))).await;
    let goes_on = ["--set", "towline.fallback_continue=true"];
    let ended = pair.chat("", &goes_on).await.expect(0);
    let text = ended.stdout.trim_end();
    let begun = text.strip_suffix(ANSWER).unwrap();
    assert!(BROKEN.starts_with(begun) && !begun.is_empty(), "{ended:?}");
    assert_eq!(ended.stderr, "answer goes on from second (sim-chat)\n");

    let json: Vec<&str> = goes_on.into_iter().chain(["--json"]).collect();
    let ended = pair.chat("", &json).await.expect(0);
    assert_eq!(ended.stderr, "", "{ended:?}");
    let answer = ended.json();
    assert_eq!(answer["text"], text, "{answer}");
    let seam = serde_json::json!({
        "provider": "second", "model": "sim-chat", "after": begun.len()
    });
    assert_eq!(answer["seams"], serde_json::json!([seam]), "{answer}");
}
