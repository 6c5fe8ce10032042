//! What a test is told from outside, such as where a real server listens.

/// The environment variable `name`, where it is set, not empty and text.
///
/// This is for tests that only run where somebody has prepared something for them. Such a test says
/// on stderr that it was skipped ([`say`]); libtest shows a skipped test as passed.
#[must_use]
pub fn setting(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the test kit that reads the environment: no settings file speaks to tests"
    )]
    let value = std::env::var_os(name);
    let value = value.filter(|value| !value.is_empty())?;
    value.into_string().ok()
}

/// Writes a line to the real stderr: the test harness captures `eprintln!` of a test that passes,
/// and not this.
pub fn say(line: &str) {
    use std::io::Write as _;
    // A closed stderr is no reason to fail a test.
    let _written = writeln!(std::io::stderr(), "{line}");
}
