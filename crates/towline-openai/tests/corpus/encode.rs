//! Level 2: a recorded request, read into Towline's own types, goes out again as it was.
//!
//! What may differ is written down in [`normal`], for both sides alike. What Towline's types do not
//! say is counted with its reason, and sent through the raw fields where it stands at the top.

use crate::{
    select::{Api, Ask, cases},
    watch::now,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs};
use tower::ServiceExt as _;
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, File, Image, JsonSchema, Message, Part, Request,
    ResponseFormat, Role, ToolCall, ToolChoice, ToolSpec,
};
use towline_testkit::{
    corpus::{Canned, Case, Difference, Suite},
    setting::setting,
};

/// Why a request cannot be said in Towline's types.
type Unsaid = &'static str;

#[test]
fn corpus_requests_go_out_as_they_were_recorded() {
    let Some((corpus, mut cases)) = cases() else {
        return;
    };
    cases.retain(|(_, ask)| ask.api == Api::Chat);
    let mut suite = Suite::new("openai dialect, requests", &corpus, cases.len());
    let mut unsaid: BTreeMap<Unsaid, usize> = BTreeMap::new();
    for (case, ask) in &cases {
        let differences = match resend(case, ask) {
            Ok(differences) => differences,
            Err(reason) => {
                *unsaid.entry(reason).or_default() += 1;
                Vec::new()
            }
        };
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    let left_out: usize = unsaid.values().sum();
    suite.note(format!("{left_out} not sent again: {unsaid:?}"));
    suite.finish();
    assert!(
        left_out <= 15,
        "more requests than before cannot be said: {unsaid:?}"
    );
}

/// Sends the request again; what differs, or why it cannot be said.
fn resend(case: &Case, ask: &Ask) -> Result<Vec<Difference>, Unsaid> {
    let recorded: Value = serde_json::from_str(&case.request.body).map_err(|_| "no JSON")?;
    let request = read(&recorded, ask)?;
    let canned = Canned::new(&case.answer).recording();
    let sent = now(ask.client(canned.clone()).oneshot(request));
    // Whatever came of it, the request is what counts.
    let refused = sent.is_err_and(|error| error.kind() == ErrorKind::Unsupported);
    let sent = canned.sent();
    let Some(sent) = sent.first() else {
        if refused {
            return Err("what the server is known not to take");
        }
        return Ok(vec![Difference::new("request", "sent", "not sent")]);
    };
    keep(case, sent.body());
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let (recorded, sent) = (normal(&recorded), normal(&sent));
    let keys = recorded.as_object().into_iter().chain(sent.as_object());
    let differ = keys
        .flat_map(Map::keys)
        .find(|key| recorded.get(*key) != sent.get(*key));
    Ok(differ
        .map(|key| {
            let show = |side: &Value| format!("{key}: {}", side.get(key).unwrap_or(&Value::Null));
            Difference::new("request", show(&recorded), show(&sent))
        })
        .into_iter()
        .collect())
}

/// Writes the body down where somebody wants to check it against the schema of the provider.
fn keep(case: &Case, body: &[u8]) {
    let Some(folder) = setting("TOWLINE_REQUESTS_OUT") else {
        return;
    };
    // Only these two promise to be what the schema describes.
    if ["azure", "openai"].contains(&case.provider.as_str()) {
        let name = case.id.replace('/', "-");
        fs::write(format!("{folder}/{name}.json"), body).unwrap();
    }
}

/// A recorded body in Towline's types.
fn read(body: &Value, ask: &Ask) -> Result<Request, Unsaid> {
    let messages = body["messages"].as_array().ok_or("no messages")?;
    let messages: Result<Vec<_>, _> = messages.iter().map(message).collect();
    let model = body["model"].as_str().unwrap_or_default();
    let stream = body["stream"] == true;
    let request = Request::new(model, Conversation::from_iter(messages?)).with_stream(stream);
    Ok(request.with_options(options(body, ask)?))
}

fn message(message: &Value) -> Result<Message, Unsaid> {
    if message.get("prefix").is_some() {
        return Err("the beginning of an answer that is to be continued");
    }
    let content = &message["content"];
    let read = match message["role"].as_str() {
        Some("system" | "developer") => Message::new(Role::System, parts(content)?),
        Some("user") => Message::new(Role::User, parts(content)?),
        Some("assistant") => {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls = calls.map(|call| Part::from(tool_call(call)));
            let said = parts(content)?;
            Message::new(Role::Assistant, said.into_iter().chain(calls).collect())
        }
        Some("tool") => {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let texts = parts(content)?;
            let text: String = texts.iter().filter_map(Part::as_text).collect();
            Message::tool(id, text)
        }
        _ => return Err("a role of before tools"),
    };
    Ok(match message["name"].as_str() {
        Some(name) => read.with_name(name),
        None => read,
    })
}

fn parts(content: &Value) -> Result<Vec<Part>, Unsaid> {
    match content {
        Value::String(text) => Ok(vec![Part::from(text.as_str())]),
        Value::Array(parts) => parts.iter().map(part).collect(),
        _ => Ok(Vec::new()),
    }
}

fn part(part: &Value) -> Result<Part, Unsaid> {
    if part.get("cache_control").is_some() || part.get("prompt_cache_breakpoint").is_some() {
        return Err("a mark for the cache inside a message");
    }
    match part["type"].as_str() {
        Some("text") => Ok(Part::from(part["text"].as_str().unwrap_or_default())),
        Some("image_url") => {
            let url = part["image_url"]["url"]
                .as_str()
                .ok_or("an image without a URL")?;
            let detail = part["image_url"].get("detail").and_then(Value::as_str);
            Ok(Part::Image(image(url, detail)))
        }
        Some("file") => file(&part["file"]),
        Some("document_url") => {
            let url = part["document_url"].as_str().unwrap_or_default();
            Ok(File::url(url).into())
        }
        _ => Err("sound or a film"),
    }
}

fn file(file: &Value) -> Result<Part, Unsaid> {
    let data = file["file_data"].as_str().ok_or("a file without content")?;
    let read = File::url(data);
    Ok(Part::File(match file["filename"].as_str() {
        Some(name) => read.with_name(name),
        None => read,
    }))
}

fn image(url: &str, detail: Option<&str>) -> Image {
    use towline_core::ImageDetail::{Auto, High, Low};
    let details = [Auto, High, Low];
    let detail = details
        .into_iter()
        .find(|known| Some(known.as_str()) == detail);
    let image = Image::url(url);
    match detail {
        Some(detail) => image.with_detail(detail),
        None => image,
    }
}

fn tool_call(call: &Value) -> ToolCall {
    let text = |pointer: &str| {
        call.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    ToolCall::new(
        text("/id"),
        text("/function/name"),
        text("/function/arguments"),
    )
}

/// The options that Towline has, and the rest as raw fields.
fn options(body: &Value, ask: &Ask) -> Result<CompletionOptions, Unsaid> {
    let mut options = CompletionOptions::new().with_lenient(true);
    for (name, value) in body.as_object().into_iter().flatten() {
        let number = value.as_f64();
        options = match (name.as_str(), number) {
            ("messages" | "model" | "stream" | "stream_options", _) => options,
            ("max_tokens" | "max_completion_tokens", _) => match value.as_u64() {
                Some(tokens) => options.with_max_tokens(tokens),
                None => options,
            },
            ("temperature", Some(number)) => options.with_temperature(number),
            ("top_p", Some(number)) => options.with_top_p(number),
            ("presence_penalty", Some(number)) => options.with_presence_penalty(number),
            ("frequency_penalty", Some(number)) => options.with_frequency_penalty(number),
            ("parallel_tool_calls", _) => options.with_parallel_tool_calls(*value == true),
            ("tools", _)
                if value
                    .as_array()
                    .is_some_and(|tools| tools.iter().all(is_function)) =>
            {
                let tools = value.as_array().into_iter().flatten();
                options.with_tools(tools.map(tool))
            }
            ("tool_choice", _) => match choice(value, ask) {
                Some(choice) => options.with_tool_choice(choice),
                None => options,
            },
            ("response_format", _) => match format(value) {
                Some(format) => options.with_response_format(format),
                None => options,
            },
            ("functions" | "function_call", _) => return Err("functions, of before tools"),
            (_, _) if value.is_null() => options,
            (name, _) => options.with_extra(ask.flavor.name(), name, value.clone()),
        };
    }
    Ok(options)
}

fn is_function(tool: &Value) -> bool {
    tool.get("function").is_some()
}

fn tool(tool: &Value) -> ToolSpec {
    let function = &tool["function"];
    let text = |name: &str| function[name].as_str().unwrap_or_default();
    let spec = ToolSpec::new(text("name"), text("description"), &function["parameters"]);
    match function["strict"].as_bool() {
        Some(strict) => spec.with_strict(strict),
        None => spec,
    }
}

fn choice(value: &Value, ask: &Ask) -> Option<ToolChoice> {
    match value.as_str() {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some("required") => Some(ToolChoice::Required),
        // Mistral's own word; its kin take both.
        Some("any") if ask.flavor.name() == "mistral" => Some(ToolChoice::Required),
        _ => {
            let name = value.pointer("/function/name")?.as_str()?;
            Some(ToolChoice::Tool(name.into()))
        }
    }
}

fn format(value: &Value) -> Option<ResponseFormat> {
    match value["type"].as_str()? {
        "json_object" => Some(ResponseFormat::Json),
        "json_schema" => {
            let schema = &value["json_schema"];
            let name = schema["name"].as_str().unwrap_or_default();
            let strict = schema["strict"].as_bool().unwrap_or(false);
            let schema = JsonSchema::new(name, &schema["schema"]).with_strict(strict);
            Some(ResponseFormat::JsonSchema(schema))
        }
        _ => Some(ResponseFormat::Text),
    }
}

/// The declared liberties, taken on both sides.
fn normal(body: &Value) -> Value {
    let mut body = numbers_as_floats(body);
    let Some(fields) = body.as_object_mut() else {
        return body;
    };
    // Not to be streamed is the default, and what the usage of a stream takes Towline knows.
    fields.retain(|name, value| !(value.is_null() || (name == "stream" && *value == false)));
    fields.remove("stream_options");
    // One limit under two names; which of them the model decides.
    if let Some(limit) = fields.remove("max_completion_tokens") {
        fields.insert("max_tokens".to_owned(), limit);
    }
    // The default of every server. Reasoning models take no other, and Towline leaves it out there.
    if fields
        .get("temperature")
        .is_some_and(|temperature| *temperature == 1.0)
    {
        fields.remove("temperature");
    }
    // No tools are none, and without tools there is nothing to choose.
    if fields
        .get("tools")
        .is_none_or(|tools| *tools == Value::Array(Vec::new()))
    {
        fields.remove("tools");
        fields.remove("tool_choice");
    }
    // Mistral's word for `required`.
    if fields
        .get("tool_choice")
        .is_some_and(|choice| choice == "any")
    {
        fields.insert("tool_choice".to_owned(), "required".into());
    }
    for message in fields
        .get_mut("messages")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        normal_message(message);
    }
    for tool in fields
        .get_mut("tools")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        normal_tool(tool);
    }
    if let Some(schema) = fields
        .get_mut("response_format")
        .and_then(|f| f.get_mut("json_schema"))
        && let Some(schema) = schema.as_object_mut()
    {
        // Absent means not strict. The description has no place in Towline's type.
        schema.entry("strict").or_insert(false.into());
        schema.remove("description");
    }
    body
}

fn normal_message(message: &mut Value) {
    let Some(fields) = message.as_object_mut() else {
        return;
    };
    // Reasoning goes back only to the servers that want it, and only their own.
    for name in ["reasoning_content", "reasoning", "reasoning_details"] {
        fields.remove(name);
    }
    // The role of instructions has two names; which of them the model decides.
    if fields.get("role").is_some_and(|role| role == "developer") {
        fields.insert("role".to_owned(), "system".into());
    }
    let plain = fields.get("content").and_then(plain_text);
    if let Some(text) = plain {
        fields.insert("content".to_owned(), text.into());
    }
    let calls = fields
        .get("tool_calls")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    fields.retain(|name, value| {
        let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        // Beside tool calls an empty text says nothing.
        !(nothing || name == "content" && calls > 0 && *value == "")
    });
    for call in fields
        .get_mut("tool_calls")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(call) = call.as_object_mut() {
            call.remove("index");
            call.entry("type").or_insert("function".into());
        }
    }
    for part in fields
        .get_mut("content")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        normal_part(part);
    }
}

/// Fields of the other types of parts, which one server's own client sends empty.
fn normal_part(part: &mut Value) {
    if let Some(fields) = part.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        let kind = fields.get("type").cloned();
        if kind.as_ref().is_some_and(|kind| kind == "image_url") {
            fields.remove("text");
        }
    }
}

/// A list of nothing but texts says the same as one string, which is how Towline says it where it
/// is one text, or the words of the model or of a tool.
fn plain_text(content: &Value) -> Option<String> {
    let parts = content.as_array()?;
    let texts = parts.iter().map(|part| match part["type"].as_str() {
        Some("text") => part["text"].as_str(),
        _ => None,
    });
    texts.collect()
}

fn normal_tool(tool: &mut Value) {
    if let Some(tool) = tool.as_object_mut() {
        tool.entry("type").or_insert("function".into());
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            function.retain(|_, value| !value.is_null() && *value != "");
        }
    }
}

/// `1` and `1.0` are the same number.
fn numbers_as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(numbers_as_floats).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), numbers_as_floats(value)))
            .collect(),
        other => other.clone(),
    }
}
