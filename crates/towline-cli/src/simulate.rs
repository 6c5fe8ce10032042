//! `towline simulate`.

use crate::{args::SimulateArgs, failure::Failure, output::Output, signal};
use towline_sim::{Script, Simulator};

/// Runs until a signal ends it, which is its proper end.
pub(crate) async fn run(args: &SimulateArgs, output: &Output) -> Result<(), Failure> {
    let mut builder = Simulator::builder().listen(args.listen);
    if let Some(path) = &args.script {
        builder = builder.script(Script::from_json(&towline_config::read_named_text(
            "--script", path,
        )?)?);
    }
    for key in &args.key {
        output.hide([key.as_str().into()]);
        builder = builder.key(key.as_str());
    }
    let simulator = builder.start().await?;
    output.line(&simulator.base_url()).await?;
    output.notice(
        "the simulator answers at this address until Ctrl-C; set OPENAI_BASE_URL to it, and \
         LLM_MODEL=openai/any",
    );
    tokio::select! {
        () = signal::ended(true, true) => {}
        () = watch(&simulator, output) => {}
    }
    simulator.shutdown().await;
    Ok(())
}

/// Tells of each request, with `-v`.
async fn watch(simulator: &Simulator, output: &Output) {
    let mut told = 0;
    loop {
        simulator
            .wait_for(|simulator| simulator.stats().requests() > told)
            .await;
        let stats = simulator.stats();
        if output.verbose() > 0 {
            let new = usize::try_from(stats.requests() - told).unwrap_or(usize::MAX);
            let journal = simulator.journal();
            for exchange in journal.iter().skip(journal.len().saturating_sub(new)) {
                output.notice(&format!("{} {}", exchange.method(), exchange.path()));
            }
        }
        told = stats.requests();
    }
}
