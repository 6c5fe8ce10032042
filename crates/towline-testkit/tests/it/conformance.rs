use std::panic::catch_unwind;
use towline_testkit::{
    client::{ScriptedClient, Turn},
    conformance::{Check, Dialect, run},
};

/// A client that never asks its server.
async fn deaf() -> ScriptedClient {
    ScriptedClient::new().otherwise(|_| Turn::text("something else"))
}

#[test]
fn a_client_that_never_asks_its_server_passes_no_check() {
    // Whether a dropped call reaches the server would be waited for until patience ends.
    let checks = Check::ALL
        .into_iter()
        .filter(|check| *check != Check::Cancellation);
    let passed: Vec<Check> = checks
        .filter(|check| {
            let make = |_: String, _: Option<towline_core::Secret>| deaf();
            catch_unwind(|| run(*check, Dialect::OpenAi, make)).is_ok()
        })
        .collect();
    assert_eq!(passed, []);
}
