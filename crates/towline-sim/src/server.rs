//! The listening side: accepts connections and drives them.

mod body;
mod handler;
mod tap;
#[cfg(test)]
mod tests;

use self::tap::{Tap, TapIo};
use crate::{
    dialect::{Memory, Settings},
    journal::{ConnectionTicket, Journal, lock},
    rule::Rules,
};
use hyper::{rt::Executor, service::service_fn};
use hyper_util::{rt::TokioIo, server::conn::auto};
use std::{
    future,
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use towline_core::task::{self, Task};

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What all connections of a simulator share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) journal: Arc<Journal>,
    pub(crate) rules: Rules,
    pub(crate) settings: Settings,
    pub(crate) memory: Memory,
    pub(crate) stop: Notify,
}

/// Keeps the tasks it spawns, so that they end with it.
#[derive(Clone, Debug, Default)]
struct Tasks {
    running: Arc<Mutex<Vec<Task<()>>>>,
}

/// Accepts connections until [`Shared::stop`] is notified, then ends them all.
///
/// # Cancel safety
///
/// Dropping the future aborts every connection.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>) {
    let tasks = Tasks::default();
    let mut stopped = pin!(shared.stop.notified());
    loop {
        let accepted = future::poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            listener.poll_accept(cx).map(Some)
        });
        match accepted.await {
            None => break,
            Some(Ok((socket, _))) => {
                prepare(&socket);
                let ticket = shared.journal.connect();
                tasks.spawn(connection(socket, ticket, Arc::clone(&shared)));
            }
            // The client was gone before it was accepted, or no descriptor is free for now.
            Some(Err(_)) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    tasks.stop().await;
}

/// A server that leaves small writes to be gathered answers bursts 40 ms late.
fn prepare(socket: &TcpStream) {
    // A refusal means a dead socket, which its connection is about to notice.
    let _refused = socket.set_nodelay(true);
}

async fn connection(socket: TcpStream, ticket: ConnectionTicket, shared: Arc<Shared>) {
    let tap = Arc::new(Tap::default());
    let streams = Tasks::default();
    let service = service_fn(|request| {
        let (shared, tap) = (Arc::clone(&shared), Arc::clone(&tap));
        Box::pin(handler::serve(shared, tap, ticket.id(), request))
    });
    let io = TokioIo::new(TapIo::new(socket, Arc::clone(&tap)));
    let server = auto::Builder::new(streams.clone());
    let mut http = pin!(server.serve_connection(io, service));
    future::poll_fn(|cx| {
        if tap.poll_end(cx).is_ready() {
            return Poll::Ready(());
        }
        // An error here is the end of the connection, which the journal tells per exchange.
        http.as_mut().poll(cx).map(drop)
    })
    .await;
    streams.stop().await;
}

// === impl Tasks ===

impl Tasks {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut running = lock(&self.running);
        // Swept only when the list is about to grow, so that the sweep costs little per task.
        if running.len() == running.capacity() {
            running.retain(|task| !task.is_finished());
        }
        running.push(task::spawn(future));
    }

    async fn stop(&self) {
        let running = std::mem::take(&mut *lock(&self.running));
        running.iter().for_each(Task::abort);
        for task in running {
            let _aborted = task.await;
        }
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}
