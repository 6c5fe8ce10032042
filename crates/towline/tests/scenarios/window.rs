//! Prompts that are too long for some of the targets.

use crate::support::{Model, SECOND, client_of, failed, whole};
use towline_core::{Context, ErrorKind, Journey, Request, Step};

/// One that finds every prompt too long.
fn small() -> Model {
    Model::new(|_| async { Err(failed(ErrorKind::ContextLength)) })
}

/// A question for `model` whose tokens the caller has counted, and its record.
fn counted(model: &str, tokens: u64) -> (Request, Journey) {
    let journey = Journey::new();
    let context = Context::new().with_token_estimate(tokens);
    let context = context.with_journey(journey.clone());
    (Request::new(model, "Hi").with_context(context), journey)
}

#[tokio::test(start_paused = true)]
async fn fb2_a_prompt_that_was_too_long_is_not_sent_to_a_model_known_by_name_to_be_smaller() {
    let (first, second, third) = (small(), small(), Model::answering(SECOND));
    let keys = [
        "providers.first.model=gpt-4o",
        "providers.second.model=gpt-4",
        "providers.third.model=gpt-4-turbo",
        "providers.third.context_window=200000",
        "fallback=second,third",
    ];
    let client = client_of(&[&first, &second, &third], &keys).await;
    client.complete("Hi").await.unwrap();
    assert_eq!((first.calls(), second.calls(), third.calls()), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn fb2_a_first_model_known_by_name_to_be_too_small_is_passed_over() {
    let keys = [
        "providers.first.model=gpt-4",
        "providers.second.model=gpt-4o",
        "fallback=second",
    ];
    // The window is that of the configured model, and not of another that the caller asks for.
    for (model, tokens, calls) in [
        ("", 8_000, (1, 0)),
        ("", 9_000, (0, 1)),
        ("gpt-5", 9_000, (1, 0)),
    ] {
        let models = [(); 2].map(|()| Model::new(|_| async { Ok(whole("a")) }));
        let client = client_of(&[&models[0], &models[1]], &keys).await;
        let (request, journey) = counted(model, tokens);
        client.call(request).await.unwrap();
        let asked = (models[0].calls(), models[1].calls());
        assert_eq!(asked, calls, "{model} {tokens}");
        let passed = journey.steps().iter().any(|step| {
            let kind = ErrorKind::ContextLength;
            matches!(step, Step::Moved { layer: "fallback", kind: why, .. } if *why == kind)
        });
        assert_eq!(passed, calls.0 == 0, "the record says why");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_what_is_configured_goes_before_what_is_known_by_name() {
    let keys = [
        "providers.first.model=gpt-4",
        "providers.first.context_window=32768",
        "providers.second.model=gpt-4o",
        "fallback=second",
    ];
    let models = [(); 2].map(|()| Model::new(|_| async { Ok(whole("a")) }));
    let client = client_of(&[&models[0], &models[1]], &keys).await;
    client.call(counted("", 9_000).0).await.unwrap();
    assert_eq!((models[0].calls(), models[1].calls()), (1, 0));
}
