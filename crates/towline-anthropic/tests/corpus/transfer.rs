//! Level 1 over real sockets: the same answers by every kind of transfer.

use crate::select::{client_at, message_cases, see_whole};
use tokio::runtime::Builder;
use towline_testkit::corpus::{
    Difference, Suite,
    serve::{Server, Transfer},
    watch::watch,
};
use towline_transport::Channel;

#[test]
fn corpus_arrives_over_http_as_without_it() {
    let Some((corpus, cases)) = message_cases() else {
        return;
    };
    let mut suite = Suite::new("anthropic dialect, over HTTP/1.1", &corpus, cases.len());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start()).unwrap();
    let base_url = server.base_url();
    let channel = Channel::builder(base_url.clone()).build().unwrap();
    for (case, ask) in &cases {
        let whole = see_whole(ask, &case.answer).without_pings();
        let mut differences = Vec::new();
        // A read that ends inside an event is a sign of life.
        for transfer in [Transfer::Length, Transfer::Chunked, Transfer::ChunkPerByte] {
            server.set(&case.answer, transfer);
            let client = client_at(&base_url, channel.clone());
            let seen = runtime
                .block_on(watch(client, ask.request()))
                .without_pings();
            if seen != whole {
                let expected = format!("{transfer:?}: {whole:?}");
                differences.push(Difference::new("transfer", expected, format!("{seen:?}")));
            }
        }
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    suite.note("content-length, chunked, chunks of one byte");
    suite.finish();
}
