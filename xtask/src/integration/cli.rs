//! The command line, as a person or a script uses it.

use super::{
    Bench, KEY,
    suite::{Verdict, quietly},
};
use crate::context::{self, Stop};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

/// More tokens than any check waits for.
const MANY: u64 = 1900;

/// One check: what holds, and how to find out.
type Check = (&'static str, fn(&Cli<'_>) -> Result<(), String>);

const CHECKS: &[Check] = &[
    ("chat answers", chat_answers),
    (
        "chat streams, and reads its prompt from standard input",
        chat_reads_standard_input,
    ),
    ("chat --json prints one object", chat_json),
    ("models lists what the server has", models),
    ("validate finds nothing wrong", validate),
    ("a wrong key is told and not shown", wrong_key),
    (
        "too long a conversation is told with both numbers",
        context_overflow,
    ),
    ("a path that is not there is told", unknown_path),
    ("embeddings that are switched off are told", embeddings_off),
    (
        "a server that is not there is an error, and no simulator",
        nobody_listens,
    ),
    ("Ctrl-C stops the server", interrupt),
    ("a reader that leaves stops the server", closed_pipe),
    ("closing the terminal stops the server", closed_terminal),
];

/// The program, and the server that it is pointed to.
struct Cli<'a> {
    bench: &'a Bench<'a>,
    program: PathBuf,
}

/// A program that runs. It ends with the check that started it.
struct Running(Child);

/// Builds the program and runs every check, also after one failed.
pub(super) fn run(bench: &Bench<'_>) -> Result<Verdict, Stop> {
    quietly(
        bench
            .context
            .cargo(&["build", "--quiet"])
            .args(["-p", "towline-cli"]),
    )?;
    let cli = Cli {
        bench,
        program: bench.context.target.join("debug").join("towline"),
    };
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if let Err(reason) = check(&cli) {
            eprintln!("{name} ... FAILED: {reason}");
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        return Ok(Verdict::Passed(CHECKS.len()));
    }
    Err(Stop::Failed(failed.join("; ")))
}

fn chat_answers(cli: &Cli<'_>) -> Result<(), String> {
    let output = cli.run(&[
        "chat",
        "--no-stream",
        "--max-tokens",
        "20",
        "Say something.",
    ])?;
    exits(&output, 0)?;
    hold(!text(&output).trim().is_empty(), || {
        "prints nothing".to_owned()
    })
}

fn chat_reads_standard_input(cli: &Cli<'_>) -> Result<(), String> {
    let output = cli.run_with_input(&["chat", "--max-tokens", "20"], "Say something.\n")?;
    exits(&output, 0)?;
    hold(!text(&output).trim().is_empty(), || {
        "prints nothing".to_owned()
    })
}

fn chat_json(cli: &Cli<'_>) -> Result<(), String> {
    for more in [&[][..], &["--no-stream"]] {
        let mut words = vec!["chat", "--json", "--max-tokens", "20", "Say something."];
        words.extend(more);
        let output = cli.run(&words)?;
        exits(&output, 0)?;
        let object = json(&output)?;
        let text = at(&object, "/text").as_str();
        let found = [
            ("model", *at(&object, "/model") == "tiny"),
            ("finish_reason", *at(&object, "/finish_reason") == "length"),
            ("text", text.is_some_and(|text| !text.is_empty())),
            ("usage", *at(&object, "/usage/output_tokens") == 20),
            ("latency_ms", at(&object, "/latency_ms").is_number()),
        ];
        let wrong = found.into_iter().find(|(_, good)| !good);
        hold(wrong.is_none(), || format!("{wrong:?} in {object}"))?;
    }
    Ok(())
}

fn models(cli: &Cli<'_>) -> Result<(), String> {
    let output = cli.run(&["models"])?;
    exits(&output, 0)?;
    hold(text(&output).contains("tiny"), || {
        format!("prints {:?}", text(&output))
    })
}

fn validate(cli: &Cli<'_>) -> Result<(), String> {
    exits(&cli.run(&["validate"])?, 0)
}

fn wrong_key(cli: &Cli<'_>) -> Result<(), String> {
    let mut command = cli.command(&["chat", "--json", "Hello?"]);
    command.env("OPENAI_API_KEY", "sk-not-the-key-4711");
    let output = finish(command)?;
    fails_with(&output, "auth", Some(401))?;
    let shown = all(&output);
    hold(!shown.contains("4711"), || {
        format!("shows the key: {shown}")
    })
}

fn context_overflow(cli: &Cli<'_>) -> Result<(), String> {
    let long = "hello ".repeat(3000);
    for more in [&[][..], &["--no-stream"]] {
        let words = [&["chat", "--json"], more].concat();
        let output = cli.run_with_input(&words, &long)?;
        let message = fails_with(&output, "context_length", Some(400))?;
        let numbers = message.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
        let both = numbers.contains(&2048) && numbers.iter().any(|n| *n > 10_000);
        hold(both, || format!("not both numbers: {message}"))?;
    }
    Ok(())
}

fn unknown_path(cli: &Cli<'_>) -> Result<(), String> {
    let mut command = cli.command(&["chat", "--json", "Hello?"]);
    let url = format!("{}/nowhere", cli.bench.plain.base_url());
    command.env("OPENAI_BASE_URL", url);
    fails_with(&finish(command)?, "not_found", Some(404)).map(drop)
}

fn embeddings_off(cli: &Cli<'_>) -> Result<(), String> {
    let output = cli.run(&["embed", "--json", "--model", "openai/tiny", "Hello?"])?;
    fails_with(&output, "unsupported", Some(501)).map(drop)
}

fn nobody_listens(cli: &Cli<'_>) -> Result<(), String> {
    let mut command = cli.command(&["chat", "--json", "Hello?"]);
    // Port 9 is reserved for a service that throws everything away; here nobody offers it.
    command.env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    fails_with(&finish(command)?, "transport", None).map(drop)
}

fn interrupt(cli: &Cli<'_>) -> Result<(), String> {
    stops(cli, |cli| {
        let mut child = cli.stream()?;
        read_some(&mut child)?;
        let pid = child.0.id().to_string();
        let kill = Command::new("kill").args(["-INT", &pid]).status();
        kill.map_err(|error| format!("kill: {error}"))?;
        let status = child.0.wait().map_err(|error| error.to_string())?;
        match status.code() {
            Some(130) => Ok(true),
            // It was done before the signal came.
            Some(0) => Ok(false),
            _ => Err(format!("ends with {status}")),
        }
    })
}

fn closed_pipe(cli: &Cli<'_>) -> Result<(), String> {
    stops(cli, |cli| {
        let mut child = cli.stream()?;
        read_some(&mut child)?;
        drop(child.0.stdout.take());
        child.0.wait().map_err(|error| error.to_string())?;
        Ok(true)
    })
}

fn closed_terminal(cli: &Cli<'_>) -> Result<(), String> {
    stops(cli, |cli| {
        let program = cli.program.to_string_lossy().into_owned();
        let mut command = cli.bench.python.program();
        command
            .arg(cli.bench.python.asset("terminal.py"))
            .arg("20")
            .arg(program);
        command.args(["chat", "--max-tokens", &MANY.to_string(), "Go on."]);
        cli.point(&mut command);
        let output = finish(command)?;
        hold(output.status.success(), || all(&output))?;
        Ok(true)
    })
}

/// The server has to stop with the program, before all tokens are made. It makes them in a second or two:
/// on a busy machine it may be done before the program gets its turn to leave, so that is tried again. A
/// program that does not stop the server is not better off for it. `end` says whether it was in time, as far
/// as it knows.
fn stops(cli: &Cli<'_>, end: impl Fn(&Cli<'_>) -> Result<bool, String>) -> Result<(), String> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        if stops_in_time(cli, &end)? {
            return Ok(());
        }
    }
    Err(format!(
        "the server made all {MANY} tokens, {TRIES} times in a row"
    ))
}

/// Whether the server stopped before it was done.
fn stops_in_time(
    cli: &Cli<'_>,
    end: impl Fn(&Cli<'_>) -> Result<bool, String>,
) -> Result<bool, String> {
    let server = &cli.bench.plain;
    server.becomes_idle()?;
    let before = server.tokens()?;
    let in_time = end(cli)?;
    server.becomes_idle()?;
    let made = server.tokens()?.saturating_sub(before);
    hold(made > 0, || "the server was never asked".to_owned())?;
    Ok(in_time && made < MANY)
}

/// Waits until the program has shown something of its answer.
fn read_some(child: &mut Running) -> Result<(), String> {
    let stdout = child.0.stdout.as_mut().ok_or("no output")?;
    let mut some = [0; 8];
    stdout
        .read_exact(&mut some)
        .map_err(|error| format!("no answer: {error}"))
}

// === impl Running ===

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

// === impl Cli ===

impl Cli<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        self.point(&mut command);
        command
    }

    /// Points a program to the server, in a folder and an environment that say nothing else.
    fn point(&self, command: &mut Command) {
        let path = context::variable("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("TERM", "dumb")
            .env("HOME", &self.bench.empty)
            .env("LLM_MODEL", "openai/tiny")
            .env("OPENAI_BASE_URL", self.bench.plain.base_url())
            .env("OPENAI_API_KEY", KEY)
            .current_dir(&self.bench.empty)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    fn run(&self, words: &[&str]) -> Result<Output, String> {
        finish(self.command(words))
    }

    fn run_with_input(&self, words: &[&str], input: &str) -> Result<Output, String> {
        let mut command = self.command(words);
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut stdin = child.stdin.take().ok_or("no input")?;
        stdin
            .write_all(input.as_bytes())
            .map_err(|error| format!("standard input: {error}"))?;
        drop(stdin);
        silent(
            child
                .wait_with_output()
                .map_err(|error| error.to_string())?,
        )
    }

    /// A long answer that was asked for.
    fn stream(&self) -> Result<Running, String> {
        let mut command = self.command(&["chat", "--max-tokens", &MANY.to_string(), "Go on."]);
        command.stderr(Stdio::null());
        let child = command.spawn().map_err(|error| error.to_string())?;
        Ok(Running(child))
    }
}

fn finish(mut command: Command) -> Result<Output, String> {
    silent(command.output().map_err(|error| error.to_string())?)
}

/// No output of any check shows the key.
fn silent(output: Output) -> Result<Output, String> {
    let shown = all(&output);
    hold(!shown.contains(KEY), || format!("shows the key: {shown}"))?;
    Ok(output)
}

fn exits(output: &Output, code: i32) -> Result<(), String> {
    let found = output.status.code();
    hold(found == Some(code), || {
        format!("exit code {found:?}: {}", all(output))
    })
}

/// The error object on stdout, and exit code 1; returns the message.
fn fails_with(output: &Output, kind: &str, status: Option<u16>) -> Result<String, String> {
    exits(output, 1)?;
    let object = json(output)?;
    let (found, told) = (at(&object, "/error/kind"), at(&object, "/error/status"));
    let good = *found == kind && *told == serde_json::json!(status);
    hold(good, || {
        format!("expected {kind} {status:?}, found {object}")
    })?;
    let message = at(&object, "/error/message").as_str();
    Ok(message.unwrap_or_default().to_owned())
}

fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

fn json(output: &Output) -> Result<Value, String> {
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("stdout is no JSON ({error}): {}", all(output)))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn all(output: &Output) -> String {
    format!(
        "{}{}",
        text(output),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn hold(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}
