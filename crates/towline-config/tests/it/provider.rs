//! The values of a provider.

use crate::{env, llm, llm_fault, write};
use std::time::Duration;
use towline_config::Loader;

const BASE: [(&str, &str); 2] = [("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")];

#[test]
fn every_value_of_a_provider_arrives() {
    let provider = llm(env(&BASE)
        .env([("OPENAI_ORGANIZATION", "org"), ("OPENAI_PROJECT", "proj")])
        .set("towline.openai.api=responses")
        .set("towline.openai.headers.X-Title=Towline")
        .set("towline.openai.context_window=128_000")
        .set("towline.openai.reserve_completion=4096")
        .set("towline.openai.stream_usage=no")
        .set("towline.openai.transport.http2=off")
        .set("towline.transport.idle_timeout=1 min 30 s"));
    assert_eq!(provider.organization(), Some("org"));
    assert_eq!(provider.project(), Some("proj"));
    assert_eq!(provider.api(), Some("responses"));
    let headers: Vec<(&str, &str)> = provider
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(headers, [("x-title", "Towline")]);
    assert_eq!(provider.context_window(), Some(128_000));
    assert_eq!(provider.reserve_completion(), Some(4096));
    assert_eq!(provider.stream_usage(), Some(false));
    assert_eq!(provider.transport().http2(), Some(false));
    assert_eq!(
        provider.transport().idle_timeout(),
        Some(Duration::from_secs(90))
    );
}

#[test]
fn timeouts_come_from_the_section_the_program_the_vendor_in_this_order() {
    let default = llm(env(&BASE)).timeouts();
    assert_eq!(
        (
            default.connect().as_secs(),
            default.request().as_secs(),
            default.stream().as_secs()
        ),
        (10, 300, 600)
    );
    let mistral = || {
        Loader::new()
            .set("towline.llm.model=mistral/m")
            .set("towline.mistral.api_key=k")
    };
    assert_eq!(llm(mistral()).timeouts().request().as_secs(), 120);
    let general = mistral().set("towline.timeouts.request=45 s");
    assert_eq!(llm(general.clone()).timeouts().request().as_secs(), 45);
    let own = general.set("towline.mistral.timeouts.request=1.5 min");
    assert_eq!(llm(own).timeouts().request().as_secs(), 90);
}

#[test]
fn the_usual_proxy_variables_count_by_scheme_and_lower_case_first() {
    let proxy = |variables: &[(&str, &str)], url: &str| {
        let loader = env(variables).env(BASE).env([("OPENAI_BASE_URL", url)]);
        llm(loader)
            .transport()
            .proxy()
            .map(|proxy| proxy.expose().to_owned())
    };
    let all = [
        ("ALL_PROXY", "http://all:1"),
        ("HTTPS_PROXY", "secure:2"),
        ("http_proxy", "http://plain:3"),
    ];
    assert_eq!(
        proxy(&all, "https://x.test").as_deref(),
        Some("http://secure:2")
    );
    assert_eq!(
        proxy(&all, "http://x.test").as_deref(),
        Some("http://plain:3")
    );
    assert_eq!(
        proxy(&all[..1], "http://x.test").as_deref(),
        Some("http://all:1")
    );
    let cases = [
        ("HTTPS_PROXY", "http://upper:1"),
        ("https_proxy", "http://lower:1"),
    ];
    assert_eq!(
        proxy(&cases, "https://x.test").as_deref(),
        Some("http://lower:1")
    );
    // In a CGI program the upper-case name is a header of the caller's.
    let cgi = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
    assert_eq!(proxy(&cgi, "http://x.test"), None);
    let none = [
        ("HTTPS_PROXY", "http://a:1"),
        ("TOWLINE_TRANSPORT_HTTPS_PROXY", "none"),
    ];
    assert_eq!(proxy(&none, "https://x.test"), None);
}

#[test]
fn a_proxy_of_a_higher_layer_outranks_the_one_for_the_scheme() {
    let loader = env(&BASE).env([
        ("HTTPS_PROXY", "http://env:1"),
        ("NO_PROXY", "localhost, .corp ,"),
    ]);
    let provider = llm(loader.set("towline.transport.proxy=http://set:2"));
    assert_eq!(
        provider.transport().proxy().unwrap().expose(),
        "http://set:2"
    );
    assert_eq!(provider.transport().no_proxy(), ["localhost", ".corp"]);
}

#[test]
fn a_socks_proxy_is_a_fault_only_where_it_would_be_used() {
    let socks = [("ALL_PROXY", "socks5://127.0.0.1:1080")];
    assert!(llm_fault(env(&BASE).env(socks)).contains("found a proxy that does not speak http ("));
    let outranked = env(&BASE).env(socks).env([("HTTPS_PROXY", "http://p:1")]);
    assert_eq!(
        llm(outranked).transport().proxy().unwrap().expose(),
        "http://p:1"
    );
    assert!(env(&socks).load().unwrap().llm().unwrap().is_none());
}

#[test]
fn a_proxy_over_https_is_refused_with_what_to_write() {
    for name in ["HTTPS_PROXY", "TOWLINE_OPENAI_TRANSPORT_PROXY"] {
        let loader = env(&BASE).env([(name, "https://user:hunter2@proxy.test:3129")]);
        let error = loader
            .load()
            .and_then(|settings| settings.llm().map(|_| ()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("found a proxy that is reached over https"),
            "{error}"
        );
        assert!(error.contains("write http://"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_setting_of_the_address_is_named_as_it_was_given() {
    let key = |variables: &[(&str, &str)]| llm(env(variables).env(BASE)).address_key().to_owned();
    assert_eq!(key(&[]), "towline.openai.base_url / OPENAI_BASE_URL");
    let named = [
        ("LLM_MODEL", ""),
        ("TOWLINE_PROVIDERS_PROVIDER", "main"),
        ("TOWLINE_PROVIDERS_MAIN_PROVIDER", "openai"),
        ("TOWLINE_PROVIDERS_MAIN_MODEL", "m"),
        ("TOWLINE_PROVIDERS_MAIN_BASE_URL", "http://s"),
    ];
    let provider = llm(env(&BASE).env(named));
    assert!(!provider.is_at_home());
    assert_eq!(
        provider.address_key(),
        "towline.providers.main.base_url / TOWLINE_PROVIDERS_MAIN_BASE_URL"
    );
}

#[test]
fn certificates_are_read_and_a_half_pair_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let ca = write(folder.path(), "ca.pem", "CA");
    let certificate = write(folder.path(), "client.pem", "CERT");
    let key = write(folder.path(), "client.key", "KEY");
    let loader = env(&BASE)
        .set(format!("towline.transport.ca_file={}", ca.display()))
        .set(format!(
            "towline.transport.client_certificate_file={}",
            certificate.display()
        ));
    assert!(
        llm_fault(loader.clone())
            .starts_with("a client certificate needs both certificate and key")
    );
    let provider = llm(loader.set(format!(
        "towline.openai.transport.client-key-file={}",
        key.display()
    )));
    assert_eq!(provider.transport().ca_pem(), Some(&b"CA"[..]));
    assert_eq!(
        provider.transport().client_certificate_pem(),
        Some(&b"CERT"[..])
    );
    assert_eq!(
        provider.transport().client_key_pem().unwrap().expose(),
        "KEY"
    );
    let missing = env(&BASE).set("towline.transport.ca_file=nowhere.pem");
    let fault = llm_fault(missing);
    assert!(
        fault.contains(
            "nowhere.pem cannot be read, there is no such file (towline.transport.ca_file"
        ),
        "{fault}"
    );
}
