//! What follows on a deployment that did not answer.

use super::asked::Asked;
use towline_core::{Error, Metered, Text, error::Elsewhere};

/// What is needed to ask another deployment.
#[derive(Debug)]
pub(super) struct Spare<Req> {
    /// Absent where there is none.
    request: Option<Req>,
    /// Who turned it away.
    refused: Vec<Text>,
}

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
        Self {
            request: (deployments > 1).then(|| request.clone()),
            refused: Vec::new(),
        }
    }

    /// What follows on `error` of the call that was `asked`. What a layer of ours turned away was not
    /// sent: another deployment gets it, if one takes calls. All else is told.
    #[cold]
    pub(super) fn after<S>(&mut self, error: Error, mut asked: Asked<'_, S>) -> After<Req> {
        asked.fail(&error);
        let error = asked.sign(error);
        let other = was_kept(&error).then(|| self.other(&asked)).flatten();
        other.map_or(After::Fail(error), After::Ask)
    }

    /// The request for another deployment: one that was not asked before, else one that failed before. A
    /// hedge goes to none of those.
    fn other<S>(&mut self, asked: &Asked<'_, S>) -> Option<Req> {
        let request = self.request.as_mut()?;
        let context = request.context_mut();
        let (tried, before) = asked.tried();
        self.refused.extend(tried);
        if !asked.is_another(&self.refused, before) {
            if context.is_hedge() || !asked.is_another(&self.refused, &[]) {
                return None;
            }
            context.forget_avoided();
        }
        self.refused
            .iter()
            .for_each(|name| context.avoid(name.clone()));
        Some(request.clone())
    }
}

/// Whether it was not sent, and another deployment might take it. Not so where the time of the call is over.
fn was_kept(error: &Error) -> bool {
    let elsewhere = error.kind().elsewhere() != Elsewhere::No;
    error.refused_by().is_some() && error.clock().is_none() && elsewhere
}
