//! Level 2: a recorded request, read into Towline's own types, goes out again as it was.
//!
//! What may differ is written down in [`normal`], for both sides alike. What Towline's types do not
//! say is counted with its reason, and sent through the raw fields where it stands at the top.

use crate::select::{Api, Ask, cases, client};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs};
use towline_core::{
    CacheHint, CompletionOptions, Conversation, File, Image, JsonSchema, Message, Part, Reasoning,
    Request, ResponseFormat, Role, ToolCall, ToolChoice, ToolResult, ToolSpec,
};
use towline_testkit::{
    corpus::{
        Canned, Case, Difference, Suite,
        watch::{now, watch},
    },
    setting::setting,
};

/// Why a request cannot be said in Towline's types.
type Unsaid = &'static str;

#[test]
fn corpus_requests_go_out_as_they_were_recorded() {
    let Some((corpus, mut cases)) = cases() else {
        return;
    };
    cases.retain(|(_, ask)| ask.api != Api::Models);
    let mut suite = Suite::new("anthropic dialect, requests", &corpus, cases.len());
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
        left_out <= 7,
        "more requests than before cannot be said: {unsaid:?}"
    );
}

/// Sends the request again; what differs, or why it cannot be said.
fn resend(case: &Case, ask: &Ask) -> Result<Vec<Difference>, Unsaid> {
    let recorded: Value = serde_json::from_str(&case.request.body).map_err(|_| "no JSON")?;
    let request = read(&recorded)?;
    let canned = Canned::new(&case.answer).recording();
    let client = client(canned.clone());
    // Whatever comes of it, the request is what counts.
    match ask.api {
        Api::CountTokens => drop(now(client.count_tokens(&request))),
        Api::Messages | Api::Models => drop(now(watch(client, request))),
    }
    let sent = canned.sent();
    let Some(sent) = sent.first() else {
        return Ok(vec![Difference::new("request", "sent", "not sent")]);
    };
    if ask.api == Api::Messages {
        keep(case, sent.body());
    }
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let (recorded, sent) = (normal(&recorded), normal(&sent));
    let keys = recorded.as_object().into_iter().chain(sent.as_object());
    let mut keys = keys.flat_map(Map::keys);
    let differ = keys.find(|key| recorded.get(*key) != sent.get(*key));
    let differ = differ.map(|key| {
        let show = |side: &Value| format!("{key}: {}", side.get(key).unwrap_or(&Value::Null));
        Difference::new("request", show(&recorded), show(&sent))
    });
    Ok(differ.into_iter().collect())
}

/// Writes the body down where somebody wants to check it against the schema of the provider.
fn keep(case: &Case, body: &[u8]) {
    if let Some(folder) = setting("TOWLINE_REQUESTS_OUT") {
        let name = case.id.replace('/', "-");
        fs::write(format!("{folder}/{name}.json"), body).unwrap();
    }
}

/// A recorded body in Towline's types.
fn read(body: &Value) -> Result<Request, Unsaid> {
    let mut conversation = Conversation::new();
    for message in spread(Role::System, &body["system"])? {
        conversation.push(message);
    }
    for message in body["messages"].as_array().ok_or("no messages")? {
        let role = match message["role"].as_str() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            _ => return Err("a role that is not known"),
        };
        conversation.extend(spread(role, &message["content"])?);
    }
    let model = body["model"].as_str().unwrap_or_default();
    let request = Request::new(model, conversation).with_stream(body["stream"] == true);
    Ok(request.with_options(options(body)))
}

/// A turn as messages: a mark for the cache ends one, and each result of a tool is one. The client
/// has to put them together again.
fn spread(role: Role, content: &Value) -> Result<Vec<Message>, Unsaid> {
    let text;
    let blocks = match content {
        Value::Null => return Ok(Vec::new()),
        Value::String(_) => {
            text = [serde_json::json!({"type": "text", "text": content})];
            &text[..]
        }
        blocks => blocks.as_array().ok_or("content that is no list")?,
    };
    let mut messages: Vec<Message> = Vec::new();
    let mut open = false;
    for block in blocks {
        let part = part(block)?;
        let role = match part {
            Part::ToolResult(_) => Role::Tool,
            _ => role,
        };
        let message = match messages.pop().filter(|_| open) {
            Some(message) if message.role() == role => message.with_part(part),
            Some(message) => {
                messages.push(message);
                Message::new(role, vec![part])
            }
            None => Message::new(role, vec![part]),
        };
        let hint = hint(block);
        open = hint.is_none();
        messages.push(match hint {
            Some(hint) => message.with_cache_hint(hint),
            None => message,
        });
    }
    Ok(messages)
}

fn hint(block: &Value) -> Option<CacheHint> {
    let mark = block.get("cache_control").filter(|mark| !mark.is_null())?;
    Some(if mark["ttl"] == "1h" {
        CacheHint::Long
    } else {
        CacheHint::Short
    })
}

fn part(block: &Value) -> Result<Part, Unsaid> {
    let text = |name: &str| block[name].as_str().unwrap_or_default();
    let own = |text: &str| Reasoning::new(text).with_provider("anthropic");
    Ok(match text("type") {
        "text" => Part::from(text("text")),
        "image" => Part::Image(image(&block["source"])?),
        "thinking" => own(text("thinking"))
            .with_signature(text("signature"))
            .into(),
        "redacted_thinking" => own("").with_encrypted(text("data")).into(),
        "tool_use" => ToolCall::new(text("id"), text("name"), block["input"].to_string()).into(),
        "tool_result" => {
            let content = result_text(&block["content"])?;
            let id = text("tool_use_id");
            Part::ToolResult(if block["is_error"] == true {
                ToolResult::error(id, content)
            } else {
                ToolResult::new(id, content)
            })
        }
        "document" => document(block)?,
        _ => return Err("a block of a tool on the server's side"),
    })
}

fn document(block: &Value) -> Result<Part, Unsaid> {
    if block["citations"]["enabled"] == true {
        return Err("a document that is to be cited");
    }
    let text = |name: &str| block["source"][name].as_str().unwrap_or_default();
    let file = match text("type") {
        "base64" => File::url(format!(
            "data:{};base64,{}",
            text("media_type"),
            text("data")
        )),
        "file" => File::id(text("file_id")),
        "text" => File::from_bytes(text("media_type").to_owned(), text("data").as_bytes()),
        "url" => File::url(text("url")),
        _ => return Err("a document of blocks"),
    };
    Ok(Part::File(match block["title"].as_str() {
        Some(name) => file.with_name(name),
        None => file,
    }))
}

fn result_text(content: &Value) -> Result<String, Unsaid> {
    let parts = match content {
        Value::Array(parts) => parts,
        other => return Ok(other.as_str().unwrap_or_default().to_owned()),
    };
    let texts = parts.iter().map(|part| match part["type"].as_str() {
        Some("text") => Ok(part["text"].as_str().unwrap_or_default()),
        _ => Err("a result of a tool that is more than text"),
    });
    texts.collect()
}

fn image(source: &Value) -> Result<Image, Unsaid> {
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    match text("type") {
        "url" => Ok(Image::url(text("url"))),
        "base64" => {
            let (kind, data) = (text("media_type"), text("data"));
            Ok(Image::url(format!("data:{kind};base64,{data}")))
        }
        _ => Err("an image that was uploaded before"),
    }
}

/// The options that Towline has, and the rest as raw fields.
fn options(body: &Value) -> CompletionOptions {
    let mut options = CompletionOptions::new();
    let own_tools = body["tools"].as_array().into_iter().flatten();
    let plain_tools = own_tools.clone().all(is_plain_tool);
    for (name, value) in body.as_object().into_iter().flatten() {
        let raw = |options: CompletionOptions| {
            options.with_extra("anthropic", name.as_str(), value.clone())
        };
        options = match (name.as_str(), value.as_f64()) {
            ("messages" | "model" | "stream" | "system", _) => options,
            (_, _) if value.is_null() => options,
            ("max_tokens", _) => options.with_max_tokens(value.as_u64().unwrap()),
            ("temperature", Some(number)) => options.with_temperature(number),
            ("top_p", Some(number)) => options.with_top_p(number),
            ("stop_sequences", _) => {
                let stop = value.as_array().into_iter().flatten();
                options.with_stop(stop.filter_map(Value::as_str))
            }
            ("tools", _) if plain_tools => options.with_tools(own_tools.clone().map(tool)),
            ("tool_choice", _) if plain_tools => choose(options, value),
            ("thinking", _) if value["type"] == "enabled" => {
                options.with_reasoning_budget(value["budget_tokens"].as_u64().unwrap())
            }
            ("output_config", _) if value.get("effort").is_none() => {
                let schema = JsonSchema::new("r", &value["format"]["schema"]);
                options.with_response_format(ResponseFormat::JsonSchema(schema))
            }
            _ => raw(options),
        };
    }
    options
}

fn is_plain_tool(tool: &Value) -> bool {
    let known = ["name", "description", "input_schema", "strict", "type"];
    let fields = tool.as_object().into_iter().flatten();
    let mut unknown = fields.filter(|(name, _)| !known.contains(&name.as_str()));
    let kind = tool["type"].as_str().unwrap_or("custom");
    kind == "custom" && unknown.next().is_none()
}

fn tool(tool: &Value) -> ToolSpec {
    let text = |name: &str| tool[name].as_str().unwrap_or_default();
    let spec = ToolSpec::new(text("name"), text("description"), &tool["input_schema"]);
    match tool["strict"].as_bool() {
        Some(strict) => spec.with_strict(strict),
        None => spec,
    }
}

fn choose(options: CompletionOptions, choice: &Value) -> CompletionOptions {
    let options = match choice["disable_parallel_tool_use"].as_bool() {
        Some(disabled) => options.with_parallel_tool_calls(!disabled),
        None => options,
    };
    match choice["type"].as_str() {
        Some("auto") => options.with_tool_choice(ToolChoice::Auto),
        Some("any") => options.with_tool_choice(ToolChoice::Required),
        Some("none") => options.with_tool_choice(ToolChoice::None),
        _ => {
            let name = choice["name"].as_str().unwrap_or_default();
            options.with_tool_choice(ToolChoice::Tool(name.into()))
        }
    }
}

/// The declared liberties, taken on both sides.
fn normal(body: &Value) -> Value {
    let mut body = numbers_as_floats(body);
    let fields = body.as_object_mut().unwrap();
    // Not to be streamed is the default; an empty list says nothing.
    fields.retain(|name, value| {
        let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        !(nothing || (name == "stream" && *value == false))
    });
    if let Some(system) = fields.get_mut("system") {
        normal_content(system);
    }
    for message in fields["messages"].as_array_mut().unwrap() {
        normal_content(&mut message["content"]);
    }
    for tool in fields
        .get_mut("tools")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(tool) = tool.as_object_mut() {
            // The default, as is the other one at `tool_choice`.
            tool.retain(|name, value| !(value.is_null() || (name == "type" && *value == "custom")));
        }
    }
    if let Some(choice) = fields.get_mut("tool_choice").and_then(Value::as_object_mut) {
        choice.retain(|name, value| !(name == "disable_parallel_tool_use" && *value == false));
    }
    body
}

/// A string is a list of one text.
fn normal_content(content: &mut Value) {
    if content.is_string() {
        *content = serde_json::json!([{"type": "text", "text": content}]);
    }
    for block in content.as_array_mut().into_iter().flatten() {
        let Some(fields) = block.as_object_mut() else {
            continue;
        };
        fields.retain(|name, value| {
            let nothing = value.is_null() || (name == "is_error" && *value == false);
            // Five minutes is the default; who called a tool is not said again.
            !nothing && name != "caller"
        });
        if let Some(mark) = fields
            .get_mut("cache_control")
            .and_then(Value::as_object_mut)
        {
            mark.retain(|name, value| !(name == "ttl" && *value == "5m"));
        }
        if fields.get("type").is_some_and(|kind| kind == "tool_result")
            && let Some(content) = fields.get_mut("content")
            && let Ok(text) = result_text(content)
        {
            *content = text.into();
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
