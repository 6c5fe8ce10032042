//! Another deployment, where one turned the call away or failed.

mod aside;
#[cfg(feature = "retry")]
mod retried;

use super::{NAMES, SECOND};
use crate::support::{Handle, Upstream, Way, failed, question, upstream};
use std::pin::Pin;
#[cfg(feature = "hedge")]
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
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

fn start(service: &Balance<Upstream>) -> Call {
    task::spawn(Box::pin(service.clone().oneshot(question(false))))
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

#[tokio::test(start_paused = true)]
async fn an_error_in_place_of_the_first_event_says_so_too() {
    for way in Way::BOTH {
        let (service, mut handles) = over::<2>(way);
        let mut call = call(&service, question(true));
        assert_pending!(call.poll());
        let feed = asked(&mut handles).1.stream();
        feed.fail(ErrorKind::Overloaded);
        let mut answer = assert_ready_ok!(call.poll());
        let error = answer.body_mut().next().await.unwrap().unwrap_err();
        assert!(error.has_sibling(), "{way:?}");
    }
}

#[cfg(feature = "hedge")]
#[tokio::test(start_paused = true)]
async fn hg3_a_call_that_is_turned_away_does_not_go_where_its_hedge_is() {
    use towline_layers::hedge::{HedgeLayer, HedgePolicy};
    for way in Way::BOTH {
        let (service, mut handles) = over::<2>(way);
        let policy = HedgePolicy::default().with_delay(SECOND);
        let hedge = tower::Layer::layer(&HedgeLayer::new(policy), service);
        let mut call: Call = task::spawn(Box::pin(hedge.oneshot(question(true))));
        assert_pending!(call.poll());
        let (_, first) = asked(&mut handles);
        advance(SECOND).await;
        assert_pending!(call.poll());
        let (_, second) = asked(&mut handles);
        first.answer(Err(refusal(ErrorKind::RateLimit)));
        assert_pending!(call.poll());
        assert_eq!(handles.iter().map(Handle::total).sum::<usize>(), 2);
        second.reply("from the hedge");
        assert_ready_ok!(call.poll());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_group_inside_says_of_its_deployments_stays() {
    for way in Way::BOTH {
        for sibling in [true, false] {
            let (service, mut handles) = over::<2>(way);
            let mut call = call(&service, question(false));
            assert_pending!(call.poll());
            let error = failed(ErrorKind::Server).with_deployment("within");
            let error = error.with_sibling(sibling);
            asked(&mut handles).1.answer(Err(error));
            let told = assert_ready_err!(call.poll());
            let deployment = told.deployment().map(ToString::to_string);
            assert_eq!(deployment.as_deref(), Some("within"), "{way:?}");
            assert_eq!(told.has_sibling(), sibling, "{way:?}");
        }
    }
}
