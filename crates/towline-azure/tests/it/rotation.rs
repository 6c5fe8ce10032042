//! A token that is renewed while calls go out.

use tower::ServiceExt as _;
use towline_azure::{Azure, AzureConfig};
use towline_core::Request;
use towline_sim::Simulator;
use towline_testkit::credential::HandedKey;
use towline_transport::Channel;

#[tokio::test]
async fn the_next_call_has_the_renewed_token() {
    let sim = Simulator::builder()
        .key("token-1")
        .key("token-2")
        .start()
        .await
        .unwrap();
    let source = HandedKey::new("token-1");
    let config = AzureConfig::builder(sim.origin())
        .token(source.credential())
        .build()
        .unwrap();
    let channel = Channel::builder(config.base_url()).build().unwrap();
    let azure = Azure::new(config, channel);
    for token in ["token-1", "token-2"] {
        source.hand_over(token);
        for _ in 0..2 {
            let answer = azure
                .clone()
                .oneshot(Request::new("m", "Hi"))
                .await
                .unwrap();
            assert!(answer.collect().await.is_ok());
        }
    }
    let journal = sim.journal();
    let sent: Vec<_> = journal
        .iter()
        .map(|exchange| exchange.bearer().unwrap())
        .collect();
    assert_eq!(sent, ["token-1", "token-1", "token-2", "token-2"]);
}
