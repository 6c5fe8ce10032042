//! Whatever happens in whatever order, nothing is left behind.

use super::NAMES;
use crate::support::{Exchange, Feed, Handle, Way, failed, paused, question, upstream};
use proptest::prelude::*;
use std::{future::Future, pin::Pin, task::Poll};
use tokio_test::{assert_pending, assert_ready, task};
use tower::ServiceExt;
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    balance::{Balance, Deployment},
    erased::Erased,
};

/// Something that happens to one of the calls under way.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Ask { streamed: bool },
    Answer { which: usize, fails: bool },
    End { which: usize, fails: bool },
    Drop { which: usize },
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let which = 0..8_usize;
    let happening = prop_oneof![
        4 => any::<bool>().prop_map(|streamed| Happening::Ask { streamed }),
        3 => (which.clone(), any::<bool>())
            .prop_map(|(which, fails)| Happening::Answer { which, fails }),
        3 => (which.clone(), any::<bool>())
            .prop_map(|(which, fails)| Happening::End { which, fails }),
        2 => which.prop_map(|which| Happening::Drop { which }),
    ];
    prop::collection::vec(happening, 0..80)
}

type Calling = task::Spawn<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

/// One call, as far as it has come.
struct Call {
    calling: Option<Calling>,
    exchange: Option<Exchange>,
    feed: Option<Feed>,
    response: Option<Response>,
}

impl Call {
    fn poll(&mut self) {
        if let Some(calling) = &mut self.calling
            && let Poll::Ready(result) = calling.poll()
        {
            self.calling = None;
            self.response = result.ok();
        }
    }

    fn answer(&mut self, fails: bool) {
        match self.exchange.take() {
            Some(exchange) if fails => exchange.answer(Err(failed(ErrorKind::Server))),
            Some(exchange) if exchange.request.stream() => self.feed = Some(exchange.stream()),
            Some(exchange) => exchange.reply("well"),
            None => {}
        }
        self.poll();
    }

    async fn end(&mut self, fails: bool) {
        if let (Some(feed), Some(mut response)) = (self.feed.take(), self.response.take()) {
            feed.text("some");
            if fails {
                feed.fail(ErrorKind::Transport);
            } else {
                feed.finish();
            }
            while response.body_mut().next().await.is_some() {}
        }
    }

    /// Whether its answer may still go on.
    fn is_under_way(&self) -> bool {
        self.calling.is_some() || self.feed.is_some()
    }
}

type Model = Erased<Request, Response>;

/// Deployments that the test answers, and the balance of them, called or asked.
fn balanced(way: Way, count: usize) -> (Balance<Model>, Model, Vec<Handle>) {
    let (models, handles): (Vec<_>, Vec<_>) = (0..count).map(|_| upstream()).unzip();
    let named = models.into_iter().zip(NAMES);
    let mut deployments = named.map(|(model, name)| Deployment::new(name, Model::new(model)));
    let first = Balance::new(deployments.next().unwrap());
    let balance = deployments.fold(first, Balance::and);
    let service = match way {
        Way::Called => Model::new(balance.clone()),
        Way::Asked => Model::of(balance.clone()),
    };
    (balance, service, handles)
}

async fn run(way: Way, happenings: &[Happening]) {
    let (balance, service, mut handles) = balanced(way, 3);
    let mut calls: Vec<Call> = Vec::new();
    for happening in happenings {
        match *happening {
            Happening::Ask { streamed } => {
                let calling = Box::pin(service.clone().oneshot(question(streamed)));
                let mut call = Call {
                    calling: Some(task::spawn(calling as _)),
                    exchange: None,
                    feed: None,
                    response: None,
                };
                call.poll();
                call.exchange = handles.iter_mut().find_map(|handle| handle.try_next());
                calls.push(call);
            }
            Happening::Answer { which, fails } => {
                if let Some(call) = calls.get_mut(which) {
                    call.answer(fails);
                }
            }
            Happening::End { which, fails } => {
                if let Some(call) = calls.get_mut(which) {
                    call.end(fails).await;
                }
            }
            Happening::Drop { which } => {
                if which < calls.len() {
                    calls.remove(which);
                }
            }
        }
        let pending: u32 = balance.status().iter().map(|each| each.pending()).sum();
        let under_way = calls.iter().filter(|call| call.is_under_way()).count();
        assert_eq!(usize::try_from(pending).unwrap(), under_way);
    }
    drop(calls);
    assert!(balance.status().iter().all(|each| each.pending() == 0));
    assert!(handles.iter().all(|handle| handle.live() == 0));
}

proptest! {
    #[test]
    fn x1_balance_counts_each_call_from_its_beginning_to_its_end(happenings in happenings()) {
        let runtime = paused();
        for way in Way::BOTH {
            runtime.block_on(run(way, &happenings));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn x3_balance_counts_nobody_who_was_dropped() {
    for (way, steps) in Way::BOTH
        .into_iter()
        .flat_map(|way| (0..5).map(move |n| (way, n)))
    {
        let (balance, service, mut handles) = balanced(way, 1);
        let mut call = task::spawn(service.clone().oneshot(question(true)));
        let mut kept = (None, None);
        if steps > 0 {
            // `oneshot` calls at its first poll.
            assert_pending!(call.poll());
            assert_eq!(balance.status()[0].pending(), 1);
        }
        if steps > 1 {
            kept.0 = Some(handles[0].next().await.stream());
        }
        if steps > 2 {
            kept.1 = Some(assert_ready!(call.poll()).unwrap());
            assert_eq!(balance.status()[0].pending(), 1, "the body is the call");
        }
        if steps > 3
            && let (Some(feed), Some(response)) = &mut kept
        {
            feed.text("first");
            assert!(response.body_mut().next().await.unwrap().is_ok());
        }
        drop(call);
        drop(kept);
        drop(handles[0].try_next());
        assert_eq!(
            balance.status()[0].pending(),
            0,
            "{way:?}, after {steps} steps"
        );
        assert_eq!(handles[0].live(), 0);
    }
}
