//! What follows on a deployment that did not answer.

use super::asked::Asked;
use tokio::time::Instant;
use towline_core::{Error, Metered, error::Elsewhere};

/// The request, for another deployment. Absent where there is none.
#[derive(Debug)]
pub(super) struct Spare<Req>(Option<Req>);

/// What follows.
#[derive(Debug)]
pub(super) enum After<Req> {
    /// Another deployment is asked.
    Ask(Req),
    /// This is told.
    Fail(Error),
}

// === impl Spare ===

impl<Req: Metered + Clone> Spare<Req> {
    /// Of `request` to one of so many deployments.
    pub(super) fn of(request: &Req, deployments: usize) -> Self {
        Self((deployments > 1).then(|| request.clone()))
    }

    /// What follows on `error` of the call that was `asked`. What a layer of ours turned away was not
    /// sent: another deployment gets it, if one takes calls. All else is told, and whether another could
    /// be asked.
    #[cold]
    pub(super) fn after<S>(&mut self, error: Error, mut asked: Asked<'_, S>) -> After<Req> {
        asked.fail(&error);
        let error = asked.sign(error);
        let (Some(request), Some(name)) = (&mut self.0, asked.name()) else {
            return After::Fail(error);
        };
        request.context_mut().avoid(name.clone());
        if !asked.shared().has_other(request, Instant::now()) {
            return After::Fail(error);
        }
        if was_kept(&error) {
            return After::Ask(request.clone());
        }
        let is_its = error.deployment() == Some(name);
        After::Fail(error.with_sibling(is_its))
    }
}

/// Whether it was not sent, and another deployment might take it. Not so where the time of the call is over.
fn was_kept(error: &Error) -> bool {
    let elsewhere = error.kind().elsewhere() != Elsewhere::No;
    error.refused_by().is_some() && error.clock().is_none() && elsewhere
}
