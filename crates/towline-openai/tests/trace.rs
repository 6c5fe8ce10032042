//! What the libraries below log at their most talkative holds no key. In a file of its own: the
//! subscriber is the process's.
#![cfg(test)]

use std::{
    io,
    sync::{Arc, Mutex},
};
use tower::ServiceExt;
use towline_core::{Error, Request, Secret};
use towline_openai::{OpenAi, OpenAiConfig};
use towline_sim::{Fault, Rule, Simulator};
use towline_transport::{Channel, Http2};
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn ask(base_url: String, http2: Http2, stream: bool) -> Result<String, Error> {
    let config = OpenAiConfig::builder(base_url.clone())
        .api_key(Secret::new("planted-key-0123456789"))
        .header("x-extra", "planted-extra-0123456789")
        .build()?;
    let channel = Channel::builder(base_url).http2(http2).build()?;
    let request = Request::new("m", "Hi").with_stream(stream);
    let answer = OpenAi::new(config, channel).oneshot(request).await?;
    Ok(answer.collect().await?.text().into_owned())
}

#[tokio::test]
async fn no_key_is_logged_at_trace_level() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let faults = [
        None,
        Some(Fault::status(401)),
        Some(Fault::status(429)),
        Some(Fault::status(500)),
        Some(Fault::CutAfterEvents(2)),
        Some(Fault::CleanEndAfterEvents(2)),
        Some(Fault::MalformedJson(1)),
        Some(Fault::BadUtf8AfterEvents(1)),
    ];
    let mut failures = 0;
    for fault in faults {
        let sim = Simulator::start().await.unwrap();
        if let Some(fault) = fault {
            sim.on(Rule::any().fault(fault));
        }
        for (http2, stream) in [
            (Http2::Never, false),
            (Http2::Never, true),
            (Http2::PriorKnowledge, false),
            (Http2::PriorKnowledge, true),
        ] {
            if let Err(error) = ask(sim.base_url(), http2, stream).await {
                failures += 1;
                tracing::trace!("{} {error:?}", error.report());
            }
        }
    }
    assert!(failures > 8, "the faults were felt: {failures}");
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(
        text.contains("TRACE") && text.len() > 10_000,
        "{} bytes of log",
        text.len()
    );
    assert!(!text.contains("planted"), "a key was logged");
}
