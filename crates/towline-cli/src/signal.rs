//! The signals that end a program or a call.

use std::time::Duration;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::{signal::ctrl_c, time::sleep};

/// Resolves when the program shall end: on Ctrl-C if `by_interrupt`, and, if `by_termination`, when
/// the terminal is closed or somebody asks the program to terminate.
pub(crate) async fn ended(by_interrupt: bool, by_termination: bool) {
    tokio::select! {
        () = interrupted(), if by_interrupt => {}
        () = terminated(), if by_termination => {}
        else => std::future::pending().await,
    }
}

/// Resolves when nothing shall be waited for any longer: a signal has come, and then another one, or
/// `parting` is over. The first counts if it is Ctrl-C only `by_interrupt`.
pub(crate) async fn insisted(by_interrupt: bool, parting: Option<Duration>) {
    ended(by_interrupt, true).await;
    tokio::select! {
        () = ended(true, true) => {}
        () = sleep(parting.unwrap_or_default()), if parting.is_some() => {}
    }
}

/// Resolves on Ctrl-C. Never where the system does not tell.
pub(crate) async fn interrupted() {
    if ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    let listen = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = listen(SignalKind::terminate()) => {}
        () = listen(SignalKind::hangup()) => {}
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
