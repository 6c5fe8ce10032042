//! Addresses of servers and proxies.

use super::Mismatch;
use towline_core::Secret;

/// An address with a host and without blanks.
pub(super) fn url(text: String) -> Result<String, Mismatch> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if !host.is_empty() && !text.contains(char::is_whitespace) => Ok(text),
        Some(_) => Err(Mismatch::found(
            "an address without a host, or with blanks in it",
        )),
        None => Err(Mismatch::found(
            "text that does not begin with http:// or https://",
        )),
    }
}

/// What is refused is not repeated: a key is what people put there.
pub(super) fn base_url(text: String) -> Result<String, Mismatch> {
    let text = url(text)?;
    let (address, fragment) = text.split_once('#').unwrap_or((&text, ""));
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let authority = address.split('/').nth(2).unwrap_or_default();
    let (found, hint) = if authority.contains('@') {
        (
            "one with user and password",
            "leave them out; a key goes into api_key, anything else into headers",
        )
    } else if !query.is_empty() || text.contains('?') {
        (
            "one with a query",
            "leave out the '?' and what follows; a key goes into api_key, a version into \
             api_version",
        )
    } else if !fragment.is_empty() || text.contains('#') {
        ("one with a fragment", "leave out the '#' and what follows")
    } else {
        return Ok(text);
    };
    Err(Mismatch::found(found).hint(hint))
}

/// `host:3128` is short for `http://host:3128`, as in the usual variables.
pub(super) fn proxy(text: &str) -> Result<Secret, Mismatch> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Secret::new("none"));
    }
    let full = match text.split_once("://") {
        Some(("http", _)) => text.to_owned(),
        Some(("https", _)) => {
            return Err(Mismatch::found("a proxy that is reached over https").hint(
                "write http:// and the port at which the proxy takes plain connections; what goes \
                 to https addresses stays encrypted on its way through it",
            ));
        }
        Some(_) => {
            return Err(Mismatch::found("a proxy that does not speak http")
                .hint("only http proxies can be used; none turns it off"));
        }
        None => format!("http://{text}"),
    };
    url(full).map(Secret::new)
}
