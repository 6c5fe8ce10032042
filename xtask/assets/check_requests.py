"""Checks that request bodies are what a published schema of the provider's API allows.

    check_requests.py SPEC FOLDER

SPEC is an OpenAPI document with the schema `CreateChatCompletionRequest`; FOLDER holds a body in each
of its files. Besides validity, a field that the schema does not know is a fault: a schema lets it
pass, and a misspelt option would never be noticed. Prints how many bodies were checked.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

NAME = "CreateChatCompletionRequest"
USER = {"role": "user", "content": "x"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {}}}

# Bodies that must not pass, so that a check which lets everything through is noticed.
BAD = [
    {"model": "m"},
    {"model": "m", "messages": [{"role": "wizard", "content": "x"}]},
    {"model": "m", "messages": [USER], "temperature": 99},
    {"model": "m", "messages": [USER], "tools": [{"type": "function"}]},
    {"model": "m", "messages": [{"role": "tool", "content": "x"}]},
    {"model": "m", "messages": [{"role": "user", "content": 7}]},
    {"model": "m", "messages": [{"role": "assistant", "tool_calls": [CALL]}]},
    {"model": "m", "messages": [USER], "max_tokns": 9},
    {"model": "m", "messages": [{**USER, "contnt": "x"}]},
]


class Schema:
    def __init__(self, spec):
        self.schemas = spec["components"]["schemas"]
        root = {"$ref": f"#/components/schemas/{NAME}", "components": spec["components"]}
        self.validator = Draft202012Validator(root)

    def faults(self, body):
        invalid = [error.message[:200] for error in self.validator.iter_errors(body)]
        return invalid + self.unknown(body, [self.schemas[NAME]], "")

    def unknown(self, value, schemas, path):
        """Fields that none of `schemas` knows, in any of their branches."""
        branches = [branch for schema in schemas for branch in self.branches(schema)]
        if isinstance(value, list):
            items = [branch["items"] for branch in branches if "items" in branch]
            found = [self.unknown(item, items, f"{path}[]") for item in value]
            return sum(found, [])
        known = [branch for branch in branches if "properties" in branch]
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
                found.append(f"unknown field {path}.{name}")
        return found

    def branches(self, schema):
        """The schema and everything that it refers to or is composed of, at the same place."""
        found, waiting = [], [schema]
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict):
                continue
            found.append(schema)
            if "$ref" in schema:
                waiting.append(self.schemas[schema["$ref"].rsplit("/", 1)[-1]])
            for word in ("allOf", "anyOf", "oneOf"):
                waiting += schema.get(word, [])
        return found


def main():
    spec, folder = map(pathlib.Path, sys.argv[1:])
    schema = Schema(json.loads(spec.read_text()))
    passed = [body for body in BAD if not schema.faults(body)]
    if passed:
        sys.exit(f"the check lets through what it must not: {passed}")
    bodies = sorted(folder.glob("*.json"))
    faulty = 0
    for path in bodies:
        faults = schema.faults(json.loads(path.read_text()))
        faulty += bool(faults)
        for fault in faults:
            print(f"{path.name}: {fault}", file=sys.stderr)
    if faulty or not bodies:
        sys.exit(f"{faulty} of {len(bodies)} bodies are not what the schema allows")
    print(len(bodies))


if __name__ == "__main__":
    main()
