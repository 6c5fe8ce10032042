//! Where calls go.

use http::Uri;
use std::fmt::Write as _;
use towline_core::{Error, ErrorKind};

/// Where the calls of one kind go: always to the same place, or to one for each model.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Fixed(Uri),
    ByModel { before: String, after: String },
}

/// Stands for the model.
const MODEL: &str = "{model}";

// === impl Endpoint ===

impl Endpoint {
    /// `path` below `base`.
    pub(super) fn new(base: &str, path: &str) -> Result<Self, Error> {
        let whole = format!("{base}/{}", path.trim_start_matches('/'));
        let endpoint = match whole.split_once(MODEL) {
            None => return Ok(Self::Fixed(parse(&whole)?)),
            Some((before, after)) => Self::ByModel {
                before: before.to_owned(),
                after: after.to_owned(),
            },
        };
        endpoint.uri("model").map(|_| endpoint)
    }

    /// The place for `model`.
    pub(crate) fn uri(&self, model: &str) -> Result<Uri, Error> {
        match self {
            Self::Fixed(uri) => Ok(uri.clone()),
            Self::ByModel { before, after } => {
                if model.is_empty() {
                    return Err(Error::new(ErrorKind::InvalidRequest).with_message(
                        "the request names no model, which is a part of the address here",
                    ));
                }
                let mut uri = String::with_capacity(before.len() + model.len() + after.len());
                uri.push_str(before);
                encode(model, &mut uri);
                uri.push_str(after);
                parse(&uri)
            }
        }
    }
}

/// Appends `segment`, every byte that is not unreserved percent-encoded: no name leaves its place
/// in the path.
fn encode(segment: &str, out: &mut String) {
    // Dots alone mean this folder, or the one above.
    let dots = segment.bytes().all(|byte| byte == b'.');
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && !dots) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
}

fn parse(uri: &str) -> Result<Uri, Error> {
    uri.parse().map_err(|cause| {
        Error::new(ErrorKind::Config)
            .with_message(format!("`{uri}` is not a path"))
            .with_source(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use proptest::prelude::*;
    use towline_core::ErrorKind;

    #[test]
    fn a_path_without_a_model_is_the_same_for_all() {
        let endpoint = Endpoint::new("/v1", "chat/completions?api-version=1").unwrap();
        assert!(matches!(endpoint, Endpoint::Fixed(_)));
        assert_eq!(
            endpoint.uri("m").unwrap(),
            "/v1/chat/completions?api-version=1"
        );
        let error = Endpoint::new("", "a b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().unwrap().contains("a b"), "{error}");
    }

    #[test]
    fn a_model_stands_in_its_place_and_nowhere_else() {
        let endpoint = Endpoint::new("/x", "/d/{model}/chat?v=1").unwrap();
        let uri = |model| endpoint.uri(model).unwrap().to_string();
        assert_eq!(uri("gpt-4.1_a~"), "/x/d/gpt-4.1_a~/chat?v=1");
        assert_eq!(uri("a/b?c#d e%"), "/x/d/a%2Fb%3Fc%23d%20e%25/chat?v=1");
        assert_eq!(uri(".."), "/x/d/%2E%2E/chat?v=1");
        assert_eq!(uri("\u{fc}"), "/x/d/%C3%BC/chat?v=1");
        assert_eq!(
            endpoint.uri("").unwrap_err().kind(),
            ErrorKind::InvalidRequest
        );
    }

    proptest! {
        #[test]
        fn every_model_makes_an_address_of_the_same_shape(model in "\\PC{1,20}") {
            let endpoint = Endpoint::new("/x", "d/{model}/chat?v=1").unwrap();
            let uri = endpoint.uri(&model).unwrap();
            prop_assert_eq!(uri.path().matches('/').count(), 4);
            prop_assert_eq!(uri.query(), Some("v=1"));
        }
    }
}
