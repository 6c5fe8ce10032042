//! Calls that begin alike.

use super::{Model, NAMES, SECOND, over, read, weight};
use crate::support::question;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;
use tower::ServiceExt;
use towline_core::{
    Context, Conversation, EmbeddingRequest, Message, Metered, Picks, Request, Text,
};
use towline_layers::{
    balance::{Balance, Deployment},
    health::Health,
};

fn about(topic: usize) -> Conversation {
    Conversation::from(format!("Tell me about {topic}."))
}

/// Where a call goes.
async fn goes_to(balance: &Balance<Model>, mut request: Request) -> Text {
    let picks = Picks::new();
    request.context_mut().set_picks(picks.clone());
    balance.clone().oneshot(request).await.unwrap();
    picks.names().pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn lb5_a_conversation_stays_where_it_began() {
    let (balance, _counts) = over((0..5).map(|_| Model::new(SECOND / 10)));
    let balance = balance.with_sticky(true);
    for topic in 0..50 {
        let mut conversation = about(topic);
        let first = goes_to(&balance, Request::new("m", conversation.clone())).await;
        for turn in 0..5 {
            conversation.push(Message::assistant("Well."));
            conversation.push(Message::user(format!("And {turn}?")));
            let request = Request::new("m", conversation.clone());
            assert_eq!(goes_to(&balance, request).await, first);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lb5_conversations_are_spread_by_weight() {
    let mut balance: Option<Balance<Model>> = None;
    for (share, name) in [3, 1, 1].into_iter().zip(NAMES) {
        let model = Model::new(Duration::ZERO);
        let deployment = Deployment::new(name, model).with_weight(weight(share));
        balance = Some(match balance {
            Some(balance) => balance.and(deployment),
            None => Balance::new(deployment),
        });
    }
    let balance = balance.unwrap().with_sticky(true);
    let mut shares: HashMap<Text, u32> = HashMap::new();
    for topic in 0..10_000 {
        let name = goes_to(&balance, Request::new("m", about(topic))).await;
        *shares.entry(name).or_default() += 1;
    }
    for (name, due) in [("a", 6_000), ("b", 2_000), ("c", 2_000)] {
        assert!(shares[name].abs_diff(due) < 200, "{shares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lb5_only_the_calls_of_one_that_leaves_move_and_they_come_back() {
    let healths: Vec<_> = (0..4).map(|_| Health::new()).collect();
    let mut deployments = healths.iter().zip(NAMES).map(|(health, name)| {
        Deployment::new(name, Model::new(Duration::ZERO)).with_health(health)
    });
    let first = Balance::new(deployments.next().unwrap());
    let balance = deployments.fold(first, Balance::and).with_sticky(true);
    let mut before = Vec::new();
    for topic in 0..200 {
        before.push(goes_to(&balance, Request::new("m", about(topic))).await);
    }
    healths[1].eject_until(Instant::now() + SECOND * 60);
    for (topic, home) in before.iter().enumerate() {
        let now = goes_to(&balance, Request::new("m", about(topic))).await;
        assert_eq!(now == *home, *home != "b");
        assert_ne!(now, "b");
    }
    healths[1].admit();
    for (topic, home) in before.iter().enumerate() {
        let now = goes_to(&balance, Request::new("m", about(topic))).await;
        assert_eq!(now, *home);
    }
}

#[tokio::test(start_paused = true)]
async fn lb5_tenants_do_not_stick_together() {
    let (balance, _counts) = over((0..8).map(|_| Model::new(Duration::ZERO)));
    let balance = balance.with_sticky(true);
    let mut homes = HashMap::new();
    for tenant in 0..50 {
        for _ in 0..2 {
            let context = Context::new().with_tenant(format!("tenant {tenant}"));
            let request = Request::new("m", "the same").with_context(context);
            let home = goes_to(&balance, request).await;
            assert_eq!(homes.entry(tenant).or_insert_with(|| home.clone()), &home);
        }
    }
    let distinct: std::collections::HashSet<_> = homes.values().collect();
    assert!(distinct.len() > 4);
}

#[tokio::test(start_paused = true)]
async fn lb5_a_request_without_a_beginning_is_spread_as_any_other() {
    assert_eq!(EmbeddingRequest::new("m", ["text"]).affinity(), None);
    let (balance, counts) = over((0..2).map(|_| Model::new(SECOND / 10)));
    let balance = balance.with_sticky(true);
    for _ in 0..100 {
        let request = Request::new("m", Conversation::new());
        balance.clone().oneshot(request).await.unwrap();
    }
    assert!(counts.iter().all(|calls| read(calls) > 20));
    // And a call that was asked before goes elsewhere, however it begins.
    let home = goes_to(&balance, question(false)).await;
    let mut again = question(false);
    again.context_mut().avoid(home.clone());
    assert_ne!(goes_to(&balance, again).await, home);
}
