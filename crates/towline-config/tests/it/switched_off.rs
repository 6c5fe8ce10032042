//! A format that is off gives a clear fault.

use crate::load_fault;
use towline_config::{Format, Loader};

#[test]
fn a_file_of_a_format_that_is_off_says_which_feature_it_needs() {
    for (format, feature, on) in [
        (Format::Toml, "toml", cfg!(feature = "toml")),
        (Format::Yaml, "yaml", cfg!(feature = "yaml")),
        (Format::Json, "json", cfg!(feature = "json")),
        (Format::Hocon, "hocon", cfg!(feature = "hocon")),
        (Format::DotEnv, "dotenv", cfg!(feature = "dotenv")),
    ] {
        if !on {
            let error = load_fault(Loader::new().text(format, "settings", "")).to_string();
            assert_eq!(
                error,
                format!(
                    "{format} files cannot be read by this build, from settings: \
                     switch on the feature '{feature}' of towline-config"
                )
            );
        }
    }
}
