//! Level 4: failures are of the kind that the server means.

use crate::select::{Ask, chats};
use towline_core::ErrorKind;
use towline_testkit::corpus::{Corpus, Difference, Suite, watch::Seen};

#[test]
fn corpus_documented_failures_are_of_the_kind_the_server_means() {
    let Some(corpus) = Corpus::open() else { return };
    let mut cases = corpus.documented().unwrap();
    let all = cases.len();
    cases.retain(|case| case.provider == "ollama");
    let mut suite = Suite::new("ollama dialect, documented failures", &corpus, cases.len());
    for case in &cases {
        assert_eq!(
            case.id, "ollama-midstream-error",
            "a new one wants an expectation"
        );
        let ask = Ask {
            model: "m".to_owned(),
            stream: true,
        };
        let seen = ask.see_whole(&case.answer);
        let good = match &seen {
            Seen::Stream(_, Some(failure)) => {
                failure.kind == ErrorKind::Server
                    && failure.partial_text() == seen.text()
                    && !seen.text().is_empty()
                    && !failure.retryable
            }
            _ => false,
        };
        let difference = || Difference::new("failure", "server, not again", format!("{seen:?}"));
        suite.handled(&case.id, true, (!good).then(difference));
    }
    suite.note(format!("{} of other dialects", all - cases.len()));
    suite.finish();
}

#[test]
fn corpus_recorded_failures_are_of_the_kind_the_server_means() {
    let Some((corpus, mut cases)) = chats() else {
        return;
    };
    cases.retain(|(case, _)| case.answer.status >= 400);
    let mut suite = Suite::new("ollama dialect, recorded failures", &corpus, cases.len());
    for (case, ask) in &cases {
        let seen = ask.see_whole(&case.answer);
        // All there are: a model that was not pulled.
        let remedy = format!("`ollama pull {}`", ask.model);
        let good = seen.failure().is_some_and(|failure| {
            let message = failure.message.as_deref().unwrap_or_default();
            failure.kind == ErrorKind::NotFound
                && failure.status == Some(404)
                && !failure.retryable
                && message.contains(&remedy)
        });
        let difference = || Difference::new("failure", remedy.as_str(), format!("{seen:?}"));
        suite.handled(&case.id, case.expected.is_some(), (!good).then(difference));
    }
    suite.finish();
}
