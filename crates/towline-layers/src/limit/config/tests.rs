use super::Charge;
use crate::limit::{Demand, Dimension};
use towline_core::{CompletionOptions, Context, Request, Usage};

/// A question of 100 tokens whose answer may be `most` tokens long; 0 for a call that does not say.
fn asking(most: u64) -> Request {
    let options = match most {
        0 => CompletionOptions::new(),
        most => CompletionOptions::new().with_max_tokens(most),
    };
    Request::new("model", "Hello?")
        .with_options(options)
        .with_context(Context::new().with_token_estimate(100))
}

/// Requests, tokens, input and output.
fn amounts(demand: &Demand) -> [u64; 4] {
    Dimension::ALL.map(|dimension| demand.amount(dimension))
}

#[test]
fn most_reserves_what_the_answer_may_take_or_what_answers_usually_take() {
    let cases = [
        // The most, the usual, tokens in all, output.
        (50, 7, 150, 50),
        (50, 0, 150, 50),
        (0, 7, 107, 7),
        (0, 0, 101, 1),
    ];
    for (most, usual, tokens, output) in cases {
        let demand = Charge::most().demand(&asking(most), usual);
        assert_eq!(amounts(&demand), [1, tokens, 100, output], "{most} {usual}");
    }
}

#[test]
fn openai_reserves_the_larger_of_the_most_and_the_estimate() {
    let cases = [
        (500, 7, 500, 500),
        (50, 200, 150, 50),
        (50, 7, 107, 50),
        (50, 0, 101, 50),
        (0, 7, 107, 7),
        (0, 0, 101, 1),
    ];
    for (most, usual, tokens, output) in cases {
        let demand = Charge::openai().demand(&asking(most), usual);
        assert_eq!(amounts(&demand), [1, tokens, 100, output], "{most} {usual}");
    }
}

#[test]
fn anthropic_reserves_what_answers_usually_take_and_no_more_than_the_most() {
    let cases = [
        (50, 7, 107, 7),
        (5, 7, 105, 5),
        (50, 0, 101, 1),
        (0, 7, 107, 7),
        (0, 0, 101, 1),
    ];
    for (most, usual, tokens, output) in cases {
        let demand = Charge::anthropic().demand(&asking(most), usual);
        assert_eq!(amounts(&demand), [1, tokens, 100, output], "{most} {usual}");
    }
}

#[test]
fn what_was_read_from_the_cache_is_free_at_anthropic_only() {
    let demand = Charge::most().demand(&asking(50), 0);
    let usage = Usage::unknown().with_input(100).with_output(9);
    let cached = usage.clone().with_cache_read(60);
    let cases = [
        (Charge::anthropic(), &cached, 40),
        (Charge::anthropic(), &usage, 100),
        (Charge::openai(), &cached, 100),
        (Charge::most(), &cached, 100),
    ];
    for (charge, usage, input) in cases {
        let spent = charge.spent(usage, &demand);
        assert_eq!(spent.amount(Dimension::Requests), None);
        assert_eq!(spent.amount(Dimension::InputTokens), Some(input));
        assert_eq!(spent.amount(Dimension::OutputTokens), Some(9));
        assert_eq!(spent.amount(Dimension::Tokens), Some(input + 9));
    }
}

#[test]
fn an_answer_without_a_count_keeps_what_was_reserved_for_it() {
    let demand = Charge::most().demand(&asking(50), 0);
    let spent = Charge::most().spent(&Usage::unknown().with_input(30), &demand);
    assert_eq!(spent.amount(Dimension::OutputTokens), None);
    assert_eq!(spent.amount(Dimension::Tokens), Some(80));
}
