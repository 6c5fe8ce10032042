//! Calls that begin at about the same time do so one right after the other.
//!
//! A task that reads an answer and begins the next call runs through all of the code between, and so
//! does the task after it. Where many are at it, each finds the processor's caches filled with what the
//! one before did last. So a call steps back once before it takes a connection: tasks that were woken
//! before go first, so that those whose answers have come read and decode them, and then all of them write.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

/// So many other calls under way are a crowd.
const CROWD: usize = 16;

/// Who has stepped back.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    waiting: AtomicUsize,
}

/// Counts one who has stepped back, until it goes on or is dropped.
struct Waiting<'a>(&'a AtomicUsize);

// === impl Crowd ===

impl Crowd {
    /// Lets others go first, once, if there are many: so many have a connection.
    pub(super) async fn step_back(&self, in_use: usize) {
        if in_use + self.waiting.load(Ordering::Relaxed) >= CROWD {
            let _waiting = Waiting::new(&self.waiting);
            to_the_end().await;
        }
    }
}

/// To the end of the queue of tasks. tokio's `yield_now` waits for the driver on top, which a busy runtime
/// asks once in some sixty polls, and which nobody asks where another executor runs within a task.
async fn to_the_end() {
    let mut stepped = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{CROWD, Crowd};
    use std::{
        future::{Future, poll_fn},
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll, Wake, Waker},
        thread::Thread,
    };
    use tokio_test::{assert_pending, assert_ready, task::spawn};
    use towline_core::task;

    #[test]
    fn few_calls_go_on_at_once() {
        let crowd = Crowd::default();
        assert_ready!(spawn(crowd.step_back(CROWD - 1)).poll());
    }

    #[test]
    fn one_of_many_steps_back_once() {
        let crowd = Crowd::default();
        let mut call = spawn(crowd.step_back(CROWD));
        assert_pending!(call.poll());
        assert!(call.is_woken(), "nobody else has to wake it");
        assert_ready!(call.poll());
    }

    /// Each has given its connection back: nobody has one any more.
    #[test]
    fn those_who_stepped_back_are_still_many() {
        let crowd = Crowd::default();
        let mut calls: Vec<_> = (0..CROWD)
            .map(|done| spawn(crowd.step_back(CROWD - done)))
            .collect();
        for call in &mut calls {
            assert_pending!(call.poll());
        }
    }

    #[test]
    fn one_who_went_on_or_left_is_not_counted() {
        let crowd = Crowd::default();
        let mut gone = spawn(crowd.step_back(CROWD));
        let mut done = spawn(crowd.step_back(CROWD));
        assert_pending!(gone.poll());
        assert_pending!(done.poll());
        assert_eq!(crowd.waiting.load(Ordering::Relaxed), 2);
        drop(gone);
        assert_ready!(done.poll());
        assert_eq!(crowd.waiting.load(Ordering::Relaxed), 0);
    }

    /// Seven tasks have something to do whenever it is their turn: it comes when each had one.
    #[tokio::test]
    async fn on_a_busy_runtime_it_lets_each_go_once() {
        let polls = Arc::new(AtomicUsize::new(0));
        let busy: Vec<_> = (0..7)
            .map(|_| {
                let polls = Arc::clone(&polls);
                task::spawn(poll_fn::<(), _>(move |cx| {
                    polls.fetch_add(1, Ordering::Relaxed);
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }))
            })
            .collect();
        let call = task::spawn({
            let polls = Arc::clone(&polls);
            async move {
                let before = polls.load(Ordering::Relaxed);
                Crowd::default().step_back(CROWD).await;
                polls.load(Ordering::Relaxed) - before
            }
        });
        assert_eq!(call.await, Some(busy.len()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn an_executor_within_a_task_is_not_held_up() {
        let blocked = task::spawn(async {
            let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
            let crowd = Crowd::default();
            let mut call = pin!(crowd.step_back(CROWD));
            while call
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
            {
                std::thread::park();
            }
        });
        assert_eq!(blocked.await, Some(()));
    }

    /// What an executor that blocks its thread waits with.
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
}
