//! `towline validate`.

use crate::{
    args::Args,
    failure::Failure,
    output::{Indicator, Output},
    session,
};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    provider: &'a str,
    model: &'a str,
    verified: bool,
    reason: Option<&'a str>,
    warnings: &'a [String],
    context_window: u64,
    reserve_completion: u64,
}

pub(crate) async fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    let client = session::client(args, None, output).await?;
    let mut indicator = Indicator::new(output);
    let validation = indicator.during(client.validate()).await?;
    indicator.wipe();
    if output.json() {
        let verdict = Verdict {
            provider: validation.provider(),
            model: validation.model(),
            verified: validation.is_verified(),
            reason: validation.unverified(),
            warnings: validation.warnings(),
            context_window: client.context_window(),
            reserve_completion: client.reserve_completion(),
        };
        return output.object(&verdict).await;
    }
    for warning in validation.warnings() {
        output.notice(&format!("warning: {warning}"));
    }
    output.line(&validation.to_string()).await
}
