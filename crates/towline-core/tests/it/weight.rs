use towline_core::{CompletionOptions, Context, EmbeddingRequest, Metered, Request};

#[test]
fn an_answer_that_nobody_bounded_weighs_a_thousand_tokens() {
    let request = Request::new("model", "eight by");
    assert_eq!(
        (request.estimated_input(), request.estimated_output()),
        (2, 0)
    );
    assert_eq!(request.estimated_tokens(), 1_002);
    let counted = Context::new().with_token_estimate(500);
    assert_eq!(request.with_context(counted).estimated_tokens(), 1_500);
}

#[test]
fn an_answer_that_is_bounded_weighs_its_bound_and_a_vector_nothing() {
    let bounded = |tokens| {
        let options = CompletionOptions::new().with_max_tokens(tokens);
        Request::new("model", "eight by").with_options(options)
    };
    for (most, all) in [(0, 2), (40, 42), (u64::MAX, u64::MAX)] {
        assert_eq!(bounded(most).estimated_tokens(), all);
    }
    let vectors = EmbeddingRequest::new("model", ["eight by"]);
    assert_eq!(vectors.estimated_tokens(), 2);
}
