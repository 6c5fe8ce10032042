//! What is written down of a call that a layer turned away.

use towline_core::{Context, Error, Step};

/// Writes down that `layer` turned the call of `context` away, or did not make it again, for `error`.
#[cold]
pub(crate) fn note(context: &Context, layer: &'static str, error: &Error) {
    if let Some(journey) = context.journey() {
        journey.push(Step::Refused {
            layer,
            kind: error.kind(),
            retry_after: error.retry_after(),
        });
    }
}
