//! A token that is renewed while calls go out.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};
use tower::ServiceExt as _;
use towline_azure::{Azure, AzureConfig};
use towline_core::{Credential, CredentialSource, Request, Secret};
use towline_sim::Simulator;
use towline_transport::Channel;

#[derive(Default)]
struct Renewed {
    version: AtomicU64,
    token: Mutex<String>,
}

// === impl Renewed ===

impl Renewed {
    fn renew(&self, token: &str) {
        token.clone_into(&mut self.token.lock().unwrap());
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl CredentialSource for Renewed {
    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn secret(&self) -> Secret {
        Secret::new(self.token.lock().unwrap().as_str())
    }
}

#[tokio::test]
async fn the_next_call_has_the_renewed_token() {
    let sim = Simulator::builder()
        .key("token-1")
        .key("token-2")
        .start()
        .await
        .unwrap();
    let source = Arc::new(Renewed::default());
    source.renew("token-1");
    let config = AzureConfig::builder(sim.origin())
        .token(Credential::from_source(Arc::clone(&source)))
        .build()
        .unwrap();
    let channel = Channel::builder(config.base_url()).build().unwrap();
    let azure = Azure::new(config, channel);
    for token in ["token-1", "token-2"] {
        source.renew(token);
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
