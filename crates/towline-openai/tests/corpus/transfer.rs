//! Level 1 over real sockets: the same answers by every kind of transfer.

use crate::{
    select::cases,
    watch::{Seen, see_whole, watch},
};
use towline_testkit::corpus::{
    Difference, Suite,
    serve::{Server, Transfer},
};
use towline_transport::Channel;

#[tokio::test]
async fn corpus_arrives_over_http_as_without_it() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let mut suite = Suite::new("openai dialect, over HTTP/1.1", &corpus, cases.len());
    let server = Server::start().await.unwrap();
    let base_url = server.base_url();
    let channel = Channel::builder(base_url.clone()).build().unwrap();
    for (case, ask) in &cases {
        let whole = see_whole(ask, &case.answer);
        let mut differences = Vec::new();
        for transfer in [Transfer::Length, Transfer::Chunked, Transfer::ChunkPerByte] {
            server.set(&case.answer, transfer);
            let seen = watch(ask.client_at(&base_url, channel.clone()), ask).await;
            differences.extend(differs(transfer, &whole, &seen));
        }
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    suite.note("content-length, chunked, chunks of one byte");
    suite.finish();
}

fn differs(transfer: Transfer, whole: &Seen, seen: &Seen) -> Option<Difference> {
    let expected = || format!("{transfer:?}: {whole:?}");
    (whole != seen).then(|| Difference::new("transfer", expected(), format!("{seen:?}")))
}
