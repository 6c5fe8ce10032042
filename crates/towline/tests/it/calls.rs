//! Completions, streams, embeddings, models.

use crate::fixture::{client, client_with};
use towline::{Accumulator, Prompt};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, Event, FinishReason, Message, Request,
};
use towline_sim::{Fault, Outcome, Reply, Rule, Simulator, Stall};

#[tokio::test]
async fn a_question_is_answered() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().respond(Reply::text("Paris.")));
    let client = client(&sim).await;
    let answer = client
        .complete("What is the capital of France?")
        .await
        .unwrap();
    assert_eq!(answer.text(), "Paris.");
    assert_eq!(answer.provider(), "openai");
    assert_eq!(answer.model(), "sim-chat");
    assert!(answer.usage().is_some());
    assert_eq!(sim.journal().len(), 1);
}

#[tokio::test]
async fn whatever_a_question_is_it_reaches_the_model() {
    let sim = Simulator::start().await.unwrap();
    let client = client(&sim).await;
    let chat = Conversation::new()
        .with(Message::system("Be brief."))
        .with(Message::user("Hi"));
    client.complete("Hi").await.unwrap();
    client.complete("Hi".to_owned()).await.unwrap();
    client.complete(Message::user("Hi")).await.unwrap();
    client.complete(&chat).await.unwrap();
    client.complete(chat).await.unwrap();
    client.complete(Request::new("other", "Hi")).await.unwrap();
    let options = CompletionOptions::new().with_max_tokens(7);
    client
        .complete(Prompt::from("Hi").with_options(options).with_model("third"))
        .await
        .unwrap();

    let bodies: Vec<_> = sim
        .journal()
        .iter()
        .map(|seen| seen.json().unwrap())
        .collect();
    let models: Vec<_> = bodies
        .iter()
        .map(|body| body["model"].as_str().unwrap())
        .collect();
    let own = "sim-chat";
    assert_eq!(models, [own, own, own, own, own, "other", "third"]);
    assert_eq!(bodies[3]["messages"][0]["role"], "system");
}

#[tokio::test]
async fn a_stream_arrives_in_pieces_and_is_kept_whole() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().respond(Reply::text("One two three four.")));
    let client = client(&sim).await;
    let mut answer = client.stream("Count").await.unwrap();
    let mut whole = Accumulator::new(answer.head());
    let mut pieces = 0;
    while let Some(event) = answer.body_mut().next().await {
        let event = event.unwrap();
        pieces += usize::from(event.as_text().is_some());
        whole.push(event);
    }
    assert!(pieces > 1, "{pieces}");
    let whole = whole.finish().unwrap();
    assert_eq!(whole.text(), "One two three four.");
    assert_eq!(whole.provider(), "openai");
    assert_eq!(whole.finish_reason(), &FinishReason::Stop);
}

#[tokio::test]
async fn a_stream_that_is_cut_is_an_error_with_what_had_arrived() {
    let sim = Simulator::start().await.unwrap();
    let reply = || Reply::text("One two three four.");
    sim.on(Rule::any()
        .times(1)
        .respond(reply())
        .fault(Fault::CleanEndAfterEvents(3)));
    sim.on(Rule::any().respond(reply()).fault(Fault::CutAfterEvents(3)));
    let client = client(&sim).await;
    for kind in [ErrorKind::Truncated, ErrorKind::Truncated] {
        let error = client
            .stream("Count")
            .await
            .unwrap()
            .collect()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.provider(), Some("openai"));
        let partial = error.partial().unwrap().text().into_owned();
        assert!(
            !partial.is_empty() && "One two three four.".starts_with(&partial),
            "{partial}"
        );
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn an_accumulator_without_the_end_says_so() {
    let sim = Simulator::start().await.unwrap();
    let client = client(&sim).await;
    let mut answer = client.stream("Count").await.unwrap();
    let mut whole = Accumulator::new(answer.head());
    while let Some(event) = answer.body_mut().next().await {
        let event = event.unwrap();
        if !matches!(event, Event::Finish(_)) {
            whole.push(event);
        }
    }
    let error = whole.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(!error.partial().unwrap().is_empty());
}

#[tokio::test]
async fn texts_become_vectors() {
    let sim = Simulator::start().await.unwrap();
    let client = client_with(&sim, &["towline.embeddings.model=openai/sim-embedding"]).await;
    let response = client.embed(["one", "two"]).await.unwrap();
    assert_eq!(response.vectors().len(), 2);
    assert_ne!(response.vectors()[0], response.vectors()[1]);
    assert_eq!(sim.journal()[0].json().unwrap()["model"], "sim-embedding");
}

#[tokio::test]
async fn an_embedding_model_that_cannot_be_used_is_told_when_it_is_asked_for() {
    let sim = Simulator::start().await.unwrap();
    let client = client_with(&sim, &["towline.embeddings.model=cohere/embed-v4"]).await;
    assert!(client.complete("Hi").await.is_ok());
    let error = client.embed(["one"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("Cohere"), "{error}");
    let validation = client.validate().await.unwrap();
    assert!(
        validation.warnings()[0].contains("embeddings"),
        "{:?}",
        validation.warnings()
    );
}

#[tokio::test]
async fn the_models_are_listed() {
    let sim = Simulator::builder()
        .model("a")
        .model("b")
        .start()
        .await
        .unwrap();
    let client = client(&sim).await;
    let models = client.models().await.unwrap();
    let ids: Vec<&str> = models.iter().map(|model| model.id()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test]
async fn a_refused_key_is_told_with_the_place_it_came_from() {
    let sim = Simulator::builder().key("sk-right").start().await.unwrap();
    let settings = towline_config::Loader::new()
        .env([
            ("LLM_MODEL", "openai/sim-chat"),
            ("OPENAI_API_KEY", "sk-wrong-0123456789"),
        ])
        .set(format!("towline.openai.base_url={}", sim.base_url()))
        .load()
        .unwrap();
    let client = towline::connect(&settings).await.unwrap();
    let error = client.complete("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(error.status(), Some(401));
    let told = format!("{} {error:?}", error.report());
    assert!(told.contains("environment OPENAI_API_KEY"), "{told}");
    assert!(!told.contains("0123456789"), "{told}");
}

#[tokio::test]
async fn dropping_a_stream_closes_the_exchange() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallAfterEvents(2, Stall::Forever)));
    let client = client(&sim).await;
    let mut answer = client.stream("Hi").await.unwrap();
    assert!(answer.body_mut().next().await.unwrap().is_ok());
    assert_eq!(sim.journal()[0].outcome(), Outcome::Open);
    drop(answer);
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::ClientLeft)
        .await;
}

#[tokio::test]
async fn dropping_a_call_closes_the_exchange() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallHead(Stall::Forever)));
    let client = client(&sim).await;
    tokio::select! {
        answer = client.complete("Hi") => panic!("{answer:?}"),
        () = sim.wait_for(|sim| sim.stats().requests() == 1) => {}
    }
    sim.wait_for(|sim| sim.journal()[0].cancelled()).await;
}

#[tokio::test]
async fn the_timeouts_of_the_settings_count() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any()
        .stream(false)
        .fault(Fault::StallHead(Stall::Forever)));
    sim.on(Rule::any().fault(Fault::StallAfterEvents(2, Stall::Forever)));
    let limits = [
        "towline.timeouts.request=50ms",
        "towline.timeouts.stream=50ms",
    ];
    let client = client_with(&sim, &limits).await;
    let error = client.complete("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeouts.request"), "{error}");
    let error = client
        .stream("Hi")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeouts.stream"), "{error}");
    sim.wait_for(|sim| sim.journal().iter().all(|seen| seen.cancelled()))
        .await;
}
