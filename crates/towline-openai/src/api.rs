//! The two APIs through which `OpenAI` offers the same models.

use crate::Flavor;
#[cfg(not(feature = "responses"))]
use towline_core::{Error, ErrorKind};

/// Which API a completion goes through.
///
/// # Examples
///
/// ```
/// use towline_openai::{Api, Flavor};
///
/// assert_eq!(Api::by_name("responses"), Some(Api::Responses));
/// assert_eq!(Api::default_for(Flavor::OPENAI, "gpt-4o"), Api::Chat);
/// assert_eq!(Api::default_for(Flavor::OPENAI, "o3-pro"), Api::Responses);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Api {
    /// `/chat/completions`, which every server of the dialect has.
    Chat,
    /// `/responses`, which keeps the reasoning of a turn for the next one. Without the feature
    /// `responses` of this crate it is an error to ask for it.
    Responses,
}

/// Beginnings and ends of the names of models that have no chat completions.
///
/// Source: the endpoint lists of the `OpenAI` model pages, read in November 2026.
const RESPONSES_ONLY: ([&str; 2], [&str; 3]) = (
    ["codex-", "computer-use-preview"],
    ["-pro", "-codex", "-deep-research"],
);

// === impl Api ===

impl Api {
    /// The API of this name in a configuration: `chat` or `responses`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "chat" => Some(Self::Chat),
            "responses" => Some(Self::Responses),
            _ => None,
        }
    }

    /// The API for `model` where none is set: chat completions, but for the models of the vendor's
    /// own that have none (`o3-pro`, `gpt-5-codex`, `o4-mini-deep-research` and the like).
    #[must_use]
    pub fn default_for(flavor: Flavor, model: &str) -> Self {
        let (beginnings, ends) = RESPONSES_ONLY;
        let only = || {
            let base = undated(model);
            beginnings.iter().any(|start| model.starts_with(start))
                || ends.iter().any(|end| base.ends_with(end))
        };
        if flavor.traits().own_reasoning_models && only() {
            Self::Responses
        } else {
            Self::Chat
        }
    }
}

/// Why a call cannot go through the Responses API.
#[cfg(not(feature = "responses"))]
pub(crate) fn not_built_in() -> Error {
    Error::new(ErrorKind::Config).with_message(
        "this goes through the Responses API, which is not built in; turn on the feature \
         `responses` of towline-openai, or choose the API `chat` and a model that has it",
    )
}

/// `o3-pro` of `o3-pro-2025-06-10`.
fn undated(model: &str) -> &str {
    let date = model
        .as_bytes()
        .windows(3)
        .position(|bytes| bytes == b"-20");
    date.and_then(|at| model.get(..at)).unwrap_or(model)
}

#[cfg(all(test, not(feature = "responses")))]
mod tests {
    use crate::{Api, OpenAi, OpenAiConfig};
    use http::Request;
    use tower::{ServiceExt as _, service_fn};
    use towline_core::{Error, ErrorKind};
    use towline_transport::{RequestBody, ResponseBody};

    fn says_what_to_do(error: &Error) {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("feature `responses`"), "{error}");
    }

    #[test]
    fn what_is_not_built_in_cannot_be_set() {
        let builder = OpenAiConfig::builder("https://api.openai.com/v1").api(Api::Responses);
        says_what_to_do(&builder.build().unwrap_err());
    }

    #[tokio::test]
    async fn a_model_that_needs_it_is_refused_before_anything_is_sent() {
        let config = OpenAiConfig::builder("https://api.openai.com/v1")
            .build()
            .unwrap();
        let nobody = service_fn(|_: Request<RequestBody>| async {
            Err::<http::Response<ResponseBody>, _>(Error::new(ErrorKind::Transport))
        });
        let request = towline_core::Request::new("o3-pro", "Hello");
        says_what_to_do(
            &OpenAi::new(config, nobody)
                .oneshot(request)
                .await
                .unwrap_err(),
        );
    }
}
