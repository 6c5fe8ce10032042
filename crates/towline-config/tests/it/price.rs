//! What models cost.

use crate::{env, llm, load_fault};
use towline_config::{Format, Loader, ProviderSettings};
use towline_core::Cost;

/// Settings with a key of OpenAI's and these prices.
fn priced(prices: &str) -> Loader {
    let key = [("LLM_MODEL", "openai/gpt-4o"), ("OPENAI_API_KEY", "k")];
    env(&key).set(format!("towline.prices={prices}"))
}

/// Each model, and its price of input.
fn inputs(provider: &ProviderSettings) -> Vec<(&str, String)> {
    let prices = provider.prices().iter();
    let input = prices.map(|(model, prices)| (model.as_str(), prices.input()));
    input
        .map(|(model, input)| {
            (
                model,
                input.map_or_else(String::new, |cost| cost.to_string()),
            )
        })
        .collect()
}

#[test]
fn all_four_prices_arrive_and_what_is_not_given_is_not_known() {
    let all = "openai/gpt-4o = input 2.50, output 10, cache_read $1.25, cache_write 0.000001";
    let provider = llm(priced(&format!("{all}; openai/small=output 0")));
    let [(model, prices), (small, free)] = provider.prices() else {
        panic!("{:?}", provider.prices());
    };
    assert_eq!((model.as_str(), small.as_str()), ("gpt-4o", "small"));
    let shown = |price: Option<Cost>| price.map(|price| price.to_string());
    assert_eq!(shown(prices.input()).as_deref(), Some("$2.50"));
    assert_eq!(shown(prices.output()).as_deref(), Some("$10.00"));
    assert_eq!(shown(prices.cache_read()).as_deref(), Some("$1.25"));
    assert_eq!(shown(prices.cache_write()).as_deref(), Some("$0.000001"));
    assert_eq!((free.input(), free.output()), (None, Some(Cost::ZERO)));
}

#[test]
fn a_list_of_a_file_is_read_as_a_variable_is() {
    let file =
        "[towline]\nprices = [\"openai/gpt-4o = input 2.50, output 10\", \"groq/m = input 1\"]\n";
    let key = [("LLM_MODEL", "openai/gpt-4o"), ("OPENAI_API_KEY", "k")];
    let loader = env(&key).text(Format::Toml, "towline.toml", file);
    assert_eq!(inputs(&llm(loader)), [("gpt-4o", "$2.50".to_owned())]);
    let yaml = "towline:\n  prices:\n    - openai/gpt-4o = input 2.50, output 10\n";
    let json = r#"{"towline": {"prices": ["openai/gpt-4o = input 2.50, output 10"]}}"#;
    let hocon = r#"towline.prices = ["openai/gpt-4o = input 2.50, output 10"]"#;
    for (format, name, text) in [
        (Format::Yaml, "towline.yaml", yaml),
        (Format::Json, "towline.json", json),
        (Format::Hocon, "application.conf", hocon),
    ] {
        let loader = env(&key).text(format, name, text);
        assert_eq!(
            inputs(&llm(loader)),
            [("gpt-4o", "$2.50".to_owned())],
            "{name}"
        );
    }
    let variable = [(
        "TOWLINE_PRICES",
        "openai/gpt-4o = input 2.50; groq/m = input 1",
    )];
    assert_eq!(
        inputs(&llm(env(&key).env(variable))),
        [("gpt-4o", "$2.50".to_owned())]
    );
}

#[test]
fn a_higher_layer_replaces_the_list_and_none_empties_it() {
    let key = [("LLM_MODEL", "openai/a"), ("OPENAI_API_KEY", "k")];
    let variable = [("TOWLINE_PRICES", "openai/a = input 1; openai/b = input 2")];
    let lower = env(&key).env(variable);
    assert_eq!(llm(lower.clone()).prices().len(), 2);
    let higher = llm(lower.clone().set("towline.prices=openai/a = input 3;"));
    assert_eq!(inputs(&higher), [("a", "$3.00".to_owned())]);
    assert!(llm(lower.set("towline.prices=none")).prices().is_empty());
}

#[test]
fn a_named_provider_with_the_name_of_a_vendor_takes_none_of_its_prices_away() {
    let both = priced("openai/gpt-4o = input 2")
        .set("towline.providers.openai.provider=groq")
        .set("towline.providers.openai.model=m")
        .set("towline.openai.base_url=http://localhost:8000/v1");
    assert_eq!(inputs(&llm(both)), [("gpt-4o", "$2.00".to_owned())]);
}

#[test]
fn an_embedding_model_has_its_price() {
    let settings = priced("openai/vectors = input 0.02; openai/gpt-4o = input 2")
        .set("towline.embeddings.model=openai/vectors")
        .load()
        .unwrap();
    let embedding = settings.embedding().unwrap().unwrap();
    assert_eq!(embedding.model(), "vectors");
    assert_eq!(inputs(embedding)[0], ("vectors", "$0.02".to_owned()));
}

#[test]
fn a_named_provider_has_its_own_prices_and_those_of_its_vendor_only_at_home() {
    let named = |more: &str| {
        let loader =
            priced("mine/a = input 1; openai/a = input 2; openai/b = input 3; groq/a = input 4");
        let loader = loader
            .set("towline.providers.mine.provider=openai")
            .set("towline.providers.mine.model=a");
        llm(loader.set("towline.llm.model=mine").set(more))
    };
    let home = named("towline.providers.mine.context_window=1000");
    let expected = [("a", "$2.00"), ("b", "$3.00"), ("a", "$1.00")];
    assert_eq!(
        inputs(&home),
        expected.map(|(model, price)| (model, price.to_owned()))
    );
    let away = named("towline.providers.mine.base_url=http://localhost:8000/v1");
    assert_eq!(inputs(&away), [("a", "$1.00".to_owned())]);
    // Who says another address of the vendor itself means that one.
    let moved =
        priced("openai/gpt-4o = input 2").set("towline.openai.base_url=http://localhost:8000/v1");
    assert_eq!(inputs(&llm(moved)), [("gpt-4o", "$2.00".to_owned())]);
}

#[test]
fn what_is_no_price_says_which_entry_and_why() {
    for (prices, why) in [
        ("gpt-4o = input 1", "'gpt-4o' is no provider and model"),
        ("openia/gpt-4o = input 1", "did you mean openai/gpt-4o?"),
        ("openai/ = input 1", "Missing model name"),
        ("openai/a", "entry 1 without `=`"),
        (
            "openai/a = input 1; openai/b =",
            "entry 2 with a part that is no name and price",
        ),
        (
            "openai/a = input 1 output 2",
            "entry 1 with a part that is no name and price",
        ),
        (
            "openai/a = in 1",
            "a name that is not input, output, cache_read or cache_write",
        ),
        (
            "openai/a = input free",
            "a price that is no number such as 2.50",
        ),
        ("openai/a = input -1", "a price below 0"),
        (
            "openai/a = input 0.0000000000001",
            "a price of more than twelve decimals",
        ),
        ("openai/a = input 99999999", "a price above 18 million"),
        ("openai/a = input 1, input 2", "two prices of one name"),
        (
            "openai/a = input 1; OpenAI/a = output 2",
            "has prices twice",
        ),
    ] {
        let fault = load_fault(priced(prices)).to_string();
        assert!(fault.contains(why), "{prices}: {fault}");
        assert!(fault.contains("TOWLINE_PRICES"), "{fault}");
    }
}
