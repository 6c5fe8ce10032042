//! The table of flavors. Each row says only where it leaves the dialect.

use super::{CallIds, Files, PLAIN, ReasoningAsk, Replay, Terminal, Texts, Traits};
use crate::limits;
use towline_core::Capability::{
    Embeddings, ModelList, ParallelTools, PromptCache, ToolChoice, Tools, Vision,
};

pub(super) static ALL: [&Traits; 19] = [
    &OPENAI,
    &COMPATIBLE,
    &AZURE,
    &OPENROUTER,
    &DEEPSEEK,
    &GROQ,
    &MISTRAL,
    &XAI,
    &TOGETHER,
    &PERPLEXITY,
    &CEREBRAS,
    &HUGGINGFACE,
    &OLLAMA,
    &LLAMACPP,
    &VLLM,
    &LMSTUDIO,
    &MISTRALRS,
    &REQUESTY,
    &ZAI,
];

pub(super) static OPENAI: Traits = Traits {
    name: "openai",
    hosts: &["api.openai.com"],
    texts: Texts::OpenAi,
    own_reasoning_models: true,
    refusal_field: true,
    call_ids: CHAT_ID,
    files: Files::Part,
    ..PLAIN
};

/// `OpenAI`'s chat API takes no longer id of a tool call than this, by the text of its error.
const CHAT_ID: CallIds = CallIds::Short(40);

/// Self-hosted servers are mostly vLLM or llama.cpp behind another name: their texts are read.
pub(super) static COMPATIBLE: Traits = Traits {
    texts: Texts::Vllm,
    files: Files::Part,
    ..PLAIN
};

pub(super) static AZURE: Traits = Traits {
    name: "azure",
    hosts: &[
        "openai.azure.com",
        "cognitiveservices.azure.com",
        "services.ai.azure.com",
    ],
    texts: Texts::Azure,
    own_reasoning_models: true,
    refusal_field: true,
    limits: limits::without_reset,
    files: Files::Part,
    call_ids: CHAT_ID,
    ..PLAIN
};

static OPENROUTER: Traits = Traits {
    name: "openrouter",
    hosts: &["openrouter.ai"],
    texts: Texts::OpenRouter,
    reasoning: ReasoningAsk::Object,
    replay: Replay::Details,
    files: Files::PartOrUrl,
    call_ids: CHAT_ID,
    ..PLAIN
};

static DEEPSEEK: Traits = Traits {
    name: "deepseek",
    hosts: &["api.deepseek.com"],
    texts: Texts::DeepSeek,
    reasoning: ReasoningAsk::Thinking,
    replay: Replay::WithToolCalls,
    json_schema: false,
    lacks: &[ParallelTools, Vision, Embeddings],
    ..PLAIN
};

static GROQ: Traits = Traits {
    name: "groq",
    hosts: &["api.groq.com"],
    lacks: &[Embeddings],
    ..PLAIN
};

/// Usage comes with the last chunk without being asked for.
static MISTRAL: Traits = Traits {
    name: "mistral",
    hosts: &["api.mistral.ai"],
    required: "any",
    seed: "random_seed",
    stream_options: false,
    limits: limits::mistral,
    call_ids: CallIds::Nine,
    files: Files::DocumentUrl,
    lacks: &[PromptCache],
    ..PLAIN
};

static XAI: Traits = Traits {
    name: "xai",
    hosts: &["api.x.ai"],
    texts: Texts::Xai,
    reasoning_apart: true,
    lacks: &[Embeddings],
    ..PLAIN
};

static TOGETHER: Traits = Traits {
    name: "together",
    hosts: &["api.together.ai", "api.together.xyz"],
    texts: Texts::Vllm,
    lacks: &[PromptCache],
    ..PLAIN
};

/// Usage comes with every chunk, and the last one repeats the whole text. Vectors are of bytes
/// unless asked otherwise.
static PERPLEXITY: Traits = Traits {
    name: "perplexity",
    hosts: &["api.perplexity.ai"],
    stream_options: false,
    byte_vectors: true,
    terminal: Terminal::DoneObject,
    lacks: &[Tools, ParallelTools, ToolChoice, PromptCache, ModelList],
    ..PLAIN
};

static CEREBRAS: Traits = Traits {
    name: "cerebras",
    hosts: &["api.cerebras.ai"],
    lacks: &[Vision, Embeddings],
    ..PLAIN
};

static HUGGINGFACE: Traits = Traits {
    name: "huggingface",
    hosts: &["router.huggingface.co"],
    lacks: &[PromptCache, Embeddings],
    ..PLAIN
};

static OLLAMA: Traits = Traits {
    name: "ollama",
    hosts: &["ollama.com"],
    texts: Texts::Ollama,
    lacks: &[ParallelTools, ToolChoice, PromptCache],
    ..PLAIN
};

static LLAMACPP: Traits = Traits {
    name: "llamacpp",
    texts: Texts::LlamaCpp,
    replay: Replay::Always,
    ..PLAIN
};

static VLLM: Traits = Traits {
    name: "vllm",
    texts: Texts::Vllm,
    ..PLAIN
};

static LMSTUDIO: Traits = Traits {
    name: "lmstudio",
    texts: Texts::LlamaCpp,
    lacks: &[ParallelTools, PromptCache],
    ..PLAIN
};

static MISTRALRS: Traits = Traits {
    name: "mistralrs",
    ..PLAIN
};

static REQUESTY: Traits = Traits {
    name: "requesty",
    hosts: &["router.requesty.ai"],
    ..PLAIN
};

static ZAI: Traits = Traits {
    name: "zai",
    hosts: &["api.z.ai"],
    reasoning: ReasoningAsk::Thinking,
    replay: Replay::WithToolCalls,
    json_schema: false,
    lacks: &[ParallelTools, Embeddings],
    ..PLAIN
};
