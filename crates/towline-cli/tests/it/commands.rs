//! The other commands.

use crate::program::Program;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use towline_sim::{Fault, Rule, Simulator};

#[tokio::test]
async fn validate_says_what_is_good_or_wrong() {
    let sim = Simulator::builder()
        .key("sk-good-0123456789")
        .model("sim-chat")
        .start()
        .await
        .unwrap();
    let good = Program::with(&sim).env("OPENAI_API_KEY", "sk-good-0123456789");
    let ended = good.run(&["validate"]).await.expect(0);
    // At another address than OpenAI's the list may be open to all.
    assert!(
        ended
            .stdout
            .starts_with("openai: address and model sim-chat are good; the key was not tested"),
        "{ended:?}"
    );
    let verdict = good.run(&["validate", "--json"]).await.expect(0).json();
    assert_eq!(
        (&verdict["verified"], &verdict["model"]),
        (&json!(false), &json!("sim-chat"))
    );

    let wrong_key = Program::with(&sim).env("OPENAI_API_KEY", "sk-bad-0123456789");
    let ended = wrong_key.run(&["validate"]).await.expect(1);
    assert!(
        ended.stderr.contains("key (environment OPENAI_API_KEY)"),
        "{ended:?}"
    );
    let ended = good
        .run(&["validate", "--set", "towline.llm.model=openai/sim-chit"])
        .await;
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("did you mean sim-chat?"), "{ended:?}");
    let error = good
        .run(&["validate", "--json", "-Dtowline.llm.model=openai/x"])
        .await
        .expect(1);
    assert_eq!(error.json()["error"]["kind"], "not_found");
}

#[tokio::test]
async fn validate_is_honest_about_what_it_cannot_know() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::status(501)));
    let ended = Program::with(&sim).run(&["validate"]).await.expect(0);
    assert!(
        ended.stdout.contains("reachable, could not be verified"),
        "{ended:?}"
    );
    let verdict = Program::with(&sim)
        .run(&["validate", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!(verdict["verified"], false);
    assert!(verdict["reason"].is_string());
}

#[tokio::test]
async fn models_are_listed_one_per_line() {
    let sim = Simulator::builder()
        .model("b")
        .model("a")
        .start()
        .await
        .unwrap();
    let program = Program::with(&sim);
    assert_eq!(program.run(&["models"]).await.expect(0).stdout, "b\na\n");
    let list = program.run(&["models", "--json"]).await.expect(0).json();
    assert_eq!(list[1]["id"], "a");
    assert_eq!(list[1].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn embed_prints_a_vector_per_text() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim).env("EMBEDDING_MODEL", "openai/sim-embedding");
    let ended = program.run(&["embed", "one", "two"]).await.expect(0);
    let vectors: Vec<Vec<f32>> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(vectors.len(), 2);
    assert_ne!(vectors[0], vectors[1]);

    let whole = program
        .run_with_input(&["embed", "--json"], "one\ntwo\n")
        .await
        .expect(0)
        .json();
    assert_eq!(whole["vectors"].as_array().unwrap().len(), 1);
    assert!(whole["usage"]["input_tokens"].is_u64(), "{whole}");
    assert_eq!(whole["provider"], "openai");
    assert_eq!(whole["cost_usd"], json!(null));
    // A dollar a token.
    let prices = "openai/sim-embedding = input 1000000";
    let program = program.env("TOWLINE_PRICES", prices);
    let priced = program
        .run(&["embed", "--json", "one"])
        .await
        .expect(0)
        .json();
    let tokens = priced["usage"]["input_tokens"].as_f64();
    assert_eq!(priced["cost_usd"], json!(tokens), "{priced}");
    let lines = program
        .run_with_input(&["embed", "--lines"], "one\ntwo\n")
        .await
        .expect(0);
    assert_eq!(lines.stdout.lines().count(), 2);

    let sized = program
        .run(&["embed", "--dimensions", "8", "one"])
        .await
        .expect(0);
    let vector: Vec<f32> = serde_json::from_str(&sized.stdout).unwrap();
    assert_eq!(vector.len(), 8);
}

#[tokio::test]
async fn embed_needs_no_other_model_and_says_when_its_own_is_missing() {
    let sim = Simulator::start().await.unwrap();
    let alone = Program::bare().env("OPENAI_BASE_URL", sim.base_url());
    alone
        .run(&["embed", "-m", "openai/sim-embedding", "one"])
        .await
        .expect(0);
    let ended = Program::with(&sim).run(&["embed", "one"]).await.expect(2);
    assert!(ended.stderr.contains("EMBEDDING_MODEL"), "{ended:?}");
    let ended = Program::bare().run(&["embed", "one"]).await.expect(0);
    assert!(ended.stderr.contains("simulated"), "{ended:?}");
    let ended = alone
        .run(&["embed", "-m", "openai/sim-embedding", " "])
        .await
        .expect(2);
    assert!(ended.stderr.contains("empty"), "{ended:?}");
}

#[tokio::test]
async fn config_is_shown_without_secrets_and_with_sources() {
    let program = Program::bare()
        .env("OPENAI_API_KEY", "sk-planted-0123456789")
        .file("towline.toml", "[towline.llm]\nmodel = \"openai/gpt-4o\"\n");
    let ended = program.run(&["config", "show"]).await.expect(0);
    assert!(
        ended.stdout.contains("towline.llm.model = openai/gpt-4o\n"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("towline.openai.api_key = ***\n"),
        "{ended:?}"
    );
    let ended = program
        .run(&["config", "show", "--sources"])
        .await
        .expect(0);
    assert!(
        ended.stdout.contains("= openai/gpt-4o (towline.toml)"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("= *** (environment OPENAI_API_KEY)"),
        "{ended:?}"
    );
    let list = program
        .run(&["config", "show", "--json"])
        .await
        .expect(0)
        .json();
    let keys: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["key"])
        .collect();
    assert!(keys.contains(&&json!("towline.llm.model")), "{list}");
}

#[tokio::test]
async fn config_check_tells_all_faults_at_once() {
    let ended = Program::bare().run(&["config", "check"]).await.expect(0);
    assert!(ended.stdout.contains("nothing is configured"), "{ended:?}");
    let good = Program::bare()
        .env("LLM_MODEL", "vllm/m")
        .env("VLLM_BASE_URL", "http://localhost:1/v1");
    let ended = good.run(&["config", "check"]).await.expect(0);
    assert_eq!(ended.stdout, "the settings are good: m of vllm\n");

    let toml = "[towline.llm]\nmodle = \"x\"\n[towline.timeouts]\nrequest = \"soon\"\n";
    let ended = Program::bare()
        .file("towline.toml", toml)
        .run(&["config", "check"])
        .await;
    let ended = ended.expect(2);
    assert!(
        ended.stderr.contains("did you mean towline.llm.model"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("towline.timeouts.request"),
        "{ended:?}"
    );
    let ended = Program::bare()
        .run(&["config", "check", "--config", "gone.toml"])
        .await
        .expect(2);
    assert!(ended.stderr.contains("gone.toml"), "{ended:?}");
}

#[tokio::test]
async fn simulate_answers_until_it_is_told_to_end() {
    let script = r#"{"rules": [{"respond": {"text": "From the script."}}]}"#;
    let program = Program::bare().file("script.json", script);
    let args = [
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--script",
        "script.json",
        "--key",
        "sk-sim-0123456789",
        "-v",
    ];
    let mut child = program.command(&args).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let base_url = lines.next_line().await.unwrap().unwrap();
    assert!(
        base_url.starts_with("http://127.0.0.1:") && base_url.ends_with("/v1"),
        "{base_url}"
    );

    let keyless = Program::at(&base_url).run(&["chat", "Hi"]).await.expect(1);
    assert!(keyless.stderr.contains("401"), "{keyless:?}");
    let client = Program::at(&base_url).env("OPENAI_API_KEY", "sk-sim-0123456789");
    assert_eq!(
        client.run(&["chat", "Hi"]).await.expect(0).stdout,
        "From the script.\n"
    );

    crate::signal::send(&child, nix::sys::signal::Signal::SIGTERM);
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(0), "that is its proper end");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("POST /v1/chat/completions"), "{told}");
    assert!(!told.contains("sk-sim"), "{told}");
}

#[tokio::test]
async fn simulate_tells_what_is_wrong_with_a_script() {
    let program = Program::bare().file("script.json", r#"{"rules": [{"tmies": 1}]}"#);
    let ended = program
        .run(&["simulate", "--script", "script.json"])
        .await
        .expect(2);
    assert!(ended.stderr.contains("tmies"), "{ended:?}");
    let ended = program
        .run(&["simulate", "--script", "gone.json"])
        .await
        .expect(2);
    assert!(ended.stderr.contains("gone.json"), "{ended:?}");
}

#[tokio::test]
async fn pages_and_completions_are_printed() {
    let program = Program::bare();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = program.run(&["completions", shell]).await.expect(0);
        assert!(ended.stdout.contains("towline") && ended.stdout.contains("validate"));
    }
    let page = program.run(&["man"]).await.expect(0).stdout;
    assert!(page.contains(".TH") && page.contains("simulate"), "{page}");
    let page = program.run(&["man", "chat"]).await.expect(0).stdout;
    assert!(page.contains("no\\-stream"), "{page}");
    program.run(&["man", "nothing"]).await.expect(2);
}

#[tokio::test]
async fn a_wrong_use_is_told_with_the_right_one() {
    let program = Program::bare();
    program.run(&[]).await.expect(2);
    program.run(&["chta"]).await.expect(2);
    let ended = program.run(&["chat", "--temprature", "1"]).await.expect(2);
    assert!(ended.stderr.contains("--temperature"), "{ended:?}");
    program
        .run(&["chat", "--temperature", "NaN", "Hi"])
        .await
        .expect(2);
    program
        .run(&["chat", "--max-tokens", "0", "Hi"])
        .await
        .expect(2);
    let ended = program
        .run(&["chat", "--set", "towline.llm.modle=x", "Hi"])
        .await
        .expect(2);
    assert!(
        ended.stderr.contains("did you mean towline.llm.model"),
        "{ended:?}"
    );
    let ended = program.run(&["--help"]).await.expect(0);
    assert!(ended.stdout.contains("simulate"), "{ended:?}");
    let ended = program.run(&["--version"]).await.expect(0);
    assert!(ended.stdout.starts_with("towline "), "{ended:?}");
}

/// Five providers, of which one refuses its key and one lacks its address.
fn many(sim: &Simulator) -> Program {
    Program::bare()
        .env("LLM_MODEL", "openai/sim-chat")
        .env("OPENAI_BASE_URL", sim.base_url())
        .env("OPENAI_API_KEY", "sk-good-0123456789")
        .env("ANTHROPIC_API_KEY", "sk-good-0123456789")
        .env("ANTHROPIC_BASE_URL", sim.origin())
        .env("GROQ_API_KEY", "sk-bad-0123456789")
        .env("GROQ_BASE_URL", sim.base_url())
        .file(
            "towline.toml",
            "[towline.providers.spare]\nprovider = 'vllm'\nmodel = 'm'\n",
        )
}

#[tokio::test]
async fn validate_all_says_of_each_provider_whether_it_is_good() {
    let sim = Simulator::builder()
        .key("sk-good-0123456789")
        .model("sim-chat");
    let sim = sim.start().await.unwrap();
    let ended = many(&sim).run(&["validate", "--all"]).await.expect(1);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "anthropic: reachable, could not be verified: no model is chosen"
    );
    assert!(lines[1].starts_with("groq: failed: "), "{ended:?}");
    assert!(
        lines[2].starts_with("openai: address and model sim-chat are good"),
        "{ended:?}"
    );
    assert!(lines[3].starts_with("spare: failed: "), "{ended:?}");
    assert!(lines[3].contains("base URL"), "{ended:?}");
    assert!(!ended.stdout.contains("sk-bad"), "{ended:?}");

    let list = many(&sim).run(&["validate", "--all", "--json"]).await;
    let list = list.expect(1).json();
    assert_eq!(list[0]["model"], json!(null));
    assert_eq!(list[1]["error"]["kind"], "auth");
    assert_eq!(list[2]["error"], json!(null));
    assert_eq!(list[3]["error"]["kind"], "config");
}

#[tokio::test]
async fn models_all_says_whose_each_model_is() {
    let sim = Simulator::builder()
        .key("sk-good-0123456789")
        .model("sim-chat");
    let sim = sim.start().await.unwrap();
    let ended = many(&sim).run(&["models", "--all"]).await.expect(1);
    assert_eq!(ended.stdout, "anthropic/sim-chat\nopenai/sim-chat\n");
    assert!(ended.stderr.contains("groq: "), "{ended:?}");
    assert!(ended.stderr.contains("spare: "), "{ended:?}");
    let list = many(&sim).run(&["models", "--all", "--json"]).await;
    let list = list.expect(1).json();
    assert_eq!(list[0]["models"][0]["id"], "sim-chat");
    assert_eq!(list[1]["error"]["kind"], "auth");

    let good = Program::with(&sim).env("OPENAI_API_KEY", "sk-good-0123456789");
    let ended = good.run(&["models", "--all"]).await.expect(0);
    assert_eq!(ended.stdout, "openai/sim-chat\n");
}

#[tokio::test]
async fn what_has_no_effect_is_told_by_every_command_once_and_leaves_the_answer_alone() {
    let sim = Simulator::start().await.unwrap();
    let toml = "[towline.metrics]\nenabled = true\n[towline.tracing]\nmode = \"langfuse\"\n";
    let program = Program::with(&sim)
        .env("OPENAI_API_KEY", "k")
        .file("towline.toml", toml);
    let line = "warning: no effect in this version: towline.metrics.enabled, towline.tracing.mode";
    for args in [
        &["chat", "Hi"][..],
        &["chat", "-v", "Hi"],
        &["chat", "--json", "Hi"],
        &["models"],
        &["config", "check"],
        &["config", "show", "--json"],
    ] {
        let ended = program.run(args).await.expect(0);
        let told = ended.stderr.lines().filter(|told| *told == line);
        assert_eq!(told.count(), 1, "{args:?}: {ended:?}");
        assert!(!ended.stdout.contains("no effect"), "{ended:?}");
    }
    let nothing = Program::bare().file("towline.toml", toml);
    let ended = nothing.run(&["chat", "Hi"]).await.expect(0);
    assert_eq!(ended.stderr.matches("no effect").count(), 1, "{ended:?}");
}

#[tokio::test]
async fn a_variable_without_effect_that_others_read_too_is_told_where_the_settings_are_checked() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim)
        .env("OPENAI_API_KEY", "k")
        .env("TRACING_MODE", "langfuse");
    let ended = program.run(&["chat", "Hi"]).await.expect(0);
    assert_eq!(ended.stderr, "");
    let line =
        "warning: no effect in this version: towline.tracing.mode (from environment TRACING_MODE)";
    for args in [&["config", "check"][..], &["chat", "-v", "Hi"]] {
        let ended = program.run(args).await.expect(0);
        assert!(ended.stderr.contains(line), "{args:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_file_that_an_option_names_is_told_with_the_option_and_before_anything_else() {
    let program = Program::bare();
    for (args, option) in [
        (&["chat", "--image", "/nonexistent", "Hi"][..], "--image"),
        (&["simulate", "--script", "/nonexistent"], "--script"),
        (&["chat", "--config", "/nonexistent.toml", "Hi"], "--config"),
    ] {
        let ended = program.run(args).await.expect(2);
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains("there is no such file"), "{ended:?}");
        assert!(
            ended
                .stderr
                .contains(&format!("from {option}: check the path")),
            "{ended:?}"
        );
    }
}
