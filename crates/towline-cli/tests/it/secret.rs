//! Planted keys appear in no output: every command, every fault, as loud as can be.

use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use towline_sim::{Fault, Reply, Rule, Script, Simulator, SseEvent};

/// Keys of several shapes, all of which must stay unseen.
const KEYS: [&str; 4] = [
    "sk-planted-openai-0123456789abcdef",
    "planted.header.value.0123456789",
    "planted-embedding-key-0123456789",
    "planted-proxy-password",
];

const COMMANDS: [&[&str]; 13] = [
    &["chat", "-vv", "Hi"],
    &["chat", "-vv", "--no-stream", "Hi"],
    &["chat", "-vv", "--json", "Hi"],
    &["chat", "-vv", "--json", "--no-stream", "Hi"],
    &["validate", "-vv"],
    &["validate", "-vv", "--json"],
    &["models", "-vv"],
    &["models", "-vv", "--json"],
    &["embed", "-vv", "Hi"],
    &["config", "show", "-vv", "--sources"],
    &["config", "show", "-vv", "--json"],
    &["config", "check", "-vv"],
    &["simulate", "-vv", "--key", KEYS[0], "--script", "gone.json"],
];

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
        Rule::any().fault(Fault::in_band_error(2, error.clone())),
        Rule::any().fault(Fault::ResetHead),
        Rule::any().fault(Fault::CutAfterEvents(2)),
        Rule::any().fault(Fault::CleanEndAfterEvents(2)),
        Rule::any().fault(Fault::MalformedJson(1)),
        Rule::any().fault(Fault::BadUtf8AfterEvents(1)),
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
        // What fails is tried again, and nobody wants to wait for that here.
        Program::at(base_url)
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

/// Runs every command of `program` and looks for every key.
async fn search(program: &Program, about: &str) {
    for args in COMMANDS {
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
        search(&programs(&sim.base_url())[0], &about).await;
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
            search(&program, &about).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_setting_does_not_show_the_key_beside_it() {
    let key = KEYS[0];
    let password = KEYS[3];
    let wrong = [
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
    ];
    for (n, program) in wrong.iter().enumerate() {
        search(program, &format!("wrong setting {n}")).await;
    }
    let set = format!("towline.openai.api_kee={key}");
    let program = Program::at("http://localhost:1");
    let ended = program.run(&["chat", "--set", &set, "Hi"]).await.expect(2);
    assert!(
        ended.stderr.contains("api_kee") && !ended.stderr.contains(key),
        "{ended:?}"
    );
}

#[tokio::test]
async fn the_simulator_does_not_show_its_keys_or_those_it_is_sent() {
    for key in KEYS {
        let args = ["simulate", "-vv", "--listen", "127.0.0.1:0", "--key", key];
        let mut child = Program::bare().command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base_url = lines.next_line().await.unwrap().unwrap();
        let right = Program::at(&base_url).env("OPENAI_API_KEY", key);
        search(&right, "the right key").await;
        right.run(&["chat", "Hi"]).await.expect(0);
        let wrong = Program::at(&base_url).env("OPENAI_API_KEY", "sk-planted-another-0123456789");
        search(&wrong, "a wrong key").await;
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
    let key = KEYS[0];
    let key_is = format!("--key={key}");
    let listen = ["--listen", "nowhere"];
    let wrong: [&[&str]; 6] = [
        &["simulate", key],
        &["simulate", key, "--json"],
        &["simulate", "--key", key, key],
        &["simulate", "--listen", key],
        &["simulate", &key_is, listen[0], listen[1]],
        &["chat", "--json", "--temperature", key],
    ];
    for args in wrong {
        let ended = Program::bare().run(args).await.expect(2);
        let shown = ended.stdout.contains(key) || ended.stderr.contains(key);
        assert!(!shown, "{args:?}: {ended:?}");
    }
}
