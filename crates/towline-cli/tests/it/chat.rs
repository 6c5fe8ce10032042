//! `towline chat`, when all goes well.

use crate::program::{Ended, Program};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use towline_sim::{Fault, Outcome, Reply, Rule, Simulator, Stall, TokenUsage, ToolCall};

async fn sim(reply: Reply) -> Simulator {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().respond(reply));
    sim
}

/// The keys of an object, in the order in which they were printed.
fn keys(object: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(object).unwrap();
    let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort_by_key(|key| object.find(&format!("\"{key}\":")));
    keys
}

#[tokio::test]
async fn with_nothing_configured_the_simulator_answers_and_says_so() {
    let ended = Program::bare().run(&["chat", "Say hello"]).await.expect(0);
    assert!(ended.stdout.contains("Say hello"), "{ended:?}");
    assert!(ended.stdout.ends_with('\n'));
    assert!(
        ended
            .stderr
            .starts_with("no provider is configured: this answer is simulated"),
        "{ended:?}"
    );
    let ended = Program::bare()
        .run(&["chat", "--json", "Say hello"])
        .await
        .expect(0);
    assert_eq!(ended.json()["provider"], "simulator");
}

#[tokio::test]
async fn text_goes_to_standard_output_and_nothing_else_does() {
    let sim = sim(Reply::text("One two three.")).await;
    for args in [&["chat", "Count"][..], &["chat", "Count", "--no-stream"]] {
        let ended = Program::with(&sim).run(args).await.expect(0);
        assert_eq!(ended.stdout, "One two three.\n");
        assert_eq!(ended.stderr, "");
    }
    let streamed: Vec<bool> = sim.journal().iter().map(|seen| seen.streamed()).collect();
    assert_eq!(streamed, [true, false]);
}

#[tokio::test]
async fn an_answer_is_printed_as_it_arrives() {
    let sim = sim(Reply::text("First. Second.")).await;
    let stalled = Rule::any().respond(Reply::text("first line\nrest"));
    let sim2 = Simulator::start().await.unwrap();
    sim2.on(stalled.fault(Fault::StallAfterEvents(4, Stall::Forever)));
    drop(sim);
    let mut child = Program::with(&sim2)
        .command(&["chat", "Hi"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "first line");
    child.kill().await.unwrap();
}

#[tokio::test]
async fn the_options_reach_the_provider() {
    let sim = Simulator::start().await.unwrap();
    let args = [
        "chat",
        "-m",
        "openai/other",
        "--system",
        "Be brief.",
        "--temperature",
        "0.5",
        "--max-tokens",
        "50",
        "Say",
        "hello",
    ];
    Program::with(&sim).run(&args).await.expect(0);
    let body = sim.journal()[0].json().unwrap();
    assert_eq!(body["model"], "other");
    assert_eq!(body["temperature"], 0.5);
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "Be brief."})
    );
    assert_eq!(body["messages"][1]["content"], "Say hello");
    assert!(
        body["max_tokens"] == 50 || body["max_completion_tokens"] == 50,
        "{body}"
    );
}

#[tokio::test]
async fn settings_can_be_overridden_on_the_command_line_and_in_a_file() {
    let sim = Simulator::start().await.unwrap();
    let toml = format!(
        "[towline.llm]\nmodel = \"vllm/a\"\n[towline.vllm]\nbase_url = \"{}\"\n",
        sim.base_url()
    );
    let program = Program::bare().file("other.toml", toml);
    program
        .run(&["chat", "--config", "other.toml", "Hi"])
        .await
        .expect(0);
    let set = [
        "--config",
        "other.toml",
        "chat",
        "--set",
        "towline.llm.model=vllm/b",
        "Hi",
    ];
    program.run(&set).await.expect(0);
    let define = [
        "chat",
        "--config",
        "other.toml",
        "-Dtowline.llm.model=vllm/c",
        "Hi",
    ];
    program.run(&define).await.expect(0);
    let model = |n: usize| sim.journal()[n].json().unwrap()["model"].clone();
    assert_eq!([model(0), model(1), model(2)], ["a", "b", "c"]);
}

#[tokio::test]
async fn the_prompt_may_come_from_standard_input() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim);
    program
        .run_with_input(&["chat"], "From a pipe.\n")
        .await
        .expect(0);
    program
        .run_with_input(&["chat", "Summarise:", "-"], "A file.\n")
        .await
        .expect(0);
    let content = |n: usize| sim.journal()[n].json().unwrap()["messages"][0]["content"].clone();
    assert_eq!(content(0), "From a pipe.");
    assert_eq!(content(1), "Summarise:\n\nA file.");
}

#[tokio::test]
async fn an_empty_prompt_is_a_wrong_use() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim);
    for (args, input) in [(&["chat"][..], ""), (&["chat", ""], ""), (&["chat"], " \n")] {
        let ended = program.run_with_input(args, input).await.expect(2);
        assert!(ended.stderr.contains("the prompt is empty"), "{ended:?}");
    }
    assert!(sim.journal().is_empty());
}

#[tokio::test]
async fn images_are_read_or_named() {
    let sim = Simulator::start().await.unwrap();
    let png = b"\x89PNG\r\n\x1a\n then pixels";
    let program = Program::with(&sim).file("a.png", png).file("a.txt", "text");
    let url = "https://example.com/b.jpg";
    program
        .run(&["chat", "Look", "--image", "a.png", "--image", url])
        .await
        .expect(0);
    let content = sim.journal()[0].json().unwrap()["messages"][0]["content"].clone();
    let image = |n: usize| content[n]["image_url"]["url"].as_str().unwrap().to_owned();
    assert!(image(1).starts_with("data:image/png;base64,"), "{content}");
    assert_eq!(image(2), url);

    let ended = program
        .run(&["chat", "Look", "--image", "gone.png"])
        .await
        .expect(2);
    assert!(ended.stderr.contains("gone.png"), "{ended:?}");
    let ended = program
        .run(&["chat", "Look", "--image", "a.txt"])
        .await
        .expect(2);
    assert!(ended.stderr.contains("PNG"), "{ended:?}");
    assert_eq!(sim.journal().len(), 1);
}

#[tokio::test]
async fn json_has_every_field_in_its_place() {
    let usage = TokenUsage::new(100, 40).with_cached(60).with_reasoning(10);
    let reply = Reply::text("Paris.")
        .with_reasoning("Capital of France.")
        .with_usage(usage);
    let sim = sim(reply).await;
    let ended = Program::with(&sim)
        .run(&["chat", "--json", "Capital?"])
        .await
        .expect(0);
    assert_eq!(
        keys(&ended.stdout),
        [
            "id",
            "model",
            "provider",
            "text",
            "reasoning",
            "tool_calls",
            "finish_reason",
            "seams",
            "usage",
            "cost_usd",
            "latency_ms",
            "ttft_ms",
            "attempts"
        ]
    );
    let answer = ended.json();
    assert_eq!(answer["cost_usd"], json!(null));
    assert_eq!(answer["model"], "sim-chat");
    assert_eq!(answer["provider"], "openai");
    assert_eq!(answer["text"], "Paris.");
    assert_eq!(answer["reasoning"], "Capital of France.");
    assert_eq!(answer["tool_calls"], json!([]));
    assert_eq!(answer["finish_reason"], "stop");
    assert_eq!(answer["seams"], json!([]));
    assert_eq!(
        answer["usage"],
        json!({
            "input_tokens": 100, "output_tokens": 40, "cached_tokens": 60,
            "cache_write_tokens": 0, "reasoning_tokens": 10, "total_tokens": 140
        })
    );
    assert!(
        answer["id"].is_string() && answer["latency_ms"].is_u64() && answer["ttft_ms"].is_u64()
    );
    assert_eq!(answer["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(answer["attempts"][0]["outcome"], "whole");
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn a_call_has_its_cost_where_the_prices_are_known() {
    let usage = TokenUsage::new(100, 40).with_cached(60);
    let sim = sim(Reply::text("Paris.").with_usage(usage)).await;
    // 40 at 2.50 and 60 at 1.25 and 40 at 10 dollars for a million.
    let prices = "openai/sim-chat = input 2.50, output 10, cache_read 1.25";
    let program = || Program::with(&sim).env("TOWLINE_PRICES", prices);
    let ended = program()
        .run(&["chat", "--json", "Capital?"])
        .await
        .expect(0);
    let answer = ended.json();
    assert_eq!(answer["cost_usd"], json!(0.000_575), "{answer}");
    assert_eq!(answer["attempts"][0]["cost_usd"], json!(0.000_575));
    let ended = program().run(&["chat", "-v", "Capital?"]).await.expect(0);
    assert!(ended.stderr.contains(" · cost $0.000575"), "{ended:?}");
}

#[tokio::test]
async fn what_is_unknown_is_null_and_still_there() {
    let body = json!({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]});
    let sim = sim(Reply::json(200, body)).await;
    let ended = Program::with(&sim)
        .run(&["chat", "--json", "--no-stream", "Hi"])
        .await;
    let ended = ended.expect(0);
    let answer = ended.json();
    assert_eq!(keys(&ended.stdout).len(), 13);
    assert_eq!(answer["id"], Value::Null);
    assert_eq!(answer["reasoning"], Value::Null);
    assert_eq!(answer["ttft_ms"], Value::Null);
    assert_eq!(answer["usage"]["input_tokens"], Value::Null);
    assert_eq!(answer["usage"].as_object().unwrap().len(), 6);
}

#[tokio::test]
async fn a_refusal_a_cut_and_a_tool_call_are_told() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any()
        .user_message_contains("bad")
        .respond(Reply::refusal("I cannot do that.")));
    let cut = Reply::text("Half of").with_finish("length");
    sim.on(Rule::any().user_message_contains("long").respond(cut));
    let call = ToolCall::new("weather", json!({"city": "Paris"})).with_id("call_1");
    sim.on(Rule::any().respond(Reply::tool_calls([call])));
    let program = Program::with(&sim);

    let ended = program.run(&["chat", "bad"]).await.expect(0);
    assert_eq!(ended.stdout, "I cannot do that.\n");
    assert!(ended.stderr.contains("declined"), "{ended:?}");
    let answer = program
        .run(&["chat", "--json", "bad"])
        .await
        .expect(0)
        .json();
    assert_eq!(answer["text"], "I cannot do that.");
    assert_eq!(answer["finish_reason"], "refusal");

    let ended = program.run(&["chat", "long"]).await.expect(0);
    assert_eq!(ended.stdout, "Half of\n");
    assert!(ended.stderr.contains("--max-tokens"), "{ended:?}");

    let ended = program.run(&["chat", "weather?"]).await.expect(0);
    assert_eq!(ended.stdout, "");
    assert!(
        ended
            .stderr
            .contains("the tool weather with {\"city\":\"Paris\"}"),
        "{ended:?}"
    );
    let answer = program
        .run(&["chat", "--json", "weather?"])
        .await
        .expect(0)
        .json();
    assert_eq!(answer["tool_calls"][0]["name"], "weather");
    assert_eq!(answer["tool_calls"][0]["id"], "call_1");
    assert_eq!(answer["tool_calls"][0]["arguments"], "{\"city\":\"Paris\"}");
    assert_eq!(answer["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn the_facts_are_shown_on_demand() {
    let sim = Simulator::start().await.unwrap();
    let ended = Program::with(&sim)
        .run(&["chat", "-v", "Hi"])
        .await
        .expect(0);
    for part in [
        "provider openai",
        "model sim-chat",
        "request ",
        " ms",
        "tokens ",
        "limits: ",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
    assert!(!ended.stdout.contains("provider openai"), "{ended:?}");
    let ended = Program::with(&sim)
        .run(&["chat", "-vv", "Hi"])
        .await
        .expect(0);
    assert!(
        ended.stderr.contains("towline.llm.model = openai/sim-chat"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("content-type: text/event-stream"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_reader_that_leaves_ends_it_quietly() {
    let sim = Simulator::start().await.unwrap();
    let long = "line\n".repeat(100_000);
    sim.on(Rule::any().respond(Reply::text(long)));
    let mut child = Program::with(&sim)
        .command(&["chat", "Hi"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "line");
    drop(lines);
    let ended = Ended::of(child.wait_with_output().await.unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::ClientLeft)
        .await;
}

#[tokio::test]
async fn a_pipe_gets_the_bytes_as_they_are() {
    let sim = sim(Reply::text("\u{1b}[31mred\u{1b}[0m")).await;
    let ended = Program::with(&sim).run(&["chat", "Hi"]).await.expect(0);
    assert_eq!(ended.stdout, "\u{1b}[31mred\u{1b}[0m\n");
}

#[tokio::test]
async fn json_holds_no_control_character_and_says_the_same() {
    let text = "\u{1b}[31m\u{9b}31m\u{7f}\u{80}\u{9f}\u{202e}dlrow\u{2066}\tGrüße\n";
    let sim = sim(Reply::text(text)).await;
    for args in [
        &["chat", "--json", "Hi"][..],
        &["chat", "--json", "--no-stream", "Hi"],
    ] {
        let ended = Program::with(&sim).run(args).await.expect(0);
        let active = |c: char| c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c);
        assert!(!ended.stdout.trim_end().contains(active), "{ended:?}");
        assert_eq!(ended.json()["text"], text);
    }
}

#[tokio::test]
async fn a_notice_never_holds_control_sequences() {
    let call = ToolCall::new("x\u{1b}]0;title\u{7}", "{}");
    let sim = sim(Reply::tool_calls([call])).await;
    let ended = Program::with(&sim).run(&["chat", "Hi"]).await.expect(0);
    assert!(!ended.stderr.contains('\u{1b}'), "{ended:?}");
    assert!(ended.stderr.contains("␛]0;title␇"), "{ended:?}");
}

#[tokio::test]
async fn standard_input_is_left_alone_when_the_prompt_is_given() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim);
    // A pipe that stays open: reading it would never end.
    let mut child = program
        .command(&["chat", "Hi"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    assert!(child.wait().await.unwrap().success());
    drop(stdin);
}
