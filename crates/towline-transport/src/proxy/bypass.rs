//! The rules of `NO_PROXY`.

use crate::fault;
use std::{fmt, net::IpAddr};
use towline_core::Error;

/// The hosts that are reached without the proxy.
#[derive(Clone, Default)]
pub(super) struct Bypass {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    what: What,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum What {
    Everything,
    /// This host and those below it.
    Domain(String),
    /// Those below it. Begins with the dot.
    Below(String),
    Network {
        address: IpAddr,
        prefix: u32,
    },
}

// === impl Bypass ===

impl Bypass {
    pub(super) fn parse(lists: &[String]) -> Result<Self, Error> {
        let entries = lists
            .iter()
            .flat_map(|list| list.split(|c: char| c == ',' || c.is_whitespace()));
        let rules = entries.filter(|entry| !entry.is_empty()).map(Rule::parse);
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// `host` as in a URL, IPv6 with or without brackets.
    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .trim_end_matches('.');
        let host = host.to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|wanted| wanted == port) && rule.what.matches(&host, address)
        })
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

// === impl Rule ===

impl Rule {
    fn parse(entry: &str) -> Result<Self, Error> {
        let unreadable = || {
            fault::config(format!(
                "the proxy exception {entry:?} is unreadable: it must be a host, .suffix, address, \
                 network/bits or *, with :port or without"
            ))
        };
        let (name, port) = split_port(entry).ok_or_else(unreadable)?;
        let name = name.to_ascii_lowercase();
        let what = if name == "*" {
            What::Everything
        } else if let Some((address, bits)) = name.split_once('/') {
            network(address, bits).ok_or_else(unreadable)?
        } else if let Ok(address) = name.parse::<IpAddr>() {
            let prefix = width(address);
            What::Network { address, prefix }
        } else if let Some(suffix) = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            What::Below(format!(".{}", suffix.trim_end_matches('.')))
        } else {
            What::Domain(name.trim_end_matches('.').to_owned())
        };
        Ok(Self { what, port })
    }
}

// === impl What ===

impl What {
    fn matches(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Self::Everything => true,
            Self::Domain(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            Self::Below(suffix) => host.ends_with(suffix.as_str()),
            Self::Network {
                address: network,
                prefix,
            } => address.is_some_and(|address| within(address, *network, *prefix)),
        }
    }
}

/// `host:8080`, `[::1]:8080`, `[::1]`, `::1`, `host`.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None => after.is_empty().then_some((address, None)),
        };
    }
    match entry.split_once(':') {
        // More than one colon: an address without brackets has no port.
        Some((_, rest)) if rest.contains(':') => Some((entry, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((entry, None)),
    }
}

fn network(address: &str, bits: &str) -> Option<What> {
    let address: IpAddr = address.parse().ok()?;
    let prefix = bits.parse().ok().filter(|bits| *bits <= width(address))?;
    Some(What::Network { address, prefix })
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether the first `prefix` bits are the same.
fn within(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (address.to_canonical(), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = u32::from(address) ^ u32::from(network);
            differing.leading_zeros() >= prefix
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = u128::from(address) ^ u128::from(network);
            differing.leading_zeros() >= prefix
        }
        _ => false,
    }
}
