//! Requests that the provider looks at before it answers. The simulator has no rules here, so that it
//! refuses what a provider would refuse.

use super::{
    Dialect,
    bench::{Bench, Setup, hold, hold_kind},
};
use serde_json::{Value, json};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, File, JsonSchema, Message, ReasoningEffort,
    Request, ResponseFormat, ToolChoice, ToolSpec,
};
use towline_sim::DEFAULT_MODEL;

pub(super) async fn accepted(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    for stream in [false, true] {
        history(&bench, stream).await?;
        tools(&bench, stream, CompletionOptions::new()).await?;
        let thinking = CompletionOptions::new().with_reasoning(ReasoningEffort::Low);
        tools(&bench, stream, thinking).await?;
        schema(&bench, stream).await?;
    }
    Ok(())
}

/// Roles that do not alternate, and options. What the provider has no field for may be left out.
async fn history(bench: &Bench, stream: bool) -> Result<(), String> {
    let conversation = Conversation::from_iter([
        Message::system("Be brief."),
        Message::user("First."),
        Message::user("Second."),
        Message::assistant("Hello."),
        Message::assistant("Hello again."),
        Message::user("Third."),
    ]);
    let options = CompletionOptions::new()
        .with_temperature(0.5)
        .with_max_tokens(500)
        .with_stop(["not in the answer"])
        .with_lenient(true);
    let request = Request::new(DEFAULT_MODEL, conversation).with_options(options);
    let answer = bench.whole(request.with_stream(stream)).await?;
    let text = answer.text();
    hold!(text.contains("Third."), "the answer is {text:?}");
    Ok(())
}

/// Calls and their results, then the next question: what was thought goes back with the calls.
async fn tools(bench: &Bench, stream: bool, options: CompletionOptions) -> Result<(), String> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let options = options.with_tools([
        ToolSpec::new("weather", "Tells the weather.", &schema),
        ToolSpec::new(
            "clock",
            "Tells the time.",
            &json!({"type": "object", "properties": {}}),
        ),
    ]);
    let options = options.with_tool_choice(ToolChoice::Auto);
    let ask = |conversation: &Conversation| {
        Request::new(DEFAULT_MODEL, conversation.clone())
            .with_options(options.clone())
            .with_stream(stream)
    };
    let mut conversation = Conversation::from("Use the tools weather and clock.");
    let answer = bench.whole(ask(&conversation)).await?;
    let calls: Vec<_> = answer.tool_calls().cloned().collect();
    let names: Vec<&str> = calls.iter().map(|call| call.name()).collect();
    hold!(names == ["weather", "clock"], "the calls are {names:?}");
    conversation.push(answer.into_message());
    for (call, result) in calls.iter().zip(["sunny there", "noon"]) {
        conversation.push(Message::tool(call.id(), result));
    }
    let answer = bench.whole(ask(&conversation)).await?;
    let text = answer.text().into_owned();
    let told = ["weather returned: sunny there", "clock returned: noon"];
    for told in told {
        hold!(text.contains(told), "{told:?} is not in {text:?}");
    }
    conversation.push(answer.into_message());
    conversation.push(Message::user("Thank you."));
    let answer = bench.whole(ask(&conversation)).await?;
    let text = answer.text();
    hold!(text.contains("Thank you."), "the answer is {text:?}");
    Ok(())
}

/// An answer that is valid for the schema, made by who read the schema.
async fn schema(bench: &Bench, stream: bool) -> Result<(), String> {
    let schema = json!({
        "type": "object",
        "properties": {"mood": {"type": "string", "enum": ["calm", "wild"]}},
        "required": ["mood"],
        "additionalProperties": false,
    });
    let format = ResponseFormat::JsonSchema(JsonSchema::new("mood_form", &schema));
    let options = CompletionOptions::new().with_response_format(format);
    let request = Request::new(DEFAULT_MODEL, "How are you?").with_options(options);
    let answer = bench.whole(request.with_stream(stream)).await?;
    let value: Option<Value> = serde_json::from_str(&answer.text()).ok();
    hold!(
        value == Some(json!({"mood": "calm"})),
        "the answer is {:?}",
        answer.text()
    );
    Ok(())
}

pub(super) async fn files(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    let file = File::from_bytes("application/pdf", b"%PDF-1.7 the content").with_name("bill.pdf");
    let question = Message::user("What is the total?").with_part(file);
    for stream in [false, true] {
        let request = Request::new(DEFAULT_MODEL, Conversation::from(question.clone()));
        let request = request.with_stream(stream);
        if setup.dialect == Dialect::Ollama {
            let error = bench.fails(request).await?;
            hold_kind(&error, &[ErrorKind::Unsupported])?;
            let sent = bench.sim.stats().requests();
            hold!(sent == 0, "{sent} requests were sent with a file");
            continue;
        }
        let answer = bench.whole(request).await?;
        let text = answer.text();
        hold!(text.contains("the total"), "the answer is {text:?}");
        let sent = bench.last_body();
        for wanted in ["JVBERi0xLjcgdGhlIGNvbnRlbnQ=", "bill.pdf"] {
            hold!(sent.contains(wanted), "{wanted:?} was not sent: {sent}");
        }
    }
    Ok(())
}
