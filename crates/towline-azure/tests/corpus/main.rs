//! Azure against recorded exchanges.
//!
//! The recordings are no part of this tree: see `towline_testkit::corpus`.
#![cfg(test)]

use serde_json::Value;
use std::future::Future;
use tokio::runtime::Builder;
use tower::{Service as _, ServiceExt as _};
use towline_azure::{Azure, AzureConfig, Surface};
use towline_core::{Completion, EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, Request};
use towline_openai::Api;
use towline_testkit::corpus::{
    Canned, Case, Corpus, Difference, Expected, ExpectedAnswer, Splits, Suite, compare,
    compare_error,
};

#[test]
fn corpus_cases_of_azure_go_out_and_come_back_as_recorded() {
    let Some(corpus) = Corpus::open() else { return };
    let mut cases = corpus.cases().unwrap();
    cases.retain(|case| case.provider == "azure");
    let mut suite = Suite::new("azure", &corpus, cases.len());
    let mut filtered = 0;
    for case in &cases {
        let mut differences = match case.api.as_str() {
            "embeddings" => embeddings(case),
            "chat" | "responses" => completion(case, &mut filtered),
            other => panic!("{}: nothing is known of the interface {other}", case.id),
        };
        differences.extend(sent_differently(case));
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    suite.note(format!(
        "{filtered} errors under status 200, of which the SDK makes empty answers"
    ));
    suite.finish();
    assert_eq!(
        filtered, 3,
        "prompts that the filter stopped under status 200"
    );
}

/// A client as whoever recorded the case had one.
fn client(case: &Case, http: Canned) -> Azure<Canned> {
    let path = case.request.path.as_str();
    let config = AzureConfig::builder("http://corpus.invalid");
    let config = match path.split_once("api-version=") {
        Some((_, version)) => config.api_version(version),
        None => config,
    };
    let config = if path.starts_with("/models/") {
        config.surface(Surface::Models)
    } else {
        config
    };
    let api = if case.api == "responses" {
        Api::Responses
    } else {
        Api::Chat
    };
    Azure::new(config.api(api).build().unwrap(), http)
}

/// The deployment: in the path, or the model of the body.
fn deployment(case: &Case) -> String {
    let rest = case.request.path.strip_prefix("/openai/deployments/");
    let name = rest.and_then(|rest| rest.split('/').next());
    name.map_or_else(|| case.model(), str::to_owned)
}

fn ask(case: &Case) -> Request {
    Request::new(deployment(case).as_str(), "ask").with_stream(case.stream)
}

async fn complete(mut azure: Azure<Canned>, request: Request) -> Result<Completion, Error> {
    azure.call(request).await?.collect().await
}

async fn embed(azure: Azure<Canned>, case: &Case) -> Result<EmbeddingResponse, Error> {
    let body: Value = serde_json::from_str(&case.request.body).unwrap();
    let count = body["input"].as_array().map_or(1, Vec::len);
    let request = EmbeddingRequest::new(deployment(case).as_str(), vec!["text"; count]);
    azure.oneshot(request).await
}

/// Whether the call goes to another place than the recorded one.
fn sent_differently(case: &Case) -> Option<Difference> {
    let http = Canned::new(&case.answer).recording();
    let azure = client(case, http.clone());
    if case.api == "embeddings" {
        drop(now(embed(azure, case)));
    } else {
        drop(now(complete(azure, ask(case))));
    }
    let sent = http.sent();
    let uri = sent
        .first()
        .map(|request| request.uri().to_string())
        .unwrap_or_default();
    let recorded = case.request.path.as_str();
    // One recording has lost its query.
    let uri = match (uri.split_once('?'), recorded.contains('?')) {
        (Some((path, _)), false) => path.to_owned(),
        _ => uri,
    };
    (uri != recorded).then(|| Difference::new("address", recorded, uri))
}

fn completion(case: &Case, filtered: &mut usize) -> Vec<Difference> {
    let canned = Canned::new(&case.answer);
    let whole = now(complete(client(case, canned.clone()), ask(case)));
    let mut differences = match (&case.expected, &whole) {
        (Some(Expected::Answer(expected)), Err(error)) if is_filtered(case, expected) => {
            *filtered += 1;
            let kind = error.kind();
            let right = kind == ErrorKind::ContentFilter;
            let wrong = || Difference::new("kind", "content_filter", kind.as_str());
            (!right).then(wrong).into_iter().collect()
        }
        (Some(Expected::Answer(expected)), Ok(found)) => {
            let mut expected = expected.clone();
            expected.choices = None;
            let mut differences = compare(found, &expected, canonical);
            // The SDK gives no reasoning of a response.
            differences.retain(|found| case.api != "responses" || found.field != "reasoning");
            differences
        }
        (Some(Expected::Error(expected)), Err(error)) => compare_error(error, expected),
        (expected, found) => vec![Difference::new(
            "result",
            format!("{expected:?}"),
            format!("{found:?}"),
        )],
    };
    let whole = format!("{whole:?}");
    let frames = Splits::bytes(&case.answer.body);
    let split = now(complete(
        client(case, canned.with_frames(frames)),
        ask(case),
    ));
    let split = format!("{split:?}");
    if split != whole {
        differences.push(Difference::new("byte by byte", whole, split));
    }
    differences
}

/// Azure's filter answers with an error object under status 200; the SDK makes an empty success of
/// it. Here it is an error.
fn is_filtered(case: &Case, expected: &ExpectedAnswer) -> bool {
    let body = case.answer.json().unwrap_or_default();
    case.answer.status == 200 && expected.choices == Some(0) && body.get("error").is_some()
}

/// The canonical name of a reason, written down a second time, independent of the client's table.
fn canonical(word: &str, called: bool) -> String {
    match word {
        "stop" | "completed" if called => "tool_calls",
        "completed" => "stop",
        word => word,
    }
    .to_owned()
}

fn embeddings(case: &Case) -> Vec<Difference> {
    let body = case.answer.json().unwrap_or_default();
    let status = case.answer.status;
    match now(embed(client(case, Canned::new(&case.answer)), case)) {
        Ok(found) => {
            let expected = body["data"].as_array().map_or(0, Vec::len);
            let tokens = body.pointer("/usage/prompt_tokens").and_then(Value::as_u64);
            let expected = format!("{expected} vectors, {tokens:?} tokens");
            let tokens = found.usage().and_then(|usage| usage.input());
            let found = format!("{} vectors, {tokens:?} tokens", found.vectors().len());
            let differs = expected != found;
            differs
                .then(|| Difference::new("embeddings", expected, found))
                .into_iter()
                .collect()
        }
        Err(error) if error.status() == Some(status) && status == 401 => {
            let kind = error.kind();
            let wrong = || Difference::new("kind", "auth", kind.as_str());
            (kind != ErrorKind::Auth).then(wrong).into_iter().collect()
        }
        Err(error) => vec![Difference::new(
            "status",
            status.to_string(),
            error.to_string(),
        )],
    }
}

/// Runs a call that needs no socket.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}
