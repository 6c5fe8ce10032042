//! A slot that is taken.

use super::Slots;
use crate::adaptive::{Flight, Signal};
use std::sync::Arc;
use towline_core::{Ending, Error, Event, Moment, Usage, Watch};

/// A slot. It is free again when this is dropped.
pub(in crate::concurrency) struct Permit {
    slots: Arc<Slots>,
    /// What an adaptive limit knows of the call.
    flight: Option<Flight>,
    signal: Signal,
    begun: bool,
}

// === impl Permit ===

impl Permit {
    pub(super) const fn new(slots: Arc<Slots>, flight: Option<Flight>) -> Self {
        Self {
            slots,
            flight,
            signal: Signal::Ignored,
            begun: false,
        }
    }

    /// The call failed: what that says of the target.
    pub(in crate::concurrency) fn fail(&mut self, error: &Error) {
        self.signal = Signal::of_error(error);
    }
}

impl Watch for Permit {
    fn on_event(&mut self, event: &Event, moment: &Moment) -> Result<(), Error> {
        if !self.begun && event.is_content() {
            self.begun = true;
            if let Some(flight) = &self.flight {
                self.slots.first_token(flight, moment.now());
            }
        }
        Ok(())
    }

    fn on_end(&mut self, ending: Ending<'_>, _usage: Option<&Usage>, _moment: &Moment) {
        self.signal = Signal::of_ending(&ending);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.slots.release(self.flight.take(), self.signal);
    }
}
