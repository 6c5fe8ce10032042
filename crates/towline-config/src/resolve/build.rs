//! Building one provider from its sections, complete or with all its faults.

use super::{
    book::{Book, mismatched, of_key},
    section::Sections,
    spec::{Purpose, Target},
};
use crate::{
    error::Fault,
    key::{Key, Kind, check},
    provider::{ProviderSettings, Timeouts},
    transport::TransportSettings,
    vendor::{Home, KeyRule, Vendor},
};
use figment::value::Value;
use std::time::Duration;
use towline_core::Secret;

/// A provider or its faults, the sections that were read, and what is odd.
pub(super) struct Built {
    pub(super) outcome: Result<ProviderSettings, Vec<Fault>>,
    pub(super) sections: Vec<String>,
    pub(super) warning: Option<String>,
}

/// A provider on its way.
struct Build<'a> {
    sections: Sections<'a>,
    name: String,
    vendor: Vendor,
    model: String,
    inferred: bool,
}

/// Where a provider is reached.
#[derive(Default)]
struct Address {
    base_url: Option<String>,
    endpoint: Option<String>,
    /// Whether it is the vendor's own.
    at_home: bool,
}

// === impl Built ===

impl Built {
    /// Builds the provider of a target.
    pub(super) fn of(book: &Book, target: &Target, purpose: Purpose) -> Self {
        let build = match target {
            Target::Vendor {
                vendor,
                model,
                inferred,
            } => Build {
                sections: sections(book, None, *vendor, purpose),
                name: vendor.as_str().to_owned(),
                vendor: *vendor,
                model: model.clone(),
                inferred: *inferred,
            },
            Target::Named { name, model } => {
                match Build::named(book, name, model.as_deref(), purpose) {
                    Ok(build) => build,
                    Err(faults) => {
                        return Self {
                            outcome: Err(faults),
                            sections: vec![format!("providers.{name}")],
                            warning: None,
                        };
                    }
                }
            }
        };
        let mut built = build.finish();
        if let Ok(provider) = &mut built.outcome {
            provider.prices = book.prices_of(target, provider);
        }
        built
    }
}

// === impl Build ===

impl<'a> Build<'a> {
    /// A named provider must say its vendor, and its model unless one is given.
    fn named(
        book: &'a Book,
        name: &str,
        model: Option<&str>,
        purpose: Purpose,
    ) -> Result<Self, Vec<Fault>> {
        let shown = book
            .provider_names()
            .remove(name)
            .unwrap_or_else(|| name.to_owned());
        let section = format!("providers.{name}");
        let own = Sections::new(book, &[section], &[]);
        let field = |field: &str| own.set_text(field).map(|(text, _)| text);
        let mut faults = Vec::new();
        let mut fault = |field: &str, what: &str, remedy: &str| {
            let problem = format!("Configured provider '{shown}' {what}");
            // What is of the wrong type is a fault already, and not missing.
            if !own.is_bad(field) {
                faults.push(of_key(&own.key(field), problem, remedy));
            }
        };
        let vendor = field("provider").and_then(Vendor::find);
        match field("provider") {
            None => fault(
                "provider",
                "is missing required field 'provider'",
                "name the vendor, such as openai",
            ),
            Some(text) if vendor.is_none() => {
                let what = format!("has unknown provider '{text}'");
                fault("provider", &what, &vendors_remedy(text));
            }
            Some(_) => {}
        }
        let model = model.or_else(|| field("model"));
        if model.is_none() {
            fault(
                "model",
                "is missing required field 'model'",
                "name the model to use",
            );
        }
        match (vendor, model) {
            (Some(vendor), Some(model)) => Ok(Self {
                sections: sections(book, Some(name), vendor, purpose),
                name: shown,
                vendor,
                model: model.to_owned(),
                inferred: false,
            }),
            _ => Err(faults),
        }
    }

    fn finish(mut self) -> Built {
        let sections = self.sections.names();
        let warning = self.borrowed_key();
        let address = self.address();
        let api_key = self.api_key(&address);
        let transport = self.transport(&address);
        let timeouts = self.timeouts();
        let target = self.sections.target();
        for contradiction in self.sections.contradictions(&target) {
            self.sections.fault(contradiction);
        }
        let address_key = self.address_key(&address);
        let api_version = self
            .sections
            .text("api_version")
            .map(|version| wire_version(&version));
        let provider = ProviderSettings {
            headers: self.sections.headers(),
            organization: self.sections.text("organization"),
            project: self.sections.text("project"),
            api: self.sections.text("api"),
            context_window: self.sections.count("context_window"),
            reserve_completion: self.sections.count("reserve_completion"),
            prices: Vec::new(),
            stream_usage: self.sections.flag("stream_usage"),
            name: self.name,
            vendor: self.vendor,
            model: self.model,
            at_home: address.at_home,
            base_url: address.base_url,
            endpoint: address.endpoint,
            api_version: api_version.filter(|_| self.vendor == "azure"),
            api_key_file: self.sections.key_file().filter(|_| api_key.is_some()),
            key_is_token: self.sections.has_token(),
            base_model: self.sections.text("base_model"),
            api_key_origin: self.sections.key_origin().filter(|_| api_key.is_some()),
            address_key,
            api_key,
            timeouts,
            transport,
            target,
        };
        let faults = self.sections.into_faults();
        let outcome = if faults.is_empty() {
            Ok(provider)
        } else {
            Err(faults)
        };
        Built {
            outcome,
            sections,
            warning,
        }
    }

    /// `OpenRouter` takes the key of the OpenAI section when it has none: meant for those who reached
    /// it that way, and worth a word to others.
    fn borrowed_key(&self) -> Option<String> {
        let url = self.sections.general_text("openai.base_url");
        let meant = url.is_some_and(|url| url.contains("openrouter.ai"));
        let section = self.sections.key_section()?;
        let borrowed = matches!(section.as_str(), "openai" | "credentials.openai");
        (self.vendor == "openrouter" && borrowed && !meant).then(|| {
            "OpenRouter is given the key of the OpenAI section: set OPENROUTER_API_KEY".to_owned()
        })
    }

    fn address(&mut self) -> Address {
        let base_url = self.base_url();
        let endpoint = self.endpoint();
        let at_home = match (self.vendor.default_base_url(), &base_url) {
            (Some(own), Some(url)) => host(own) == host(url),
            (None, Some(_)) => false,
            (_, None) => true,
        };
        match self.vendor.row().home {
            Home::Given(example) if base_url.is_none() => self.missing_address("base_url", example),
            Home::Endpoint(example) if base_url.is_none() && endpoint.is_none() => {
                self.missing_address("endpoint", example);
            }
            Home::At(_) | Home::Given(_) | Home::Endpoint(_) | Home::Derived => {}
        }
        Address {
            base_url,
            endpoint,
            at_home,
        }
    }

    /// The key that sets the address, with the variables worth naming.
    fn address_key(&self, address: &Address) -> String {
        let by_endpoint = matches!(self.vendor.row().home, Home::Endpoint(_));
        let field = match &address.base_url {
            None if by_endpoint => "endpoint",
            _ => "base_url",
        };
        let key = self.sections.key_of(field);
        format!("{} / {}", key.full(), key.shown_variables().join(" or "))
    }

    /// The field is plain text, since LLM4S keeps the project of Vertex AI in it. Where it is an
    /// address it has to be one.
    fn endpoint(&mut self) -> Option<String> {
        let text = self.sections.text("endpoint")?;
        let is_address = matches!(self.vendor.row().home, Home::Endpoint(_));
        if let (true, Err(mismatch)) = (is_address, check(Kind::BaseUrl, &Value::from(&*text))) {
            let key = self.sections.key_of("endpoint");
            self.sections
                .fault(mismatched(&key, Kind::BaseUrl, mismatch));
        }
        Some(without_slash(&text))
    }

    fn base_url(&self) -> Option<String> {
        // OpenRouter was reached through the section of OpenAI before it had one of its own.
        let through_openai = || {
            let url = self.sections.general_text("openai.base_url")?;
            let router = self.vendor == "openrouter" && url.contains("openrouter.ai");
            router.then(|| url.to_owned())
        };
        let own = self
            .sections
            .set_text("base_url")
            .map(|(url, _)| url.to_owned());
        own.or_else(through_openai)
            .or_else(|| self.sections.text("base_url"))
            .map(|url| without_slash(&url))
    }

    fn missing_address(&mut self, field: &str, example: &str) {
        if self.sections.is_bad(field) {
            return;
        }
        let key = self.sections.key(field);
        let what = field.replace("base_url", "base URL");
        let problem = format!("Missing {} {what}", self.vendor.title());
        let remedy = format!("for example {}={example}", first_variable(&key));
        self.sections.fault(of_key(&key, problem, remedy));
    }

    fn api_key(&mut self, address: &Address) -> Option<Secret> {
        let api_key = self.sections.api_key();
        let required = match self.vendor.row().key {
            KeyRule::Always => true,
            KeyRule::AtHome => address.at_home,
            KeyRule::Optional => false,
        };
        let known =
            api_key.is_some() || self.sections.has_bad_key() || self.sections.is_incomplete();
        if required && !known {
            let key = self.sections.key("api_key");
            let problem = format!("Missing {} API key", self.vendor.title());
            let remedy = self.key_remedy(&key);
            self.sections.fault(of_key(&key, problem, remedy));
        }
        api_key
    }

    fn key_remedy(&self, key: &Key) -> String {
        let variable = first_variable(key);
        let mut remedy =
            format!("set {variable}, or {variable}_FILE to the path of a file that holds it");
        let own_server = self.vendor.row().key == KeyRule::AtHome;
        if self.inferred {
            remedy.push_str("; for another vendor write vendor/model in LLM_MODEL");
        } else if own_server {
            let base_url = self.sections.key("base_url");
            remedy.push_str("; a server of your own needs only ");
            remedy.push_str(&first_variable(&base_url));
        }
        remedy
    }

    fn timeouts(&self) -> Timeouts {
        // The table has a default for each; these are for the reader.
        let get = |field: &str, default: u64| {
            self.sections
                .duration(field)
                .unwrap_or_else(|| Duration::from_secs(default))
        };
        Timeouts {
            connect: get("timeouts.connect", 10),
            request: get("timeouts.request", 300),
            stream: get("timeouts.stream", 600),
        }
    }

    fn transport(&mut self, address: &Address) -> TransportSettings {
        let url = address.base_url.as_deref().or(address.endpoint.as_deref());
        let scheme = match url {
            Some(url) if url.starts_with("http://") => "http",
            Some(_) | None => "https",
        };
        let certificate = self.sections.file("transport.client_certificate_file");
        let key = self.client_key();
        self.check_pair();
        TransportSettings {
            proxy: self.sections.proxy(scheme),
            no_proxy: self.sections.list("transport.no_proxy"),
            ca_pem: self.sections.file("transport.ca_file"),
            client_certificate_pem: certificate,
            client_key_pem: key,
            http2: self.sections.flag("transport.http2"),
            idle_timeout: self.sections.duration("transport.idle_timeout"),
        }
    }

    fn client_key(&mut self) -> Option<Secret> {
        let bytes = self.sections.file("transport.client_key_file")?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(Secret::new(text)),
            Err(_) => {
                let key = self.sections.key("transport.client_key_file");
                let remedy = "name a file that begins with -----BEGIN; openssl pkey -inform DER \
                              makes one of a key in DER";
                self.sections
                    .fault(of_key(&key, "the file is not PEM text", remedy));
                None
            }
        }
    }

    /// A certificate is of no use without its key, and the other way round.
    fn check_pair(&mut self) {
        let fields = [
            "transport.client_certificate_file",
            "transport.client_key_file",
        ];
        let [certificate, key] = fields.map(|field| self.sections.text(field).is_some());
        let missing = match (certificate, key) {
            (true, false) => "transport.client_key_file",
            (false, true) => "transport.client_certificate_file",
            (true, true) | (false, false) => return,
        };
        let key = self.sections.key(missing);
        self.sections.fault(of_key(
            &key,
            "a client certificate needs both certificate and key",
            "set this one too",
        ));
    }
}

/// What to write instead of a vendor that is not known.
fn vendors_remedy(text: &str) -> String {
    nearest_vendor(text).map_or_else(known_vendors, |vendor| format!("did you mean {vendor}?"))
}

/// The vendor that was probably meant.
pub(super) fn nearest_vendor(text: &str) -> Option<Vendor> {
    let text = text.to_lowercase();
    Vendor::all()
        .map(|vendor| (strsim::jaro_winkler(vendor.as_str(), &text), vendor))
        .filter(|(alike, _)| *alike > 0.85)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, vendor)| vendor)
}

/// The vendors there are, as a remedy.
pub(super) fn known_vendors() -> String {
    let known: Vec<&str> = Vendor::all().map(Vendor::as_str).collect();
    format!("known are {}", known.join(", "))
}

/// The sections of a provider, nearest first.
fn sections<'a>(
    book: &'a Book,
    name: Option<&str>,
    vendor: Vendor,
    purpose: Purpose,
) -> Sections<'a> {
    let section = vendor.section();
    let own = match (name, purpose) {
        (Some(name), _) => Some(format!("providers.{name}")),
        (None, Purpose::Embedding) => Some(format!("embeddings.{section}")),
        (None, Purpose::Chat) => None,
    };
    let mut groups: Vec<Vec<String>> = own.iter().map(|own| vec![own.clone()]).collect();
    groups.push(vec![section.clone(), format!("credentials.{section}")]);
    if vendor == "openrouter" {
        groups.push(vec!["openai".to_owned(), "credentials.openai".to_owned()]);
    }
    let scopes: Vec<String> = own.into_iter().chain([section]).collect();
    Sections::new(book, &scopes, &groups)
}

/// The variable to name in an example.
fn first_variable(key: &Key) -> String {
    key.guide.first().cloned().unwrap_or_else(|| key.generic())
}

fn without_slash(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// The host of an address, without user, port and case.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_lowercase()
}

/// `V2025_01_01_PREVIEW`, a name of an SDK, is `2025-01-01-preview` on the wire.
fn wire_version(version: &str) -> String {
    let lower = version.to_lowercase().replace('_', "-");
    match lower.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        _ => lower,
    }
}
