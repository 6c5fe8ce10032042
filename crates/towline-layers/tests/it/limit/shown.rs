//! What a limit says of itself.

use super::{SECOND, limit, requests};
use crate::support::{question, upstream};
use tokio::time::advance;
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceExt};
use towline_layers::{
    ask::{Ask, Cloning},
    limit::{LimitConfig, LimitKey},
};

#[test]
fn a_config_tells_its_name_and_debug_its_key() {
    assert_eq!(LimitConfig::new("upstream").name(), "upstream");
    let keys = [
        (LimitKey::Shared, "Shared"),
        (LimitKey::Model, "Model"),
        (LimitKey::Tenant, "Tenant"),
        (LimitKey::ModelAndTenant, "ModelAndTenant"),
    ];
    for (key, shown) in keys {
        assert_eq!(format!("{key:?}"), shown);
    }
}

#[tokio::test(start_paused = true)]
async fn debug_tells_what_is_limited_and_how_far_a_call_is() {
    let (model, _handle) = upstream();
    let layer = limit(requests(1, 1));
    let mut service = layer.layer(model);
    for shown in [
        format!("{:?}", layer.handle()),
        format!("{service:?}"),
        format!("{layer:?}"),
    ] {
        assert!(shown.contains("\"upstream\""), "{shown}");
    }
    let mut states = Vec::new();
    for _ in 0..2 {
        let call = service.ready().await.unwrap().call(question(false));
        states.push(format!("{call:?}"));
    }
    assert_eq!(
        states,
        [
            "LimitFuture { state: \"calling\", .. }",
            "LimitFuture { state: \"waiting\", .. }"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn asked_it_counts_and_makes_wait_as_it_does_called() {
    let (model, mut handle) = upstream();
    let layer = limit(requests(1, 1));
    let service = layer.layer(Cloning::new(model));
    let mut first = task::spawn(Box::pin(service.ask(question(false))));
    let mut second = task::spawn(Box::pin(service.ask(question(false))));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    let handles = layer.handle();
    assert_eq!((handles.in_use(), handles.waiting()), (1, 1));
    assert_eq!(handle.total(), 1);
    handle.next().await.reply("the first");
    assert!(first.await.is_ok());
    assert_eq!(handles.in_use(), 0);
    advance(SECOND).await;
    assert_pending!(second.poll());
    assert_eq!((handles.in_use(), handles.waiting()), (1, 0));
    drop(second);
    assert_eq!(handles.in_use(), 0);
}
