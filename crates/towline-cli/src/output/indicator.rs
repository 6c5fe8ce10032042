//! A sign of life while nothing arrives.

use super::{Output, to_stderr};
use std::time::Duration;
use tokio::time::{Instant, Interval, interval_at};

/// Draws on standard error while it is waited for something, if that is a terminal.
///
/// It is wiped out when the wait is over, and when the wait is given up.
#[derive(Debug)]
pub(crate) struct Indicator {
    enabled: bool,
    label: &'static str,
    frame: usize,
    drawn: bool,
    /// From the last time that something was printed on.
    ticks: Option<Interval>,
}

/// A wait shorter than this needs no sign.
const QUIET: Duration = Duration::from_millis(400);

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

// === impl Indicator ===

impl Indicator {
    pub(crate) const fn new(output: &Output) -> Self {
        Self {
            enabled: output.notices_on_terminal() && !output.json(),
            label: "waiting",
            frame: 0,
            drawn: false,
            ticks: None,
        }
    }

    /// Says what is waited for from now on.
    pub(crate) const fn label(&mut self, label: &'static str) {
        self.label = label;
    }

    /// Waits for `future`.
    pub(crate) async fn during<T>(&mut self, future: impl Future<Output = T>) -> T {
        if !self.enabled {
            return future.await;
        }
        let mut future = std::pin::pin!(future);
        loop {
            let ticks = self.ticks.get_or_insert_with(|| {
                interval_at(Instant::now() + QUIET, Duration::from_millis(100))
            });
            tokio::select! {
                biased;
                output = &mut future => return output,
                _ = ticks.tick() => self.draw(),
            }
        }
    }

    /// Takes it away, before something else is printed.
    pub(crate) fn wipe(&mut self) {
        self.ticks = None;
        if std::mem::take(&mut self.drawn) {
            to_stderr("\r\x1b[K");
        }
    }

    fn draw(&mut self) {
        let frame = FRAMES.get(self.frame % FRAMES.len()).unwrap_or(&"");
        self.frame += 1;
        self.drawn = true;
        let label = self.label;
        to_stderr(&format!("\r\x1b[K{frame} {label} "));
    }
}

impl Drop for Indicator {
    fn drop(&mut self) {
        self.wipe();
    }
}
