//! What a model takes.

/// What one model takes. It decides how thinking is asked for and which options have to stay out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ModelRules {
    pub(crate) thinking: Ask,
    pub(crate) sampling: Sampling,
}

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// It cannot think.
    Never,
    /// With a number of tokens.
    Budget,
    /// With an effort, and the model decides how much that is; a number is taken too.
    Either,
    /// With an effort only.
    Effort,
}

/// Which of temperature and `top_p` a model takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sampling {
    Both,
    OneOfThem,
    Neither,
}

// === impl ModelRules ===

impl ModelRules {
    /// The rules for `model`. One whose name says no generation may be of somebody else: it is asked
    /// for thinking with a budget, and all that the API knows is sent.
    ///
    /// Source: the capabilities in the API's own list of models and its guide on extended thinking,
    /// read in November 2026.
    pub(crate) fn of(model: &str) -> Self {
        let Some(generation) = generation(model) else {
            return Self {
                thinking: Ask::Budget,
                sampling: Sampling::Both,
            };
        };
        Self {
            thinking: match generation {
                old if old < (3, 7) => Ask::Never,
                (4, 6) => Ask::Either,
                new if new >= (4, 7) => Ask::Effort,
                _ => Ask::Budget,
            },
            sampling: match generation {
                old if old < (4, 1) => Sampling::Both,
                new if new >= (4, 7) => Sampling::Neither,
                _ => Sampling::OneOfThem,
            },
        }
    }
}

/// `(4, 5)` of `claude-haiku-4-5-20251001`, `(3, 7)` of `claude-3-7-sonnet-20250219`. A number of more
/// than two digits is a date.
fn generation(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude-")?;
    let mut words = name.split(['-', '.', '@', ':', '_']);
    let major = words.by_ref().find_map(small_number)?;
    let minor = words.next().and_then(small_number).unwrap_or(0);
    Some((major, minor))
}

fn small_number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    (digits && word.len() <= 2).then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Ask, ModelRules, Sampling, generation};

    #[test]
    fn generations_are_told_by_the_name() {
        for (model, expected) in [
            ("claude-3-7-sonnet-20250219", Some((3, 7))),
            ("claude-3-haiku-20240307", Some((3, 0))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-opus-4-1-20250805", Some((4, 1))),
            ("claude-haiku-4-5", Some((4, 5))),
            ("claude-opus-5", Some((5, 0))),
            ("anthropic/claude-sonnet-4.5", Some((4, 5))),
            ("us.anthropic.claude-opus-4-6-v1:0", Some((4, 6))),
            ("claude-latest", None),
            ("tiny", None),
        ] {
            assert_eq!(generation(model), expected, "{model}");
        }
    }

    #[test]
    fn the_newest_take_an_effort_and_no_sampling() {
        let rules = |model| {
            let rules = ModelRules::of(model);
            (rules.thinking, rules.sampling)
        };
        assert_eq!(rules("claude-opus-5"), (Ask::Effort, Sampling::Neither));
        assert_eq!(rules("claude-opus-4-7"), (Ask::Effort, Sampling::Neither));
        assert_eq!(
            rules("claude-sonnet-4-6"),
            (Ask::Either, Sampling::OneOfThem)
        );
        assert_eq!(
            rules("claude-haiku-4-5"),
            (Ask::Budget, Sampling::OneOfThem)
        );
        assert_eq!(
            rules("claude-3-haiku-20240307"),
            (Ask::Never, Sampling::Both)
        );
        assert_eq!(
            rules("claude-3-7-sonnet-20250219"),
            (Ask::Budget, Sampling::Both)
        );
        assert_eq!(rules("tiny"), (Ask::Budget, Sampling::Both));
    }
}
