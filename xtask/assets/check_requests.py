"""Checks that request bodies are what a published description of the provider's API allows.

    check_requests.py DIALECT SPEC FOLDER

DIALECT is one of those in `DIALECTS`, SPEC the description in JSON or YAML, and FOLDER holds a body in
each of its files. Besides validity, a field that the description does not know is a fault: a schema
lets it pass, and a misspelt option would never be noticed. Where a description is known to lack
something, or to have something wrong, the `mend_` function of the dialect says so. Prints how many
bodies were checked.
"""

import json
import pathlib
import sys

import yaml
from jsonschema import Draft202012Validator

USER = {"role": "user", "content": "x"}
FUNCTION = {"name": "f", "parameters": {"type": "object"}}


class Dialect:
    """Where the request lies in the description, and what must pass and must not."""

    def __init__(self, root, good, bad, mend=lambda spec: None):
        self.root = root
        self.good = good
        self.bad = bad
        self.mend = mend


def chat(**fields):
    return {"model": "m", "messages": [USER], **fields}


def chat_turns(*turns):
    return chat(messages=[USER, *turns])


def openai_chat():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    wrong_call = {**call, "function": {"name": "f", "arguments": {}}}
    good = [
        chat(),
        chat_turns({"role": "assistant", "tool_calls": [call]}),
        chat(tools=[{"type": "function", "function": FUNCTION}], stream=True),
    ]
    bad = [
        {"model": "m"},
        chat_turns({"role": "wizard", "content": "x"}),
        chat(temperature=99),
        chat(tools=[{"type": "function"}]),
        chat_turns({"role": "tool", "content": "x"}),
        chat_turns({"role": "user", "content": 7}),
        chat_turns({"role": "assistant", "tool_calls": [wrong_call]}),
        chat(max_tokns=9),
        chat_turns({**USER, "contnt": "x"}),
        chat_turns({**USER, "tool_call_id": "c"}),
    ]
    return Dialect("/components/schemas/CreateChatCompletionRequest", good, bad)


def openai_responses():
    def body(*items, **fields):
        message = {"type": "message", "role": "user", "content": "x"}
        return {"model": "m", "input": [message, *items], "store": False, **fields}

    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "x"}
    tool = {"type": "function", "strict": False, **FUNCTION}
    good = [body(), body(call, result), body(tools=[tool], stream=True)]
    bad = [
        body({"type": "message", "role": "wizard", "content": "x"}),
        body({"type": "message", "role": "user", "content": 7}),
        body({**call, "arguments": {}}),
        body({"type": "function_call_output", "output": "x"}),
        body(temperature=99),
        body(tools=[{"type": "function"}]),
        body(max_output_tokns=9),
        body(messages=[]),
        body({**call, "nam": "f"}),
        body({**result, "arguments": "{}"}),
    ]
    return Dialect("/components/schemas/CreateResponse", good, bad, mend_openai_responses)


def mend_openai_responses(spec):
    schemas = spec["components"]["schemas"]
    # Left out only where the result is of a tool that the server has called itself.
    schemas["FunctionCallOutputItemParam"]["required"].append("call_id")
    # Required by the description, and always there in answers. Recorded requests of November 2026
    # leave them out, and the server took those.
    optional = {
        "FunctionTool": ["strict"],
        "InputImageContent": ["detail"],
        "OutputMessage": ["id", "status"],
        "OutputTextContent": ["annotations", "logprobs"],
    }
    for name, fields in optional.items():
        for field in fields:
            schemas[name]["required"].remove(field)


def anthropic():
    def body(*turns, **fields):
        return {"model": "m", "max_tokens": 9, "messages": [USER, *turns], **fields}

    def said(**block):
        return {"role": "assistant", "content": [block]}

    def answered(**block):
        return {"role": "user", "content": [{"type": "tool_result", **block}]}

    use = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    good = [
        body(),
        body(said(**use), answered(tool_use_id="c", content="x")),
        body(stream=True, temperature=1, tools=[{"name": "f", "input_schema": {"type": "object"}}]),
    ]
    bad = [
        chat(),
        body({"role": "wizard", "content": "x"}),
        body({"role": "user", "content": 7}),
        body(max_tokens="9"),
        body(stream="yes"),
        body(tools=[{"name": "f"}]),
        body(said(**{**use, "input": "{}"})),
        body(answered(content="x")),
        body(said(type="thinking", thinking="x")),
        body(max_tokns=9),
        body(said(**use, arguments="{}")),
        body(said(type="text", text="x", signature="x")),
    ]
    return Dialect("", good, bad, mend_anthropic)


def mend_anthropic(schema):
    fields = schema["properties"]
    # Exported from the type of a call that is not streamed, which forbids `true`.
    fields["stream"] = {"type": "boolean"}
    # Gone from the newest types, since the newest models take none; those before them do.
    fields["temperature"] = {"type": "number", "minimum": 0, "maximum": 1}
    fields["top_p"] = {"type": "number", "minimum": 0, "maximum": 1}
    fields["top_k"] = {"type": "integer", "minimum": 0}
    # The name of `output_config.format` while it was in beta: two recordings say it.
    fields["output_format"] = {"type": "object", "additionalProperties": True}
    # Blocks of an answer may be sent back, and what describes them lets every field pass.
    for definition in schema["$defs"].values():
        if "properties" in definition:
            definition.pop("additionalProperties", None)


def ollama():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {}}}
    wrong_call = {"function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_name": "f", "tool_call_id": "c", "content": "x"}
    asked = {"role": "assistant", "content": "", "thinking": "x", "tool_calls": [call]}
    good = [
        chat(),
        chat_turns(asked, result),
        chat(options={"num_predict": 9, "presence_penalty": 0.5}, think="low", stream=True),
    ]
    bad = [
        {"model": "m"},
        chat_turns({"role": "wizard", "content": "x"}),
        chat_turns({"role": "user", "content": 7}),
        chat_turns({"role": "assistant", "content": "", "tool_calls": [wrong_call]}),
        chat(tools=[{"type": "function"}]),
        chat(format="xml"),
        chat(think="much"),
        chat(options={"num_predct": 9}),
        chat(max_tokens=9),
        chat_turns({**USER, "contnt": "x"}),
        chat_turns({**asked, "tool_calls": [{**call, "arguments": {}}]}),
    ]
    return Dialect("/components/schemas/ChatRequest", good, bad, mend_ollama)


def mend_ollama(spec):
    schemas = spec["components"]["schemas"]
    text = {"type": "string"}
    # What the server reads (`api/types.go`) and the description leaves out.
    schemas["ChatMessage"]["properties"] |= {
        "thinking": text,
        "tool_name": text,
        "tool_call_id": text,
    }
    schemas["ToolCall"]["properties"] |= {"id": text, "type": {"const": "function"}}
    options = schemas["ModelOptions"]
    options["properties"] |= {
        "presence_penalty": {"type": "number"},
        "frequency_penalty": {"type": "number"},
    }
    # It lets every option pass; here a misspelt one is to be noticed.
    del options["additionalProperties"]


DIALECTS = {
    "anthropic": anthropic,
    "ollama": ollama,
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
}


class Schema:
    def __init__(self, spec, root):
        self.spec = spec
        self.root = {"$ref": f"#{root}"} if root else spec
        self.validator = Draft202012Validator({**spec, **self.root} if root else spec)

    def faults(self, body):
        invalid = [
            f"{error.json_path}: {error.message[:200]}" for error in self.validator.iter_errors(body)
        ]
        return invalid + self.unknown(body, [self.root], "$")

    def unknown(self, value, schemas, path):
        """Fields that none of `schemas` knows, in any of their branches."""
        branches = [branch for schema in schemas for branch in self.branches(schema)]
        if isinstance(value, list):
            items = [branch["items"] for branch in branches if "items" in branch]
            found = [self.unknown(item, items, f"{path}[{at}]") for at, item in enumerate(value)]
            return sum(found, [])
        known = [b for b in branches if "properties" in b and self.is_meant(value, b)]
        # An object of which the schema says nothing, such as a schema inside the body, is free.
        is_free = any(branch.get("additionalProperties") for branch in branches)
        if not isinstance(value, dict) or not known or is_free:
            return []
        found = []
        for name, inner in value.items():
            inner_schemas = [b["properties"][name] for b in known if name in b["properties"]]
            if inner_schemas:
                found += self.unknown(inner, inner_schemas, f"{path}.{name}")
            else:
                found.append(f"{path}.{name}: unknown field")
        return found

    def is_meant(self, value, branch):
        """Whether the words by which a branch is told from others, such as `type`, are in `value`."""
        if not isinstance(value, dict):
            return False
        for name, schema in branch["properties"].items():
            words = self.words(schema)
            if words and name in value and value[name] not in words:
                return False
        return True

    def words(self, schema):
        """The only words that `schema` takes; none where it takes others too."""
        words = []
        for branch in self.branches(schema):
            if "const" in branch:
                words.append(branch["const"])
            elif "enum" in branch:
                words += branch["enum"]
            elif branch.get("type") == "null":
                words.append(None)
            elif not {"$ref", "allOf", "anyOf", "oneOf"} & branch.keys():
                return []
        return words

    def branches(self, schema):
        """The schema and everything that it refers to or is composed of, at the same place."""
        found, waiting = [], [schema]
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict):
                continue
            found.append(schema)
            if "$ref" in schema:
                waiting.append(self.resolve(schema["$ref"]))
            for word in ("allOf", "anyOf", "oneOf"):
                waiting += schema.get(word, [])
        return found

    def resolve(self, reference):
        found = self.spec
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found


def load(path):
    text = path.read_text()
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def main():
    name, spec, folder = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    dialect, spec = DIALECTS[name](), load(spec)
    dialect.mend(spec)
    schema = Schema(spec, dialect.root)
    # So that a check which lets everything through, or nothing, is noticed.
    for body in dialect.good:
        if faults := schema.faults(body):
            sys.exit(f"the check stops what is right: {body}: {faults}")
    if passed := [body for body in dialect.bad if not schema.faults(body)]:
        sys.exit(f"the check lets through what it must not: {passed}")
    bodies = sorted(folder.glob("*.json"))
    faulty = 0
    for path in bodies:
        faults = schema.faults(json.loads(path.read_text()))
        faulty += bool(faults)
        for fault in faults:
            print(f"{path.name}: {fault}", file=sys.stderr)
    if faulty or not bodies:
        sys.exit(f"{faulty} of {len(bodies)} bodies are not what the description allows")
    print(len(bodies))


if __name__ == "__main__":
    main()
