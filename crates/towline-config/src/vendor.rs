//! The vendors that a model spec or a section may name, and what each needs.
//!
//! Source: the vendors' API documentation and the LLM4S production guide; addresses and variable
//! names checked 2026-11-24.

use std::fmt;

/// A vendor, by its canonical lower-case name such as `openai` or `openai-compatible`.
///
/// # Examples
///
/// ```
/// use towline_config::Vendor;
///
/// let vendor = Vendor::find("google").expect("an alias of gemini");
/// assert_eq!(vendor, "gemini");
/// assert!(vendor.default_base_url().is_some());
/// ```
#[derive(Clone, Copy)]
pub struct Vendor {
    row: &'static Row,
}

/// When a vendor's section needs a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyRule {
    /// Whatever the address.
    Always,
    /// At the vendor's own address. Another address is a server of one's own.
    AtHome,
    /// The vendor knows other credentials, or none.
    Optional,
}

/// Where a vendor is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Home {
    /// At this address unless the settings say otherwise.
    At(&'static str),
    /// At an address that only the settings know; the text is an example.
    Given(&'static str),
    /// At an endpoint of the customer's own; the text is an example.
    Endpoint(&'static str),
    /// At an address made from region, location or account.
    Derived,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) home: Home,
    pub(crate) key: KeyRule,
    /// Seconds that a call without streaming may take, by the guide's constants.
    pub(crate) request: &'static str,
    /// Guide and vendor names of variables, per field of the section. First wins.
    pub(crate) env: &'static [(&'static str, &'static [&'static str])],
}

/// A row whose variables are all of the pattern `<NAME>_API_KEY`, `<NAME>_BASE_URL`.
macro_rules! hosted {
    ($id:literal, $title:literal, $prefix:literal, $url:literal, $request:literal $(, $alias:literal)*) => {
        Row {
            id: $id,
            title: $title,
            aliases: &[$($alias),*],
            home: Home::At($url),
            key: KeyRule::AtHome,
            request: $request,
            env: &[
                ("api_key", &[concat!($prefix, "_API_KEY")]),
                ("base_url", &[concat!($prefix, "_BASE_URL")]),
            ],
        }
    };
}

/// A server that one runs oneself.
macro_rules! local {
    ($id:literal, $title:literal, $prefix:literal, $example:literal, $request:literal $(, $alias:literal)*) => {
        Row {
            id: $id,
            title: $title,
            aliases: &[$($alias),*],
            home: Home::Given($example),
            key: KeyRule::Optional,
            request: $request,
            env: &[
                ("api_key", &[concat!($prefix, "_API_KEY")]),
                ("base_url", &[concat!($prefix, "_BASE_URL")]),
            ],
        }
    };
}

const OPENAI: Row = Row {
    id: "openai",
    title: "OpenAI",
    aliases: &[],
    home: Home::At("https://api.openai.com/v1"),
    key: KeyRule::AtHome,
    request: "5 min",
    env: &[
        ("api_key", &["OPENAI_API_KEY"]),
        ("base_url", &["OPENAI_BASE_URL"]),
        ("organization", &["OPENAI_ORGANIZATION", "OPENAI_ORG_ID"]),
        ("project", &["OPENAI_PROJECT", "OPENAI_PROJECT_ID"]),
    ],
};

pub(crate) const VENDORS: &[Row] = &[
    OPENAI,
    hosted!(
        "openrouter",
        "OpenRouter",
        "OPENROUTER",
        "https://openrouter.ai/api/v1",
        "5 min"
    ),
    Row {
        id: "azure",
        title: "Azure OpenAI",
        aliases: &[],
        home: Home::Endpoint("https://my-resource.openai.azure.com"),
        key: KeyRule::Always,
        request: "5 min",
        env: &[
            ("api_key", &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"]),
            ("token", &["AZURE_OPENAI_AD_TOKEN"]),
            ("endpoint", &["AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"]),
            ("api_version", &["AZURE_API_VERSION"]),
        ],
    },
    hosted!(
        "anthropic",
        "Anthropic",
        "ANTHROPIC",
        "https://api.anthropic.com",
        "5 min"
    ),
    local!(
        "ollama",
        "Ollama",
        "OLLAMA",
        "http://localhost:11434",
        "2 min"
    ),
    hosted!(
        "zai",
        "Z.ai",
        "ZAI",
        "https://api.z.ai/api/paas/v4",
        "5 min"
    ),
    Row {
        id: "gemini",
        title: "Gemini",
        aliases: &["google"],
        home: Home::At("https://generativelanguage.googleapis.com/v1beta"),
        key: KeyRule::AtHome,
        request: "2 min",
        env: &[
            ("api_key", &["GOOGLE_API_KEY", "GEMINI_API_KEY"]),
            ("base_url", &["GEMINI_BASE_URL"]),
        ],
    },
    hosted!(
        "deepseek",
        "DeepSeek",
        "DEEPSEEK",
        "https://api.deepseek.com",
        "5 min"
    ),
    hosted!(
        "cohere",
        "Cohere",
        "COHERE",
        "https://api.cohere.com",
        "2 min"
    ),
    hosted!(
        "mistral",
        "Mistral",
        "MISTRAL",
        "https://api.mistral.ai",
        "2 min"
    ),
    hosted!(
        "requesty",
        "Requesty",
        "REQUESTY",
        "https://router.requesty.ai/v1",
        "5 min"
    ),
    hosted!(
        "groq",
        "Groq",
        "GROQ",
        "https://api.groq.com/openai/v1",
        "5 min"
    ),
    hosted!("xai", "xAI", "XAI", "https://api.x.ai/v1", "5 min"),
    hosted!(
        "together",
        "Together AI",
        "TOGETHER",
        "https://api.together.xyz/v1",
        "5 min"
    ),
    hosted!(
        "perplexity",
        "Perplexity",
        "PERPLEXITY",
        "https://api.perplexity.ai",
        "5 min"
    ),
    hosted!(
        "cerebras",
        "Cerebras",
        "CEREBRAS",
        "https://api.cerebras.ai/v1",
        "5 min"
    ),
    hosted!(
        "fireworks",
        "Fireworks AI",
        "FIREWORKS",
        "https://api.fireworks.ai/inference/v1",
        "5 min"
    ),
    hosted!(
        "nvidia",
        "NVIDIA NIM",
        "NVIDIA",
        "https://integrate.api.nvidia.com/v1",
        "5 min"
    ),
    Row {
        id: "huggingface",
        title: "Hugging Face",
        aliases: &[],
        home: Home::At("https://router.huggingface.co/v1"),
        key: KeyRule::AtHome,
        request: "5 min",
        env: &[
            ("api_key", &["HUGGINGFACE_API_KEY", "HF_TOKEN"]),
            ("base_url", &["HUGGINGFACE_BASE_URL"]),
        ],
    },
    Row {
        id: "vertexai",
        title: "Vertex AI",
        aliases: &["vertex"],
        home: Home::Derived,
        key: KeyRule::Optional,
        request: "2 min",
        env: &[
            ("project", &["VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"]),
            ("location", &["VERTEXAI_LOCATION", "GOOGLE_CLOUD_LOCATION"]),
            ("credentials_file", &["GOOGLE_APPLICATION_CREDENTIALS"]),
        ],
    },
    Row {
        id: "bedrock",
        title: "Amazon Bedrock",
        aliases: &[],
        home: Home::Derived,
        key: KeyRule::Optional,
        request: "5 min",
        env: &[
            ("api_key", &["AWS_BEARER_TOKEN_BEDROCK"]),
            ("region", &["AWS_REGION", "AWS_DEFAULT_REGION"]),
            ("profile", &["AWS_PROFILE"]),
            ("access_key_id", &["AWS_ACCESS_KEY_ID"]),
            ("secret_access_key", &["AWS_SECRET_ACCESS_KEY"]),
            ("session_token", &["AWS_SESSION_TOKEN"]),
        ],
    },
    Row {
        id: "watsonx",
        title: "watsonx",
        aliases: &[],
        home: Home::Given("https://us-south.ml.cloud.ibm.com"),
        key: KeyRule::Always,
        request: "5 min",
        env: &[
            ("api_key", &["WATSONX_API_KEY"]),
            ("base_url", &["WATSONX_BASE_URL", "WATSONX_URL"]),
            ("project", &["WATSONX_PROJECT_ID"]),
        ],
    },
    Row {
        id: "databricks",
        title: "Databricks",
        aliases: &[],
        home: Home::Given("https://my-workspace.cloud.databricks.com"),
        key: KeyRule::Always,
        request: "5 min",
        env: &[
            ("api_key", &["DATABRICKS_TOKEN"]),
            ("base_url", &["DATABRICKS_BASE_URL", "DATABRICKS_HOST"]),
        ],
    },
    hosted!(
        "voyage",
        "Voyage AI",
        "VOYAGE",
        "https://api.voyageai.com/v1",
        "2 min"
    ),
    hosted!("jina", "Jina AI", "JINA", "https://api.jina.ai/v1", "2 min"),
    local!(
        "llamacpp",
        "llama.cpp",
        "LLAMACPP",
        "http://localhost:8080/v1",
        "5 min",
        "llama-cpp"
    ),
    local!("vllm", "vLLM", "VLLM", "http://localhost:8000/v1", "5 min"),
    local!(
        "lmstudio",
        "LM Studio",
        "LMSTUDIO",
        "http://localhost:1234/v1",
        "5 min",
        "lm-studio"
    ),
    local!(
        "openai-compatible",
        "OpenAI-compatible",
        "OPENAI_COMPATIBLE",
        "http://localhost:8080/v1",
        "5 min"
    ),
];

// === impl Vendor ===

impl Vendor {
    /// The vendor of this name or alias, in any case, with `-` or `_`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace('_', "-");
        VENDORS
            .iter()
            .find(|row| row.id == name || row.aliases.contains(&name.as_str()))
            .map(|row| Self { row })
    }

    /// All vendors, in the order of the reference page.
    pub fn all() -> impl Iterator<Item = Self> {
        VENDORS.iter().map(|row| Self { row })
    }

    /// The canonical name, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row.id
    }

    /// The name as the vendor writes it, for messages.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row.title
    }

    /// The vendor's own address, where it has one that is the same for everybody.
    #[must_use]
    pub const fn default_base_url(self) -> Option<&'static str> {
        match self.row.home {
            Home::At(url) => Some(url),
            Home::Given(_) | Home::Endpoint(_) | Home::Derived => None,
        }
    }

    /// `OpenAI`, whose dialect most others speak.
    pub(crate) const fn openai() -> Self {
        Self { row: &OPENAI }
    }

    pub(crate) const fn row(self) -> &'static Row {
        self.row
    }

    /// The section's name in a key: `openai_compatible`.
    pub(crate) fn section(self) -> String {
        self.row.id.replace('-', "_")
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vendor").field(&self.row.id).finish()
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row.id)
    }
}

impl PartialEq for Vendor {
    fn eq(&self, other: &Self) -> bool {
        self.row.id == other.row.id
    }
}

impl Eq for Vendor {}

impl PartialEq<str> for Vendor {
    fn eq(&self, other: &str) -> bool {
        self.row.id == other
    }
}

impl PartialEq<&str> for Vendor {
    fn eq(&self, other: &&str) -> bool {
        self.row.id == *other
    }
}

impl AsRef<str> for Vendor {
    fn as_ref(&self) -> &str {
        self.row.id
    }
}
