//! Planted keys appear in no output: every command, every fault, as loud as can be.

use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use towline_sim::{Fault, Reply, Rule, Script, Simulator, SseEvent, Stall};

/// Keys of several shapes, all of which must stay unseen.
const KEYS: [&str; 4] = [
    "sk-planted-openai-0123456789abcdef",
    "planted.header.value.0123456789",
    "planted-embedding-key-0123456789",
    "planted-proxy-password",
];

/// Commands that ask the provider.
const CALLS: [&[&str]; 12] = [
    &["chat", "-vv", "Hi"],
    &["chat", "-vv", "--no-stream", "Hi"],
    &["chat", "-vv", "--json", "Hi"],
    &["chat", "-vv", "--json", "--no-stream", "Hi"],
    &["validate", "-vv"],
    &["validate", "-vv", "--json"],
    &["validate", "-vv", "--all"],
    &["validate", "-vv", "--all", "--json"],
    &["models", "-vv"],
    &["models", "-vv", "--json"],
    &["models", "-vv", "--all"],
    &["embed", "-vv", "Hi"],
];

/// Commands that ask nobody.
const LOCAL: [&[&str]; 7] = [
    &["config", "show", "-vv", "--sources"],
    &["config", "show", "-vv", "--json"],
    &["config", "check", "-vv"],
    &["simulate", "-vv", "--key", KEYS[2], "--script", "gone.json"],
    &["man", "-vv"],
    &["man", "chat", "-vv"],
    &["completions", "bash", "-vv"],
];

/// Those where a wrong setting is told, in words and as an object.
const TELLING: [&[&str]; 4] = [
    &["chat", "-vv", "Hi"],
    &["embed", "--json", "Hi"],
    &["config", "check", "-vv"],
    &["config", "show", "-vv", "--sources"],
];

/// Those of the calls that take the most ways through the program.
const SAMPLE: [&[&str]; 5] = [CALLS[0], CALLS[3], CALLS[6], CALLS[10], CALLS[11]];

/// Keys in what servers call the id of a call, and in other headers that are shown or read. The
/// password of a proxy never reaches a server.
fn echoing(n: usize) -> Vec<Fault> {
    let header =
        |(m, name): (usize, &str)| Fault::Header(name.to_owned(), KEYS[(n + m) % 3].to_owned());
    let names = ["x-request-id", "x-ratelimit-limit-requests", "server"];
    names.into_iter().enumerate().map(header).collect()
}

/// What can go wrong after the server has answered, or instead of it.
fn damages() -> Vec<Fault> {
    let body = json!({"error": {"message": KEYS[2], "type": KEYS[0], "code": KEYS[1]}});
    vec![
        Fault::ResetHead,
        Fault::CutAfterEvents(2),
        Fault::CleanEndAfterEvents(2),
        Fault::MalformedJson(1),
        Fault::BadUtf8AfterEvents(1),
        Fault::in_band_error(2, body),
        Fault::in_band_status(1, 500),
        Fault::DelayPerEvent(Duration::from_millis(1)),
        Fault::CutAfterBytes(40),
        Fault::ResetAfterBytes(40),
        Fault::DuplicateEvent(1),
        Fault::SwapEvents(1, 2),
        Fault::WrongContentLength(7),
        Fault::WrongContentLength(-7),
        Fault::OneByteAtATime,
        Fault::CloseAfter,
    ]
}

/// What takes longer than anybody waits.
fn stalls() -> Vec<Fault> {
    vec![
        Fault::StallHead(Stall::Forever),
        Fault::StallAfterBytes(40, Stall::Forever),
        Fault::StallAfterEvents(1, Stall::Forever),
        Fault::OneByteEvery(Duration::from_millis(1)),
    ]
}

/// A server that repeats everything secret it was sent, wherever it can.
fn echoes() -> Vec<Rule> {
    let said = format!(
        "Incorrect API key provided: {}. Header {}. {}",
        KEYS[0], KEYS[1], KEYS[2]
    );
    let error = json!({"error": {"message": said, "type": said, "code": said, "param": said}});
    let status = |code| Fault::status(code).with_body(error.clone());
    let echoed = |fault: Fault| {
        fault
            .with_header("x-request-id", KEYS[0])
            .with_header("x-ratelimit-limit-requests", KEYS[0])
            .with_header("retry-after", KEYS[0])
            .with_header("server", KEYS[1])
    };
    let mut rules: Vec<Rule> = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 529]
        .into_iter()
        .map(|code| Rule::any().fault(echoed(status(code))))
        .collect();
    let page = format!("<html>{said}</html>");
    rules.extend([
        Rule::any().respond(Reply::raw(
            500,
            [("content-type", "text/html")],
            page.clone(),
        )),
        Rule::any().respond(Reply::raw(200, [("content-type", "text/html")], page)),
        Rule::any().respond(Reply::raw(
            200,
            [("content-type", "application/json")],
            said.clone(),
        )),
        Rule::any().respond(Reply::sse([SseEvent::data(error.clone())])),
        Rule::any().respond(Reply::sse([SseEvent::data(said)])),
        Rule::any(),
    ]);
    rules
}

fn toml(base_url: &str) -> String {
    format!(
        "[towline.llm]\nmodel = \"main\"\n\
         [towline.providers.main]\nprovider = \"openai-compatible\"\nmodel = \"sim-chat\"\n\
         base_url = \"{base_url}\"\napi_key = \"{}\"\nheaders = {{ x-team = \"{}\" }}\n\
         [towline.embeddings]\nmodel = \"openai/sim-embedding\"\n\
         [towline.embeddings.openai]\napi_key = \"{}\"\nbase_url = \"{base_url}\"\n",
        KEYS[0], KEYS[1], KEYS[2]
    )
}

/// The same keys, from the environment and from a file.
fn programs(base_url: &str) -> [Program; 3] {
    [
        // What fails is tried again, and nobody wants to wait for that here. A third try would wait
        // for the limit that the simulator tells with a 429.
        Program::at(base_url)
            .env("TOWLINE_RETRY_MAX_ATTEMPTS", "2")
            .env("TOWLINE_RETRY_BASE_DELAY", "5ms")
            .env("TOWLINE_RETRY_MAX_DELAY", "10ms")
            .env("TOWLINE_RETRY_HINT_CAP", "10ms")
            .env("OPENAI_API_KEY", KEYS[0])
            .env("TOWLINE_OPENAI_HEADERS", format!("x-team={}", KEYS[1]))
            .env("EMBEDDING_MODEL", "openai/sim-embedding")
            .env("TOWLINE_EMBEDDINGS_OPENAI_API_KEY", KEYS[2]),
        Program::bare().file("towline.toml", toml(base_url)),
        Program::at(base_url)
            .file(".env", format!("OPENAI_API_KEY={}\n", KEYS[0]))
            .env("EMBEDDING_MODEL", "openai/sim-embedding")
            .env("TOWLINE_OPENAI_HEADERS", format!("x-team={}", KEYS[1])),
    ]
}

/// Runs commands of `program` and looks for every key.
async fn search(program: &Program, commands: &[&[&str]], about: &str) {
    for args in commands {
        let ended = program.run(args).await;
        for key in KEYS {
            let shown = ended.stdout.contains(key) || ended.stderr.contains(key);
            assert!(!shown, "{key} in {args:?} with {about}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn no_command_shows_a_key_whatever_the_provider_does() {
    for rule in echoes() {
        let about = format!("{rule:?}");
        let sim = Simulator::builder()
            .script(Script::new().rule(rule))
            .start()
            .await
            .unwrap();
        search(&programs(&sim.base_url())[0], &CALLS, &about).await;
    }
}

#[tokio::test]
async fn no_command_shows_a_key_however_an_answer_is_damaged() {
    for (n, damage) in damages().into_iter().enumerate() {
        let about = format!("{damage:?}");
        let sim = Simulator::start().await.unwrap();
        let faults = echoing(n).into_iter().chain([damage]);
        sim.on(faults.fold(Rule::any(), Rule::fault));
        search(&programs(&sim.base_url())[0], &SAMPLE, &about).await;
    }
}

#[tokio::test]
async fn no_command_shows_a_key_while_the_provider_is_silent() {
    for (n, stall) in stalls().into_iter().enumerate() {
        let about = format!("{stall:?}");
        let sim = Simulator::start().await.unwrap();
        let faults = echoing(n).into_iter().chain([stall]);
        sim.on(faults.fold(Rule::any(), Rule::fault));
        let [program, ..] = programs(&sim.base_url());
        let program = program
            .env("TOWLINE_TIMEOUTS_REQUEST", "60ms")
            .env("TOWLINE_TIMEOUTS_STREAM", "60ms");
        // Who only lists has a clock of their own, which is long.
        search(&program, &CALLS[..4], &about).await;
        search(&program, &CALLS[11..], &about).await;
    }
}

#[tokio::test]
async fn no_place_of_a_key_makes_it_seen() {
    for rule in [Rule::any(), Rule::any().fault(Fault::status(401))] {
        let about = format!("{rule:?}");
        let sim = Simulator::builder()
            .script(Script::new().rule(rule))
            .start()
            .await
            .unwrap();
        for program in programs(&sim.base_url()) {
            search(&program, &CALLS, &about).await;
            search(&program, &LOCAL, &about).await;
        }
    }
}

/// Programs with `key` in or beside a setting that is wrong.
fn wrong_settings(key: &str) -> Vec<Program> {
    let password = KEYS[3];
    vec![
        Program::bare()
            .env("LLM_MODEL", "openai/m")
            .env("OPENAI_API_KEY", format!("{key}\u{7f}x")),
        Program::bare()
            .env("LLM_MODEL", "openai/m")
            .env("OPENAI_API_KEY", key)
            .env(
                "OPENAI_BASE_URL",
                format!("http://user:{password}@localhost:1/v1"),
            ),
        Program::bare()
            .env("LLM_MODEL", "openai/m")
            .env("OPENAI_API_KEY", key)
            .env(
                "TOWLINE_TRANSPORT_PROXY",
                format!("socks5://user:{password}@localhost:1"),
            ),
        Program::at("http://127.0.0.1:1/v1")
            .env("OPENAI_API_KEY", key)
            .env(
                "TOWLINE_TRANSPORT_PROXY",
                format!("http://user:{password}@127.0.0.1:1"),
            ),
        Program::bare().file(
            "towline.toml",
            format!("[towline.openai]\napi_key = \"{key}\n"),
        ),
        Program::bare().file(
            "towline.toml",
            format!("[towline.openai]\napi_kee = \"{key}\"\n"),
        ),
        Program::bare().file(
            "towline.toml",
            format!("[towline.openai.api_key]\nx = \"{key}\"\n"),
        ),
        Program::bare().file(".env", format!("OPENAI_API_KEY='{key}\n")),
        Program::bare().env("TOWLINE_OPENAI_HEADERS", key),
        Program::bare().env("TOWLINE_OPENAI_STREAM_USAGE", key),
        Program::bare().env("TOWLINE_TIMEOUTS_REQUEST", key),
        Program::bare().env("TOWLINE_RETRY_MAX_ATTEMPTS", key),
        Program::bare().env("OPENAI_BASE_URL", key),
    ]
}

#[tokio::test]
async fn a_wrong_setting_does_not_show_the_key_beside_it() {
    for key in KEYS {
        for (n, program) in wrong_settings(key).iter().enumerate() {
            search(program, &TELLING, &format!("wrong setting {n}")).await;
        }
        let program = Program::at("http://localhost:1");
        for (set, part) in [
            (format!("towline.openai.api_kee={key}"), "api_kee"),
            // A key that ends as base64 does.
            (format!("{key}=="), "--set"),
            (key.to_owned(), "--set"),
        ] {
            let ended = program.run(&["chat", "--set", &set, "Hi"]).await.expect(2);
            assert!(
                ended.stderr.contains(part) && !ended.stderr.contains(key),
                "{ended:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_simulator_does_not_show_its_keys_or_those_it_is_sent() {
    for key in KEYS {
        let args = ["simulate", "-vv", "--listen", "127.0.0.1:0", "--key", key];
        let mut child = Program::bare().command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base_url = lines.next_line().await.unwrap().unwrap();
        let right = Program::at(&base_url).env("OPENAI_API_KEY", key);
        search(&right, &CALLS, "the right key").await;
        right.run(&["chat", "Hi"]).await.expect(0);
        let wrong = Program::at(&base_url).env("OPENAI_API_KEY", "sk-planted-another-0123456789");
        search(&wrong, &CALLS, "a wrong key").await;
        wrong.run(&["chat", "Hi"]).await.expect(1);

        crate::signal::send(&child, Signal::SIGTERM);
        let rest = lines.next_line().await.unwrap();
        let told = child.wait_with_output().await.unwrap();
        let told = String::from_utf8(told.stderr).unwrap();
        assert_eq!(rest, None, "only the address is printed");
        assert!(told.contains("POST /v1/chat/completions"), "{told}");
        assert!(!told.contains("planted"), "{told}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_does_not_show_the_key_in_it() {
    for key in KEYS {
        let key_is = format!("--key={key}");
        let option = format!("--{key}");
        let json_is = format!("--json={key}");
        let wrong: [&[&str]; 15] = [
            &["simulate", key],
            &["simulate", key, "--json"],
            &["simulate", "--key", key, key],
            &["simulate", "--listen", key],
            &["simulate", &key_is, "--listen", "nowhere"],
            &["chat", "--json", "--temperature", key],
            &["chat", "--temperature", key],
            &["chat", "--max-tokens", key, "--json"],
            &["chat", &option, "Hi"],
            &["chat", &json_is, "Hi"],
            &["models", "-D", "towline.openai.api_key", key],
            &["models", "--json", "-D", "towline.openai.api_key", key],
            &["completions", key],
            &["man", key],
            &[key],
        ];
        for args in wrong {
            let ended = Program::bare().run(args).await.expect(2);
            let shown = ended.stdout.contains(key) || ended.stderr.contains(key);
            assert!(!shown, "{args:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_script_does_not_show_the_key_in_it() {
    for key in KEYS {
        let wrong = [
            json!({"keys": key}),
            json!({key: 1}),
            json!({"rules": [{"match": {"headers": format!("authorization: Bearer {key}")}}]}),
            json!({"rules": [{"match": {"headers": {format!("authorization: Bearer {key}"): ""}}}]}),
            json!({"rules": [{"faults": [key]}]}),
        ];
        for script in wrong {
            let program = Program::bare().file("script.json", script.to_string());
            let args = ["simulate", "-vv", "--script", "script.json"];
            let ended = program.run(&args).await.expect(2);
            let shown = ended.stdout.contains(key) || ended.stderr.contains(key);
            assert!(!shown, "{script}: {ended:?}");
            assert!(ended.stderr.contains("script is not valid"), "{ended:?}");
        }
    }
}
