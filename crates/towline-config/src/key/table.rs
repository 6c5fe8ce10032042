//! The table of keys: the settings of the whole program, and the fields of a provider section.

mod stack;

pub(crate) use self::stack::{RETRY_PRESETS, STACK, TARGET};

use super::Kind;

/// One row. The name is a key without its root, or a field of a section.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    /// Names of variables in the guide or by convention. First wins.
    pub(crate) env: &'static [&'static str],
    /// The vendors whose section has the field; none means all.
    pub(crate) vendors: &'static [&'static str],
    /// Whether only a named provider has it.
    pub(crate) named_only: bool,
    /// Whether anything in this version acts on it.
    pub(crate) used: bool,
    pub(crate) doc: &'static str,
}

const fn row(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field {
        name,
        kind,
        default: None,
        env: &[],
        vendors: &[],
        named_only: false,
        used: true,
        doc,
    }
}

impl Field {
    const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    const fn env(mut self, names: &'static [&'static str]) -> Self {
        self.env = names;
        self
    }

    const fn only(mut self, vendors: &'static [&'static str]) -> Self {
        self.vendors = vendors;
        self
    }

    const fn named_only(mut self) -> Self {
        self.named_only = true;
        self
    }

    /// Checked and shown, and nothing acts on it yet.
    const fn later(mut self) -> Self {
        self.used = false;
        self
    }
}

/// All keys of the whole program.
pub(crate) fn program_fields() -> impl Iterator<Item = &'static Field> {
    GLOBAL.iter().chain(TARGET).chain(STACK)
}

/// All fields of a provider section.
pub(crate) fn section_fields() -> impl Iterator<Item = &'static Field> {
    SECTION.iter().chain(TARGET)
}

/// The modes of tracing, with their aliases.
const TRACING_MODES: &[&str] = &[
    "console",
    "print",
    "langfuse",
    "opentelemetry",
    "otel",
    "noop",
    "none",
];

/// Keys that stand by themselves.
pub(crate) const GLOBAL: &[Field] = &[
    row(
        "llm.model",
        Kind::Text,
        "The model to use, as `provider/model`, or the name of a named provider.",
    )
    .env(&["LLM_MODEL"]),
    row(
        "providers.provider",
        Kind::Text,
        "The named provider to use when `llm.model` is not set.",
    ),
    row(
        "timeouts.connect",
        Kind::Duration,
        "Limit for name lookup, TCP and TLS together.",
    )
    .default("10 s"),
    row(
        "timeouts.request",
        Kind::Duration,
        "Older clock of one exchange with a provider: limit for the whole of it, without streaming; \
         unset: the vendor's own. For a call with its retries see `timeout.total`.",
    ),
    row(
        "timeouts.stream",
        Kind::Duration,
        "Older clock of one exchange with a provider: longest pause in a stream, before its first \
         event, and after it without a byte. The first of this, `timeout.first_token` and \
         `timeout.idle` counts.",
    )
    .default("10 min"),
    row(
        "transport.proxy",
        Kind::Proxy,
        "Address of an `http` proxy for every call; `none` turns it off.",
    )
    .env(&["all_proxy", "ALL_PROXY"]),
    row(
        "transport.https_proxy",
        Kind::Proxy,
        "The same for calls to `https` addresses.",
    )
    .env(&["https_proxy", "HTTPS_PROXY"]),
    row(
        "transport.http_proxy",
        Kind::Proxy,
        "The same for calls to `http` addresses. Ignored from the environment of a CGI program.",
    )
    .env(&["http_proxy", "HTTP_PROXY"]),
    row(
        "transport.no_proxy",
        Kind::List,
        "Hosts, domains and networks that are reached without proxy; `*` means all.",
    )
    .env(&["no_proxy", "NO_PROXY"]),
    row(
        "transport.ca_file",
        Kind::Path,
        "PEM file with certificates to trust beside the usual ones.",
    ),
    row(
        "transport.client_certificate_file",
        Kind::Path,
        "PEM file with the client's certificate chain.",
    ),
    row(
        "transport.client_key_file",
        Kind::Path,
        "PEM file with the key of the client's certificate.",
    ),
    row(
        "transport.http2",
        Kind::Bool,
        "Whether HTTP/2 may be used; unset: where it is built in and the server agrees.",
    ),
    row(
        "transport.idle_timeout",
        Kind::Duration,
        "How long an unused connection is kept; unset: the transport decides.",
    ),
    row(
        "embeddings.model",
        Kind::Text,
        "The embedding model, as `provider/model`.",
    )
    .env(&["EMBEDDING_MODEL"]),
    row(
        "embeddings.provider",
        Kind::Text,
        "Older form: the embedding provider, with the model in its section.",
    )
    .env(&["EMBEDDING_PROVIDER"]),
    row(
        "embeddings.chunking.size",
        Kind::Count(1),
        "Characters per chunk.",
    )
    .env(&["CHUNK_SIZE"])
    .later(),
    row(
        "embeddings.chunking.overlap",
        Kind::Count(0),
        "Characters that neighbouring chunks share.",
    )
    .env(&["CHUNK_OVERLAP"])
    .later(),
    row(
        "embeddings.chunking.enabled",
        Kind::Bool,
        "Whether long texts are cut into chunks.",
    )
    .env(&["CHUNKING_ENABLED"])
    .later(),
    row(
        "tracing.mode",
        Kind::Choice(TRACING_MODES),
        "Where traces go.",
    )
    .default("console")
    .env(&["TRACING_MODE"])
    .later(),
    row("tracing.langfuse.url", Kind::Url, "Langfuse server.")
        .default("https://cloud.langfuse.com/api/public/ingestion")
        .env(&["LANGFUSE_URL"])
        .later(),
    row(
        "tracing.langfuse.public_key",
        Kind::Secret,
        "Langfuse public key.",
    )
    .env(&["LANGFUSE_PUBLIC_KEY"])
    .later(),
    row(
        "tracing.langfuse.secret_key",
        Kind::Secret,
        "Langfuse secret key.",
    )
    .env(&["LANGFUSE_SECRET_KEY"])
    .later(),
    row(
        "tracing.langfuse.env",
        Kind::Text,
        "Environment shown in Langfuse.",
    )
    .default("production")
    .env(&["LANGFUSE_ENV"])
    .later(),
    row(
        "tracing.langfuse.release",
        Kind::Text,
        "Release shown in Langfuse.",
    )
    .default("1.0.0")
    .env(&["LANGFUSE_RELEASE"])
    .later(),
    row(
        "tracing.langfuse.version",
        Kind::Text,
        "Version shown in Langfuse.",
    )
    .default("1.0.0")
    .env(&["LANGFUSE_VERSION"])
    .later(),
    row(
        "tracing.opentelemetry.service_name",
        Kind::Text,
        "Service name of the spans.",
    )
    .default("towline")
    .env(&["OTEL_SERVICE_NAME"])
    .later(),
    row(
        "tracing.opentelemetry.endpoint",
        Kind::Url,
        "OTLP endpoint.",
    )
    .default("http://localhost:4317")
    .env(&["OTEL_EXPORTER_OTLP_ENDPOINT"])
    .later(),
    row(
        "tracing.opentelemetry.headers",
        Kind::Headers,
        "Headers of the OTLP export.",
    )
    .env(&["OTEL_EXPORTER_OTLP_HEADERS"])
    .later(),
    row("metrics.enabled", Kind::Bool, "Whether metrics are kept.")
        .default("false")
        .later(),
    row(
        "metrics.prometheus.enabled",
        Kind::Bool,
        "Whether the Prometheus page is served.",
    )
    .default("true")
    .later(),
    row(
        "metrics.prometheus.port",
        Kind::Port,
        "Port of the Prometheus page.",
    )
    .default("9090")
    .later(),
    row(
        "exchange_logging.enabled",
        Kind::Bool,
        "Whether exchanges with providers are written down.",
    )
    .default("false")
    .env(&["LLM4S_EXCHANGE_LOGGING_ENABLED"])
    .later(),
    row(
        "exchange_logging.dir",
        Kind::Path,
        "Folder of the exchange log.",
    )
    .env(&["LLM4S_EXCHANGE_LOGGING_DIR"])
    .later(),
    row(
        "workspace.dir",
        Kind::Path,
        "Folder that the sandbox works in.",
    )
    .default("~/code-workspace")
    .env(&["WORKSPACE_DIR"])
    .later(),
    row(
        "workspace.image",
        Kind::Text,
        "Container image of the runner.",
    )
    .default("llm4s/workspace-runner")
    .env(&["WORKSPACE_IMAGE"])
    .later(),
    row("workspace.port", Kind::Port, "Port of the runner.")
        .default("8080")
        .env(&["WORKSPACE_PORT"])
        .later(),
    row(
        "workspace.trace_log_path",
        Kind::Path,
        "Log of the sandbox's commands; unset: `log/codegen-trace.md` in its folder.",
    )
    .env(&["WORKSPACE_TRACE_LOG"])
    .later(),
    row("workspace.path", Kind::Path, "Folder inside the runner.")
        .default("/workspace")
        .env(&["WORKSPACE_PATH"])
        .later(),
    row(
        "workspace.sandbox.profile",
        Kind::Choice(&["permissive", "locked", "locked-down"]),
        "What commands may do.",
    )
    .default("permissive")
    .env(&["WORKSPACE_SANDBOX_PROFILE"])
    .later(),
    row(
        "model_registry.resource_path",
        Kind::Text,
        "Model registry inside the program.",
    )
    .env(&["LLM4S_MODEL_REGISTRY_RESOURCE"])
    .later(),
    row(
        "model_registry.file_path",
        Kind::Path,
        "Model registry file. Older key: `model_metadata.file`.",
    )
    .env(&["LLM4S_MODEL_REGISTRY_FILE", "LLM4S_MODEL_METADATA_FILE"])
    .later(),
    row("model_registry.url", Kind::Url, "Model registry address.")
        .env(&["LLM4S_MODEL_REGISTRY_URL"])
        .later(),
];

/// The fields of a provider section, `towline.<vendor>` or `towline.providers.<name>`.
pub(crate) const SECTION: &[Field] = &[
    row("provider", Kind::Vendor, "The vendor of a named provider.").named_only(),
    row("model", Kind::Text, "The model of a named provider.").named_only(),
    row("api_key", Kind::Secret, "The key."),
    row(
        "base_url",
        Kind::BaseUrl,
        "The address, up to and including the version.",
    ),
    row("organization", Kind::Text, "Organization that is billed.").only(&["openai"]),
    row("project", Kind::Text, "Project that is billed.").only(&["openai", "vertexai", "watsonx"]),
    row("endpoint", Kind::Text, "The resource's address.").only(&["azure"]),
    row(
        "api_version",
        Kind::Text,
        "API version, default `2025-01-01-preview`; `V2025_01_01_PREVIEW` is the same.",
    )
    .only(&["azure"]),
    row(
        "token",
        Kind::Secret,
        "An access token of Microsoft Entra, in the place of a key.",
    )
    .only(&["azure"]),
    row(
        "base_model",
        Kind::Text,
        "The model behind the deployment, such as `gpt-5-mini`; unset: the name of the deployment tells.",
    )
    .only(&["azure"]),
    row(
        "api",
        Kind::Choice(&["chat", "responses"]),
        "Which of the vendor's interfaces to use; unset: the provider decides.",
    ),
    row(
        "headers",
        Kind::Headers,
        "Headers to add to every call: a table, or `name=value,name=value`.",
    ),
    row(
        "context_window",
        Kind::Count(1),
        "Tokens that the model can take in all; unset: by model.",
    ),
    row(
        "reserve_completion",
        Kind::Count(0),
        "Tokens kept free for the answer; unset: by model.",
    ),
    row(
        "stream_usage",
        Kind::Bool,
        "Whether to ask for usage in streams; some servers refuse it.",
    ),
    row(
        "registry_provider",
        Kind::Text,
        "The name to look the model up by in the model registry.",
    )
    .later(),
    row(
        "location",
        Kind::Text,
        "Region of the project, default `us-central1`.",
    )
    .only(&["vertexai"])
    .later(),
    row(
        "credentials_file",
        Kind::Path,
        "File with the service account's credentials.",
    )
    .only(&["vertexai"])
    .later(),
    row("region", Kind::Text, "AWS region.")
        .only(&["bedrock"])
        .later(),
    row("profile", Kind::Text, "AWS profile.")
        .only(&["bedrock"])
        .later(),
    row("access_key_id", Kind::Secret, "AWS access key id.")
        .only(&["bedrock"])
        .later(),
    row("secret_access_key", Kind::Secret, "AWS secret access key.")
        .only(&["bedrock"])
        .later(),
    row("session_token", Kind::Secret, "AWS session token.")
        .only(&["bedrock"])
        .later(),
    row(
        "timeouts.connect",
        Kind::Duration,
        "As `timeouts.connect`, for this section.",
    ),
    row(
        "timeouts.request",
        Kind::Duration,
        "As `timeouts.request`, for this section.",
    ),
    row(
        "timeouts.stream",
        Kind::Duration,
        "As `timeouts.stream`, for this section.",
    ),
    row(
        "transport.proxy",
        Kind::Proxy,
        "As `transport.proxy`, for this section.",
    ),
    row(
        "transport.https_proxy",
        Kind::Proxy,
        "As `transport.https_proxy`, for this section.",
    ),
    row(
        "transport.http_proxy",
        Kind::Proxy,
        "As `transport.http_proxy`, for this section.",
    ),
    row(
        "transport.no_proxy",
        Kind::List,
        "As `transport.no_proxy`, for this section.",
    ),
    row(
        "transport.ca_file",
        Kind::Path,
        "As `transport.ca_file`, for this section.",
    ),
    row(
        "transport.client_certificate_file",
        Kind::Path,
        "As `transport.client_certificate_file`, for this section.",
    ),
    row(
        "transport.client_key_file",
        Kind::Path,
        "As `transport.client_key_file`, for this section.",
    ),
    row(
        "transport.http2",
        Kind::Bool,
        "As `transport.http2`, for this section.",
    ),
    row(
        "transport.idle_timeout",
        Kind::Duration,
        "As `transport.idle_timeout`, for this section.",
    ),
];

/// The fields of `towline.embeddings.<vendor>`. What is missing there is taken from the vendor's
/// own section.
pub(crate) const EMBEDDING: &[Field] = &[
    row(
        "base_url",
        Kind::BaseUrl,
        "The address for embeddings; unset: that of the vendor's section.",
    ),
    row(
        "model",
        Kind::Text,
        "The embedding model, where `embeddings.model` does not name it.",
    ),
    row(
        "api_key",
        Kind::Secret,
        "The key for embeddings; unset: that of the vendor's section.",
    ),
];
