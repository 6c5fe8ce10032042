//! Whether a key shows in logs or errors, with the libraries below at their most talkative.
//!
//! The subscriber is the process's, so a test with it has a file of its own.

use std::{
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
};
use towline_core::Error;
use towline_sim::{Fault, Rule, Simulator};
use towline_transport::Http2;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

/// The key that a test gives to its client.
pub const KEY: &str = "planted-key-0123456789";

/// The value of a header of its own that a test gives to its client.
pub const EXTRA: &str = "planted-extra-0123456789";

/// How one call is to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// Where the simulator is, without a path.
    pub origin: String,
    /// Whether HTTP/2 is to be used.
    pub http2: Http2,
    /// Whether the answer is to be streamed.
    pub stream: bool,
}

/// Keeps all that this process logs, at every level, and the errors of the calls that failed.
#[derive(Clone, Debug, Default)]
pub struct Log {
    logged: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

/// Writes into a [`Log`].
#[derive(Debug)]
pub struct Pen(Arc<Mutex<Vec<u8>>>);

// === impl Log ===

impl Log {
    /// Begins to listen, for as long as the process lives.
    ///
    /// # Panics
    ///
    /// Where something else listens already.
    #[must_use]
    pub fn listen() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(log.clone())
            .init();
        log
    }

    /// Makes calls with `ask`, whole and streamed, over HTTP/1 and HTTP/2, to a server that does all
    /// sorts of wrong things and sends the keys back as the ids of calls.
    ///
    /// # Errors
    ///
    /// Where the simulator does not start.
    ///
    /// # Cancel safety
    ///
    /// When it is dropped, the call that runs is given up; what was logged is kept.
    pub async fn provoke<F, A>(&self, ask: A) -> Result<(), Error>
    where
        A: Fn(Call) -> F,
        F: Future<Output = Result<(), Error>>,
    {
        for fault in faults() {
            let sim = Simulator::start().await?;
            let rule = Rule::any()
                .fault(Fault::Header("x-request-id".to_owned(), KEY.to_owned()))
                .fault(Fault::Header("request-id".to_owned(), EXTRA.to_owned()));
            sim.on(fault.into_iter().fold(rule, Rule::fault));
            for (http2, stream) in [
                (Http2::Never, false),
                (Http2::Never, true),
                (Http2::PriorKnowledge, false),
                (Http2::PriorKnowledge, true),
            ] {
                let origin = sim.origin();
                let call = Call {
                    origin,
                    http2,
                    stream,
                };
                if let Err(error) = ask(call).await {
                    self.keep(&error);
                }
            }
        }
        Ok(())
    }

    /// Holds that there was something to see, and no key in it. The caller builds its transport with
    /// HTTP/2, whose library is the one that logs.
    ///
    /// # Panics
    ///
    /// Where a key shows, the faults were not felt, or nothing was logged.
    pub fn assert_no_key(&self) {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let felt = |error: &&String| error.contains("***");
        let ids = errors.iter().filter(felt).count();
        assert!(ids > 16, "of {} errors {ids} have an id", errors.len());
        for error in errors.iter() {
            assert!(!error.contains("planted"), "a key in an error: {error}");
        }
        let logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&logged);
        let much = text.contains("TRACE") && text.len() > 10_000;
        assert!(much, "{} bytes of log", text.len());
        let shown: Vec<&str> = text.lines().filter(|l| l.contains("planted")).collect();
        assert!(shown.is_empty(), "a key was logged: {shown:#?}");
    }

    /// Every way in which an error is printed.
    fn keep(&self, error: &Error) {
        let mut text = String::new();
        let _never_fails = write!(text, "{error} {error:?} {error:#?} {}", error.report());
        let id = error.request_id().unwrap_or_default();
        let _never_fails = write!(text, " {id}");
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.push(text);
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Pen;

    fn make_writer(&'a self) -> Pen {
        Pen(Arc::clone(&self.logged))
    }
}

// === impl Pen ===

impl io::Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn faults() -> Vec<Option<Fault>> {
    vec![
        None,
        Some(Fault::status(401)),
        Some(Fault::status(429)),
        Some(Fault::status(500)),
        Some(Fault::CutAfterEvents(2)),
        Some(Fault::CleanEndAfterEvents(2)),
        Some(Fault::MalformedJson(1)),
        Some(Fault::BadUtf8AfterEvents(1)),
        Some(Fault::in_band_status(1, 500)),
    ]
}
