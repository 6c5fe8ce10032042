use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hasher};
use towline_core::{
    CompletionOptions, Context, Conversation, Message, ReasoningEffort, Request, ResponseFormat,
    ToolChoice,
};

fn hash(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.hash_question(&mut hasher);
    hasher.finish()
}

#[test]
fn requests_that_ask_the_same_have_the_same_hash() {
    let extra = |options: CompletionOptions, provider: &'static str, value: Value| {
        options.with_extra(provider, "field", value)
    };
    let new = CompletionOptions::new;
    let one = extra(
        extra(new().with_temperature(0.1), "a", json!(1)),
        "b",
        json!(2),
    );
    let other = extra(extra(new(), "b", json!(2)), "a", json!(1)).with_temperature(0.1);
    let one = Request::new("model", "question").with_options(one);
    let other = Request::new("model", Conversation::from(Message::user("question")))
        .with_options(other)
        .with_context(Context::new().with_tenant("t").with_tag("a", "b"));
    assert!(one.asks_the_same_as(&other) && other.asks_the_same_as(&one));
    assert_eq!(hash(&one), hash(&other));
}

#[test]
fn each_option_makes_another_question() {
    let new = CompletionOptions::new;
    let options = [
        new(),
        new().with_temperature(0.1),
        new().with_top_p(0.1),
        new().with_max_tokens(1),
        new().with_presence_penalty(0.1),
        new().with_frequency_penalty(0.1),
        new().with_seed(1),
        new().with_stop(["x"]),
        new().with_tool_choice(ToolChoice::None),
        new().with_parallel_tool_calls(true),
        new().with_response_format(ResponseFormat::Json),
        new().with_reasoning(ReasoningEffort::Low),
        new().with_reasoning_budget(1),
        new().with_user("u"),
        new().with_lenient(true),
        new().with_extra("a", "field", json!(1)),
        new().with_extra("b", "field", json!(1)),
    ];
    let requests = options.map(|options| Request::new("m", "q").with_options(options));
    for (n, one) in requests.iter().enumerate() {
        for (m, other) in requests.iter().enumerate() {
            assert_eq!(one.asks_the_same_as(other), n == m, "{n} and {m}");
        }
    }
}
