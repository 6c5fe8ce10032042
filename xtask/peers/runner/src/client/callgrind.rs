//! Instructions in user space, counted by callgrind.

use crate::Fault;
use std::{ffi::OsString, path::Path, process::Command};

/// Runs `program` under callgrind and returns how many instructions it executed, all threads
/// together and from start to end. Compare two runs to get rid of start and end.
pub(crate) fn instructions(program: &Path, arguments: &[String]) -> Result<u64, Fault> {
    let mut command = Command::new("valgrind");
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env(OsString::from("PATH"), path);
    }
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = command.arg(program).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("under callgrind {} failed: {said}", program.display()).into());
    }
    collected(&said).ok_or_else(|| format!("callgrind did not tell a count: {said}").into())
}

/// Finds the line `==PID== Collected : COUNT`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn finds_the_count() {
        let said = "==7== \n==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== error"), None);
    }
}
