//! A server that is stopped without losing an answer: on Ctrl-C or SIGTERM it takes no new calls, and
//! answers that are under way are written to their end.
//!
//! `cargo run -p towline --example shutdown --features full`, then in another terminal
//! `curl -N -d 'Say hello.' http://127.0.0.1:8080/ask`, and Ctrl-C in the first one while it answers.
//! `curl http://127.0.0.1:8080/health` says whether new calls are welcome. The answers come from the
//! built-in simulator unless `LLM_MODEL` and a key are in the environment.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use axum::{
    Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_core::Stream;
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::net::TcpListener;
use towline::{
    Client,
    config::Loader,
    core::{self, Event},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?;
    let app = Router::new()
        .route("/ask", post(ask))
        .route("/health", get(health))
        .with_state(client.clone());
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let closing = core::task::spawn(close_at_signal(client));
    axum::serve(listener, app)
        .with_graceful_shutdown(signal())
        .await?;
    closing.await;
    Ok(())
}

/// Two things end together: axum takes no new connections and waits for those that it has, and the
/// client takes no new calls and waits for its own, streams included, for `drain.timeout` at most.
/// What has not ended then is ended, and so axum does not wait for ever either.
async fn close_at_signal(client: Client) {
    signal().await;
    println!("closing");
    match client.close().await {
        Ok(()) => println!("all calls have ended"),
        Err(error) => println!("{error}"),
    }
}

/// Ready when the program is asked to stop.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate() => {}
    }
}

/// Kubernetes and Docker ask with SIGTERM.
#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending().await
}

/// Whether new calls are welcome: a balancer in front stops sending when they are not.
async fn health(State(client): State<Client>) -> StatusCode {
    match client.is_closed() {
        false => StatusCode::OK,
        true => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Asks what the body says, and sends the answer as it comes. A reader who leaves drops the answer,
/// which closes the exchange with the provider.
async fn ask(State(client): State<Client>, question: String) -> Response {
    match client.stream(question).await {
        Ok(answer) => Body::from_stream(Words(answer.into_body())).into_response(),
        Err(error) => (status(&error), error.to_string()).into_response(),
    }
}

fn status(error: &core::Error) -> StatusCode {
    match error.kind() {
        core::ErrorKind::Closed | core::ErrorKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        core::ErrorKind::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        core::ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        core::ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// The text of an answer, piece by piece. An answer that breaks off breaks the connection off too, so
/// that nobody takes it for a whole one.
struct Words(core::Body);

impl Stream for Words {
    type Item = Result<String, core::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let event = ready!(Pin::new(&mut self.0).poll_next(cx));
            match event {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(Event::Text(text))) => return Poll::Ready(Some(Ok(text.to_string()))),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// The configured model, or a slow simulator where nothing is configured.
async fn connect() -> Result<Client, Box<dyn Error>> {
    let settings = Loader::new().process_env().discover().load()?;
    Ok(match settings.llm()? {
        Some(_) => towline::connect(&settings).await?,
        None => towline::simulated().await?,
    })
}
