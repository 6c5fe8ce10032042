//! Finds out how many calls a target bears at once.
//!
//! A [`Controller`] is told when calls start and how they end, and says how many may be under way. It
//! has no clock and does not wait: the layer of the feature `concurrency` drives one, and a limiter
//! can drive another.
//!
//! By default it goes by loss: the limit grows by one per round trip while calls succeed, and is cut
//! by a tenth when the target says that it has too much to do. How long answers take is no measure:
//! with a model that is the length of the answer. What congestion does change is the time to the first
//! token, and [`Gradient`] goes by that too. It is off unless asked for: one client sees little of a
//! provider's queue.
//!
//! - The limit stays within its bounds.
//! - It is cut at most once per round trip: the failure of a call that began before the last cut is
//!   old news.
//! - It does not grow while less than half of it is used.
//!
//! # Examples
//!
//! ```
//! use tokio::time::Instant;
//! use towline_layers::adaptive::{Adaptive, Controller, Signal};
//!
//! # fn main() -> Result<(), towline_core::Error> {
//! let adaptive = Adaptive::builder().min(2).initial(10).max(100).build()?;
//! let mut controller = Controller::new(adaptive);
//! let now = Instant::now();
//! let flights: Vec<_> = (0..10).map(|_| controller.on_start(now)).collect();
//! for flight in flights {
//!     controller.on_end(flight, Signal::Loss);
//! }
//! assert_eq!(controller.limit(), 9, "ten failures of one round trip are one loss");
//! # Ok(())
//! # }
//! ```

mod config;
mod controller;
mod signal;
mod window;

pub use self::{
    config::{Adaptive, AdaptiveBuilder, Gradient},
    controller::{Controller, Flight},
    signal::Signal,
};

#[cfg(test)]
mod tests;
