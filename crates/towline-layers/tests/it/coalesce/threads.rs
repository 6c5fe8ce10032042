//! Callers on several threads.

use crate::support::{question, upstream};
use futures_core::Stream;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::Barrier;
use tower::{Layer, ServiceExt, service_fn};
use towline_core::{Body, Error, Event, FinishReason, Head, Request, Response};
use towline_layers::coalesce::CoalesceLayer;

const PIECES: usize = 200;

/// Gives a piece of text each second time it is polled, and wakes from a task of its own in between.
struct Uneven {
    given: usize,
    wait: bool,
}

impl Stream for Uneven {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.wait = !self.wait;
        if self.wait {
            let waker = cx.waker().clone();
            let _task = tokio::task::spawn_blocking(move || waker.wake());
            return Poll::Pending;
        }
        self.given += 1;
        Poll::Ready(Some(Ok(match self.given {
            given if given > PIECES => Event::Finish(FinishReason::Stop),
            _ => Event::Text("x".into()),
        })))
    }
}

fn uneven(request: &Request) -> Response {
    let events = Uneven {
        given: 0,
        wait: false,
    };
    Response::new(Head::new("upstream", request.model()), Body::stream(events))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn co2_on_several_threads_no_reader_is_forgotten() {
    let model = service_fn(|request: Request| async move {
        tokio::task::yield_now().await;
        Ok::<_, Error>(uneven(&request))
    });
    let service = CoalesceLayer::new().layer(model);
    for _ in 0..20 {
        let start = Arc::new(Barrier::new(16));
        let mut readers = tokio::task::JoinSet::new();
        for leaves_after in 0..16_usize {
            let (service, start) = (service.clone(), Arc::clone(&start));
            readers.spawn(async move {
                start.wait().await;
                let mut answer = service.oneshot(question(true)).await.unwrap();
                if leaves_after % 2 == 1 {
                    // He leaves in the middle.
                    for _ in 0..leaves_after * 10 {
                        answer.body_mut().next().await.unwrap().unwrap();
                    }
                    return None;
                }
                Some(answer.collect().await.unwrap().text().len())
            });
        }
        while let Some(read) = readers.join_next().await {
            assert!(read.unwrap().is_none_or(|length| length == PIECES));
        }
        assert_eq!(service.under_way(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn co1_on_several_threads_there_is_one_call() {
    let (model, mut handle) = upstream();
    let service = CoalesceLayer::new().layer(model);
    let start = Arc::new(Barrier::new(17));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (service, start) = (service.clone(), Arc::clone(&start));
        callers.spawn(async move {
            let call = service.oneshot(question(false));
            let mut call = std::pin::pin!(call);
            // Polled once before the answer can be there.
            let first = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            assert!(first.is_pending());
            start.wait().await;
            call.await.unwrap().collect().await.unwrap()
        });
    }
    start.wait().await;
    handle.next().await.reply("one");
    while let Some(answer) = callers.join_next().await {
        assert_eq!(answer.unwrap().text(), "one");
    }
    assert_eq!((handle.total(), service.under_way()), (1, 0));
}
