//! Another deployment, where one turned the call away or failed.

use super::{NAMES, SECOND};
use crate::support::{Handle, Way, failed, question, upstream};
use std::pin::Pin;
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::ServiceExt;
use towline_core::{Error, ErrorKind, Request, Response, RetrySafety};
use towline_layers::{
    ask::Cloning,
    balance::{Balance, Deployment},
    erased::Erased,
};

type Call = task::Spawn<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

fn balance<S: Clone>(services: Vec<S>) -> Balance<S> {
    let mut deployments = NAMES
        .into_iter()
        .zip(services)
        .map(|(name, service)| Deployment::new(name, service).with_model(name));
    let first = Balance::new(deployments.next().expect("at least one"));
    deployments.fold(first, Balance::and)
}

/// Calls to so many deployments.
fn over<const N: usize>(way: Way) -> (Erased<Request, Response>, [Handle; N]) {
    let (models, handles): (Vec<_>, Vec<_>) = (0..N).map(|_| upstream()).unzip();
    let service = match way {
        Way::Called => Erased::new(balance(models)),
        Way::Asked => {
            let models = models.into_iter().map(Cloning::new).collect();
            Erased::of(balance(models))
        }
    };
    (service, handles.try_into().expect("as many"))
}

fn call(service: &Erased<Request, Response>, request: Request) -> Call {
    task::spawn(Box::pin(service.clone().oneshot(request)))
}

fn refusal(kind: ErrorKind) -> Error {
    failed(kind)
        .with_refused_by("limit")
        .with_retry_after(SECOND * 60)
}

/// The deployment that is asked just now.
fn asked<const N: usize>(handles: &mut [Handle; N]) -> (&'static str, crate::support::Exchange) {
    let mut open = handles.iter_mut().zip(NAMES);
    open.find_map(|(handle, name)| Some((name, handle.try_next()?)))
        .expect("one is asked")
}

#[tokio::test(start_paused = true)]
async fn x6_a_call_that_one_deployment_turns_away_unsent_goes_to_the_others() {
    for way in Way::BOTH {
        for kind in [ErrorKind::RateLimit, ErrorKind::Overloaded] {
            let (service, mut handles) = over::<3>(way);
            let mut call = call(&service, question(false));
            let mut seen = Vec::new();
            for _ in 0..2 {
                assert_pending!(call.poll());
                let (name, exchange) = asked(&mut handles);
                assert_eq!(exchange.request.model(), name, "addressed anew: {way:?}");
                seen.push(name);
                exchange.answer(Err(refusal(kind)));
            }
            assert_pending!(call.poll());
            let (name, exchange) = asked(&mut handles);
            assert!(!seen.contains(&name), "{way:?}");
            exchange.reply("from the third");
            assert_ready_ok!(call.poll());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn x6_a_call_that_all_turn_away_is_told_the_last_refusal_after_each_was_asked_once() {
    for way in Way::BOTH {
        let (service, mut handles) = over::<3>(way);
        let mut call = call(&service, question(false));
        for _ in 0..3 {
            assert_pending!(call.poll());
            asked(&mut handles)
                .1
                .answer(Err(refusal(ErrorKind::RateLimit)));
        }
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.refused_by(), Some("limit"), "{way:?}");
        assert!(!error.has_sibling(), "{way:?}");
        assert!(handles.iter().all(|handle| handle.total() == 1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn x6_a_call_that_must_not_be_sent_twice_goes_on_where_it_was_not_sent() {
    for way in Way::BOTH {
        let (service, mut handles) = over::<2>(way);
        let mut request = question(false);
        *request.context_mut() = request.context().clone().with_retry(RetrySafety::Once);
        let mut call = call(&service, request);
        assert_pending!(call.poll());
        asked(&mut handles)
            .1
            .answer(Err(refusal(ErrorKind::RateLimit)));
        assert_pending!(call.poll());
        asked(&mut handles).1.fail(ErrorKind::Server);
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::Server, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_other_deployment_could_mend_is_told_at_once() {
    let late = || failed(ErrorKind::Timeout).with_clock(towline_core::Clock::Total);
    let errors = [
        (late().with_refused_by("concurrency"), true),
        (failed(ErrorKind::Closed).with_refused_by("drain"), true),
        (
            failed(ErrorKind::InvalidRequest).with_refused_by("guard"),
            true,
        ),
        (failed(ErrorKind::Server), false),
        (failed(ErrorKind::RateLimit), false),
    ];
    for way in Way::BOTH {
        for (error, refused) in &errors {
            let (service, mut handles) = over::<2>(way);
            let mut call = call(&service, question(false));
            assert_pending!(call.poll());
            asked(&mut handles).1.answer(Err(error.duplicate()));
            let told = assert_ready_err!(call.poll());
            assert_eq!(told.refused_by().is_some(), *refused);
            assert_eq!(told.kind(), error.kind());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_says_whether_another_deployment_takes_calls_that_was_not_asked() {
    for way in Way::BOTH {
        let (service, mut handles) = over::<2>(way);
        let mut request = question(false);
        let mut first = call(&service, request.clone());
        assert_pending!(first.poll());
        asked(&mut handles).1.fail(ErrorKind::Server);
        let error = assert_ready_err!(first.poll());
        assert!(error.has_sibling(), "{way:?}");
        let failed = error.deployment().expect("the one that failed").to_owned();
        request.context_mut().avoid(failed);
        let mut second = call(&service, request);
        assert_pending!(second.poll());
        asked(&mut handles).1.fail(ErrorKind::Server);
        assert!(!assert_ready_err!(second.poll()).has_sibling(), "{way:?}");

        let (alone, [mut handle]) = over::<1>(way);
        let mut call = call(&alone, question(false));
        assert_pending!(call.poll());
        handle.next().await.fail(ErrorKind::Server);
        assert!(!assert_ready_err!(call.poll()).has_sibling(), "{way:?}");
    }
}

#[cfg(feature = "retry")]
mod retried {
    use super::*;
    use towline_layers::retry::{RetryLayer, RetryPolicy};

    fn retried<const N: usize>() -> (Call, [Handle; N]) {
        let (service, handles) = over::<N>(Way::Called);
        let policy = RetryPolicy::default().with_max_attempts(3);
        let retry = tower::Layer::layer(&RetryLayer::new(policy), service);
        (
            task::spawn(Box::pin(retry.oneshot(question(false)))),
            handles,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn rt2_a_hint_is_for_the_deployment_that_gave_it() {
        // The second is beyond what a retry waits for.
        for hint in [SECOND * 30, SECOND * 3_600] {
            let (mut call, mut handles) = retried::<2>();
            assert_pending!(call.poll());
            let (first, exchange) = asked(&mut handles);
            let limited = || failed(ErrorKind::RateLimit).with_retry_after(hint);
            exchange.answer(Err(limited()));
            assert_pending!(call.poll());
            advance(SECOND * 5).await;
            assert_pending!(call.poll());
            let (second, exchange) = asked(&mut handles);
            assert_ne!(first, second);
            exchange.answer(Err(limited()));
            if hint > SECOND * 60 {
                assert_eq!(assert_ready_err!(call.poll()).retry_after(), Some(hint));
                continue;
            }
            assert_pending!(call.poll());
            advance(hint - SECOND).await;
            assert_pending!(call.poll());
            assert_eq!(handles.iter().map(Handle::total).sum::<usize>(), 2);
            advance(SECOND * 10).await;
            assert_pending!(call.poll());
            asked(&mut handles).1.reply("in the end");
            assert_ready!(call.poll()).unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rt4_what_one_deployment_can_never_answer_another_of_its_group_may() {
        let never = [ErrorKind::Auth, ErrorKind::Quota, ErrorKind::NotFound];
        for kind in never {
            let (mut call, mut handles) = retried::<2>();
            assert_pending!(call.poll());
            asked(&mut handles).1.fail(kind);
            assert_pending!(call.poll());
            advance(SECOND * 5).await;
            assert_pending!(call.poll());
            asked(&mut handles).1.fail(kind);
            let error = assert_ready_err!(call.poll());
            assert_eq!(error.kind(), kind, "each was asked once");

            let (mut call, [mut alone]) = retried::<1>();
            assert_pending!(call.poll());
            alone.next().await.fail(kind);
            assert_ready_err!(call.poll());
        }
        for kind in [ErrorKind::InvalidRequest, ErrorKind::ContextLength] {
            let (mut call, mut handles) = retried::<2>();
            assert_pending!(call.poll());
            asked(&mut handles).1.fail(kind);
            assert_ready_err!(call.poll());
        }
    }
}
