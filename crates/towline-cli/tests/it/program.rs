//! Runs the program.

use serde_json::Value;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};
use towline_sim::Simulator;

/// The program in a folder of its own, with nothing in its environment but what a test puts there.
pub(crate) struct Program {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// With nothing configured.
    pub(crate) fn bare() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            env: Vec::new(),
        }
    }

    /// With `sim` as the provider.
    pub(crate) fn with(sim: &Simulator) -> Self {
        Self::at(&sim.base_url())
    }

    /// With a provider at `base_url`.
    pub(crate) fn at(base_url: &str) -> Self {
        Self::bare()
            .env("LLM_MODEL", "openai/sim-chat")
            .env("OPENAI_BASE_URL", base_url)
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a file to the folder it runs in.
    pub(crate) fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder.path().join(name), contents).unwrap();
        self
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_towline"));
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().await.unwrap())
    }

    pub(crate) async fn run_with_input(&self, args: &[&str], input: &str) -> Ended {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read its input is no fault of the test.
        let _written = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        Ended::of(child.wait_with_output().await.unwrap())
    }
}

impl Ended {
    pub(crate) fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as one JSON value on one line.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}
