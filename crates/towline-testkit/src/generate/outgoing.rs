//! Sends generated requests and keeps what goes out.

use super::requests;
use crate::{
    corpus::{Answer, Canned, watch::now},
    setting::setting,
};
use http::HeaderMap;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use std::{cell::Cell, fs};
use tower::ServiceExt as _;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Request, Response};

/// How many generated requests went out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outgoing {
    /// Sent, and their bodies were JSON.
    pub sent: usize,
    /// Refused before sending, as something that the provider cannot do.
    pub refused: usize,
}

/// Sends `cases` generated requests to one of `models` through the service that `connect` makes of a
/// transport. The requests are the same in every run.
///
/// Each body that goes out is written to the folder that `TOWLINE_REQUESTS_OUT` names, where it is
/// set, under `label` and a number.
///
/// # Panics
///
/// When a request is sent more than once or with a body that is no JSON object, or fails before
/// sending for another reason than that it cannot be said.
pub fn send<S>(
    label: &str,
    models: &'static [&'static str],
    cases: u32,
    connect: impl Fn(Canned) -> S,
) -> Outgoing
where
    S: Service<Request, Response = Response, Error = Error>,
{
    let folder = setting("TOWLINE_REQUESTS_OUT");
    let (sent, refused) = (Cell::new(0), Cell::new(0));
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let checked = runner.run(&requests(models), |request| {
        let Some(body) = body(&connect, request) else {
            refused.set(refused.get() + 1);
            return Ok(());
        };
        if let Some(folder) = &folder {
            let path = format!("{folder}/{label}-{:04}.json", sent.get());
            // A folder that cannot be written to is noticed by whoever counts the files.
            let _written = fs::write(path, body);
        }
        sent.set(sent.get() + 1);
        Ok(())
    });
    #[expect(clippy::panic, reason = "a check that fails has to fail its test")]
    if let Err(failure) = checked {
        panic!("{failure}");
    }
    Outgoing {
        sent: sent.get(),
        refused: refused.get(),
    }
}

/// The body that went out, `None` where the request was refused.
fn body<S>(connect: impl Fn(Canned) -> S, request: Request) -> Option<bytes::Bytes>
where
    S: Service<Request, Response = Response, Error = Error>,
{
    let canned = Canned::new(&Answer::ok(HeaderMap::new(), "{}")).recording();
    // What becomes of the answer, which is none, is of no interest.
    let answered = now(connect(canned.clone()).oneshot(request));
    let sent = canned.sent();
    assert!(sent.len() < 2, "sent {} times", sent.len());
    let Some(sent) = sent.into_iter().next() else {
        let error = answered.err();
        let kind = error.as_ref().map(Error::kind);
        let kinds = [ErrorKind::Unsupported, ErrorKind::InvalidRequest];
        assert!(
            kind.is_some_and(|kind| kinds.contains(&kind)),
            "not sent: {error:?}"
        );
        return None;
    };
    let json: Result<Value, _> = serde_json::from_slice(sent.body());
    assert!(
        json.is_ok_and(|body| body.is_object()),
        "the body is no JSON object"
    );
    Some(sent.into_body())
}
