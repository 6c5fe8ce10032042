//! The reference page, written from the table.

use crate::{
    key::{
        Kind, named_fields,
        table::{EMBEDDING, Field, GLOBAL, RETRY_PRESETS, SECTION, STACK, TARGET},
    },
    stack::LINTS,
    vendor::{Home, KeyRule, Vendor},
};
use std::fmt::Write as _;

/// The page `docs/configuration.md` in Markdown: every key with type, default, variables and meaning.
///
/// # Examples
///
/// ```
/// assert!(towline_config::reference().contains("`LLM_MODEL`"));
/// ```
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Keys of the whole program\n\n");
    table(&mut page, "towline.", GLOBAL);
    page.push_str(TARGETS);
    table(&mut page, "towline.", TARGET);
    page.push_str(PRESETS);
    presets(&mut page);
    page.push_str(STACKS);
    table(&mut page, "towline.", STACK);
    page.push_str(WARNINGS);
    lints(&mut page);
    page.push_str(SECTIONS);
    table(&mut page, "towline.<section>.", SECTION);
    page.push_str(VENDORS);
    vendors(&mut page);
    page.push_str(EMBEDDINGS);
    table(&mut page, "towline.embeddings.<vendor>.", EMBEDDING);
    page.push_str(NAMED);
    let fields: Vec<String> = named_fields().map(|field| format!("`{field}`")).collect();
    let _infallible = writeln!(page, "Fields: {}.", fields.join(", "));
    page
}

const INTRODUCTION: &str = "# Configuration

This page is written from the table of keys in `towline-config`. Do not edit it; run
`cargo run -q -p towline-config --all-features --example reference > docs/configuration.md`.

## Where values come from

For every key, highest first:

| layer | example |
|---|---|
| override on the command line | `--set towline.llm.model=openai/gpt-4o` |
| environment | `TOWLINE_LLM_MODEL`, then the names of the tables below in their order |
| `.env` | the same names |
| settings file | `towline.toml`, `.yaml`, `.yml`, `.json` or `.conf`; below it `application.conf` |
| default | the tables below |

- A settings file holds its keys under `towline` or `llm4s`, in kebab, camel or snake case. The
  variable `TOWLINE_CONFIG` names a file; then none is looked for. In a `.env` file it counts from the
  folder of that file.
- Every key has the variable `TOWLINE_<KEY>`, in upper case with `_` for `.`; it goes before the other
  names of the key.
- The values of secrets and headers, and of an address user, password and query, are shown to nobody. A
  base URL has none of them.
- Every key `x` of type secret has a twin `x_file`, in the environment `X_FILE`: the path of a file whose content,
  trimmed, is the secret. The file of an API key is read again when it changes.
- In a file `${NAME}` is replaced by a variable, and it is a fault when that is not set; `${?NAME}`
  leaves the key out then; `$${` is a plain `${`. HOCON has its own rules for the same signs.
- In a `.env` file `${NAME}` works outside single quotes; a `$` without brace is itself.
- Blank values count as missing. Values are trimmed.
- A duration is a number and a unit: `500 ms`, `30 s`, `2 min`, `1 h 30 min`. A bare number is refused.
- A share is a decimal or a percentage, `0.05` or `5%`, with at most six decimals. `off` turns a limit
  off where the type says so.
- A list is a list of the format, or text with commas. Phrases may hold commas: as text they stand one
  on a line. `none` is the empty list of models, so that a higher layer can take back a lower one's.
- A `.env` file may hold what other programs need: what is wrong there is a fault only in the names of
  this page, else a warning.
- Unknown keys are faults. An unknown `TOWLINE_` variable is a fault when it is nearly a known one,
  else a warning, since other programs and Kubernetes set such names too.
- Only the section of the selected provider must be complete. What is wrong in others is a warning.
";

const TARGETS: &str = "
## Keys of a call, of the whole program or of one provider

These tell the layers around a call what to do. Each may stand in a provider section too, such as
`towline.openai.limit.tokens_per_minute`, and goes before the key of the whole program there.

";

const PRESETS: &str = "
`retry.preset` has the names of the LLM4S guide, and `conservative` and `aggressive` its attempts and
delays. Its default has a first delay of `1 s` and a longest one of `32 s`. The guide's other values of
the same presets have keys of their own: for `conservative` set `breaker.failures` to 3,
`breaker.cooldown` to `60 s`, `breaker.successes` to 3 and `timeout.total` to `10 min`; for `aggressive`
10, `15 s`, 1 and `3 min`. The deadline of its default is `5 min`.

";

const STACKS: &str = "
## Keys of the layers that see all providers

";

const WARNINGS: &str = "
## Warnings about keys that do not fit together

What cannot be, such as a base delay above the longest delay, is a fault. What can be and is probably
not meant is a warning with one of these names.

";

const SECTIONS: &str = "
## Keys of a provider section

A section is `towline.<vendor>`, or `towline.providers.<name>` for a named provider. Fields that are
marked with vendors exist only in those vendors' sections; a named provider may have them all. A key of
the section goes before the key of the whole program with the same end. A section may also have
`balance.weight`, and every key of `timeout`, `retry`, `limit`, `concurrency` and `breaker` above but
`limit.per_tenant`.

`towline.credentials.<vendor>.api_key` is a key that all sections of the vendor share. A named
section's own key goes before it.

";

const VENDORS: &str = "
## Vendors

`provider/model` takes the part before the first `/` as vendor, in any case. A model without vendor
is one of OpenAI, or of OpenRouter when the base URL of OpenAI is that of OpenRouter.

";

const EMBEDDINGS: &str = "
## Keys of embeddings

What is missing here is taken from the vendor's own section. Variables of this form exist for OpenAI,
Voyage and Ollama: `OPENAI_EMBEDDING_MODEL`, `OPENAI_EMBEDDING_BASE_URL`, `OPENAI_EMBEDDING_API_KEY`.
Defaults for Ollama: `http://localhost:11434` and `nomic-embed-text`.

";

const NAMED: &str = "
## Named providers

`towline.providers.provider` names the one to use, every other key under `towline.providers` is a
section. `TOWLINE_PROVIDERS_<NAME>_<FIELD>` sets a field. Where a named provider and `llm.model` are both
chosen, the higher layer wins; in one layer they must agree.

```toml
[towline.providers]
provider = \"main\"

[towline.providers.main]
provider = \"openai\"
model = \"gpt-4o\"
api-key = \"${OPENAI_API_KEY}\"
```

";

fn table(page: &mut String, prefix: &str, fields: &[Field]) {
    page.push_str("| key | type | default | variables | meaning |\n|---|---|---|---|---|\n");
    for field in fields {
        row(page, prefix, field);
    }
}

fn row(page: &mut String, prefix: &str, field: &Field) {
    let default = field
        .default
        .map_or_else(String::new, |text| format!("`{text}`"));
    let names: Vec<String> = field.env.iter().map(|name| format!("`{name}`")).collect();
    let mut meaning = field.doc.to_owned();
    if !field.vendors.is_empty() {
        let _infallible = write!(meaning, " Only {}.", field.vendors.join(", "));
    }
    if field.named_only {
        meaning.push_str(" Only named providers.");
    }
    if field.kind == Kind::Secret {
        let _infallible = write!(meaning, " Or `{}_file`.", field.name);
    }
    if !field.used {
        meaning.push_str(" Checked; no effect in this version.");
    }
    let _infallible = writeln!(
        page,
        "| `{prefix}{}` | {} | {default} | {} | {meaning} |",
        field.name,
        field.kind.title(),
        names.join(", "),
    );
}

fn presets(page: &mut String) {
    page.push_str("| preset | sets |\n|---|---|\n");
    for (name, values) in RETRY_PRESETS {
        let values: Vec<String> = values
            .iter()
            .map(|(field, text)| format!("`retry.{field}` = `{text}`"))
            .collect();
        let _infallible = writeln!(page, "| `{name}` | {} |", values.join(", "));
    }
}

fn lints(page: &mut String) {
    page.push_str("| warning | when |\n|---|---|\n");
    for (name, when) in LINTS {
        let _infallible = writeln!(page, "| `{name}` | {when} |");
    }
}

fn vendors(page: &mut String) {
    page.push_str(
        "| vendor | address | key | `timeouts.request` | variables |\n|---|---|---|---|---|\n",
    );
    for vendor in Vendor::all() {
        let row = vendor.row();
        let mut name = format!("`{}`", row.id);
        for alias in row.aliases {
            let _infallible = write!(name, ", `{alias}`");
        }
        let address = match row.home {
            Home::At(url) => format!("`{url}`"),
            Home::Given(example) => format!("`base_url` needed, such as `{example}`"),
            Home::Endpoint(example) => format!("`endpoint` needed, such as `{example}`"),
            Home::Derived => "by region".to_owned(),
        };
        let key = match row.key {
            KeyRule::Always => "needed",
            KeyRule::AtHome => "needed at this address",
            KeyRule::Optional => "optional",
        };
        let variables: Vec<String> = row
            .env
            .iter()
            .map(|(field, names)| {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("{field}: {}", names.join(", "))
            })
            .collect();
        let _infallible = writeln!(
            page,
            "| {name} | {address} | {key} | `{}` | {} |",
            row.request,
            variables.join("; "),
        );
    }
}
