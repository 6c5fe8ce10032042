//! The signals that end a program or a call.

use tokio::signal::ctrl_c;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the program shall end: on Ctrl-C if `by_interrupt`, and, if `by_termination`, when
/// the terminal is closed or somebody asks the program to terminate.
pub(crate) async fn ended(by_interrupt: bool, by_termination: bool) {
    tokio::select! {
        () = interrupted(), if by_interrupt => {}
        () = terminated(), if by_termination => {}
        else => std::future::pending().await,
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
