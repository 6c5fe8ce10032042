//! A key in a file that is replaced while calls go out.

use crate::fixture::settings;
use std::{fs, path::Path, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use towline::Client;
use towline_core::{Error, task};
use towline_sim::Simulator;

const KEYS: [&str; 2] = ["planted-key-one", "planted-key-two"];

/// Calls in a second, and how many there are.
const RATE: u64 = 200;
const CALLS: usize = 600;

/// Puts the file in place as Kubernetes does: whole, by a rename.
fn put(path: &Path, key: &str) {
    let new = path.with_extension("new");
    fs::write(&new, format!("{key}\n")).unwrap();
    fs::rename(new, path).unwrap();
}

async fn call(client: Client, prompt: String) -> Result<(), Error> {
    client.complete(prompt).await.map(drop)
}

/// The key of the call with this prompt.
fn key_of(sim: &Simulator, prompt: &str) -> Option<String> {
    let journal = sim.journal();
    let sent = journal.iter().find(|exchange| {
        let body = exchange.json().unwrap_or_default();
        body.to_string().contains(&format!("\"{prompt}\""))
    });
    Some(sent?.bearer()?.to_owned())
}

#[tokio::test]
async fn no_call_fails_while_the_key_rotates_and_the_next_one_has_the_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    put(&path, KEYS[0]);
    let sim = Simulator::builder().key(KEYS[0]).key(KEYS[1]);
    let sim = sim.journal_limit(2 * CALLS).start().await.unwrap();
    let file = format!("towline.openai.api_key_file={}", path.display());
    let client = towline::connect(&settings(&sim.base_url(), &[&file]))
        .await
        .unwrap();

    let mut tick = interval(Duration::from_millis(1000 / RATE));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = Vec::with_capacity(CALLS);
    let mut marks = Vec::new();
    for number in 0..CALLS {
        tick.tick().await;
        let prompt = format!("call {number}.");
        if number % 25 == 24 {
            let key = KEYS[(number / 25 + 1) % 2];
            put(&path, key);
            marks.push((prompt.clone(), key));
            // The call after the change is sent before anything else happens.
            call(client.clone(), prompt).await.unwrap();
        } else {
            calls.push(task::spawn(call(client.clone(), prompt)));
        }
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(sim.journal().len(), CALLS);
    for (prompt, key) in marks {
        assert_eq!(key_of(&sim, &prompt).as_deref(), Some(key), "{prompt}");
    }
    client.close().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_emptied_leaves_the_key_in_use_and_is_named_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    put(&path, KEYS[0]);
    let sim = Simulator::builder().key(KEYS[0]).start().await.unwrap();
    let file = format!("towline.openai.api_key_file={}", path.display());
    let client = towline::connect(&settings(&sim.base_url(), &[&file]))
        .await
        .unwrap();
    fs::write(&path, "").unwrap();
    client.complete("Hi").await.unwrap();

    put(&path, "planted-key-that-is-wrong");
    let error = client.complete("Hi").await.unwrap_err();
    assert!(!error.report().to_string().contains("planted"));
    fs::write(&path, "").unwrap();
    let error = client.complete("Hi").await.unwrap_err();
    assert!(
        error.message().unwrap().contains("is empty; the key"),
        "{error}"
    );
}
