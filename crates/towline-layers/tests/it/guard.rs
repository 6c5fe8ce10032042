//! The rules for prompts.

use crate::support::{question, upstream};
use proptest::prelude::{prop_assert_eq, proptest};
use std::fmt;
use tower::{Layer, ServiceExt};
use towline_core::{Conversation, ErrorKind, Journey, Message, Request, Step, ToolCall};
use towline_layers::guard::{Guard, GuardLayer, GuardService, Prompt};

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<GuardLayer<Request>>();
const _: () = promised::<GuardService<(), Request>>();

#[tokio::test]
async fn x6_guard_refuses_before_anything_is_sent_and_says_which_rule() {
    let (model, mut handle) = upstream();
    let rules = Guard::new().with_max_bytes(7);
    let service = GuardLayer::new(rules).layer(model);
    let journey = Journey::new();
    let mut request = question(false);
    request.context_mut().set_journey(journey.clone());
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(error.refused_by(), Some("guard"));
    assert!(error.to_string().contains("8 bytes"), "{error}");
    assert!(
        error.to_string().contains("guard.max_prompt_bytes"),
        "{error}"
    );
    assert!(handle.try_next().is_none());
    assert!(matches!(
        journey.steps().as_slice(),
        [Step::Refused { layer: "guard", .. }]
    ));
}

#[test]
fn a_phrase_is_found_in_any_case_and_in_any_part_and_is_not_shown() {
    let rules = Guard::new().with_forbidden(["", "öl und WASSER"]);
    let call = ToolCall::new("1", "mix", r#"{"what":"Öl und Wasser"}"#);
    let hidden = Message::assistant("").with_part(call);
    for conversation in [
        Conversation::from("Mische ÖL UND Wasser!"),
        Conversation::from("Hi").with(hidden),
        Conversation::from("Hi").with(Message::tool("1", "öl und wasser")),
    ] {
        let error = rules.check(&Request::new("m", conversation)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(
            !error.to_string().to_lowercase().contains("wasser"),
            "{error}"
        );
    }
    assert!(rules.check(&Request::new("m", "Öl")).is_ok());
    assert!(!format!("{rules:?}").to_lowercase().contains("wasser"));
}

#[test]
fn checks_of_ones_own_come_last_and_their_words_are_shown() {
    let rules = Guard::new()
        .with_max_bytes(3)
        .with_check(|_: &Request| Err("not on Sundays".to_owned()));
    let error = rules.check(&Request::new("m", "abc")).unwrap_err();
    assert!(error.to_string().contains("not on Sundays"));
    let error = rules.check(&Request::new("m", "abcd")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

proptest! {
    #[test]
    fn the_size_is_the_bytes_of_all_texts(texts in proptest::collection::vec(".{0,20}", 1..6), most in 0_u64..120) {
        let mut conversation = Conversation::new();
        for text in &texts {
            conversation.push(Message::user(text.clone()));
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        let request = Request::new("m", conversation);
        let mut read = 0;
        request.each_text(&mut |text| read += text.len());
        prop_assert_eq!(read, bytes);
        let fits = Guard::new().with_max_bytes(most).check(&request).is_ok();
        prop_assert_eq!(fits, u64::try_from(bytes).unwrap() <= most);
    }
}
