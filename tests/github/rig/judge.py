"""Every request held against GitHub's own description of its API, more strictly than GitHub does.

Unknown keys and unknown query parameters are refused, and what the description leaves open by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema_rs
from graphql import DocumentNode, GraphQLSchema, build_schema, parse, validate

from .descriptions import description
from .prism import completed

Schema = dict[str, Any]
SIDES = ("LEFT", "RIGHT")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: its path's pattern, the description, and its checked parts as they are needed."""

    template: str
    pattern: re.Pattern[str]
    parameters: dict[str, Schema]
    body: jsonschema_rs.Validator | None
    needs_body: bool


@dataclass(slots=True)
class Judge:
    """Says what is wrong with a request. Loads the description once (0.2 s)."""

    _document: Schema = field(
        default_factory=lambda: json.loads(description("api.github.com.json").read_bytes())
    )
    _operations: dict[tuple[str, str], Operation] = field(default_factory=dict)
    _paths: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The path that says most is the one that is meant: /commits/{ref}/check-runs before /commits/{ref}.
        for path in sorted(self._document["paths"], key=lambda path: path.count("{") - path.count("/")):
            self._paths.append((_pattern(path), path))

    def rest(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> list[str]:
        """What is wrong with a request to the REST API; nothing when it is right."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path}: GitHub has no such operation"]
        wrong = [f"{method} {operation.template}: {problem}" for problem in _query(operation, query)]
        if body:
            try:
                held = json.loads(body)
            except ValueError as error:
                return [*wrong, f"{method} {operation.template}: the body is no JSON: {error}"]
            problems = [*_by_hand(held)]
            if operation.body is not None:
                problems += [
                    f"{'/'.join(map(str, error.instance_path))}: {error.message}"
                    for error in operation.body.iter_errors(held)
                ]
            elif held:
                problems.append("takes no body")
            wrong += [f"{method} {operation.template}: {problem}" for problem in problems]
        elif operation.needs_body:
            wrong.append(f"{method} {operation.template}: needs a body")
        return wrong

    def complete(self, method: str, path: str, status: int, answer: Any) -> Any:
        """An answer with all the fields that GitHub's has."""
        operation = self._operation(method, path)
        return completed(self._document, operation.template, method, status, answer) if operation else answer

    def _operation(self, method: str, path: str) -> Operation | None:
        for pattern, template in self._paths:
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][template]:
                key = (method, template)
                if key not in self._operations:
                    self._operations[key] = self._describe(method.lower(), template, pattern)
                return self._operations[key]
        return None

    def _describe(self, method: str, template: str, pattern: re.Pattern[str]) -> Operation:
        item = self._document["paths"][template]
        held = item[method]
        parameters = [
            self._resolved(each) for each in (*item.get("parameters", ()), *held.get("parameters", ()))
        ]
        asked = {each["name"]: self._strict(each["schema"]) for each in parameters if each["in"] == "query"}
        content = held.get("requestBody", {}).get("content", {}).get("application/json")
        body = jsonschema_rs.validator_for(self._strict(content["schema"])) if content else None
        return Operation(template, pattern, asked, body, bool(held.get("requestBody", {}).get("required")))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            place: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            schema = place
        return schema

    def _strict(self, schema: Schema) -> Schema:
        """As JSON Schema, without references, and with no keys beyond those that are named."""
        schema = dict(self._resolved(schema))
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                schema[key] = [self._strict(each) for each in schema[key]]
        if "items" in schema:
            schema["items"] = self._strict(schema["items"])
        if "properties" in schema:
            schema["properties"] = {name: self._strict(each) for name, each in schema["properties"].items()}
            schema.setdefault("additionalProperties", False)
        if schema.pop("nullable", False) and "type" in schema:
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        return schema


def _pattern(path: str) -> re.Pattern[str]:
    """A path of the description as a pattern; `{path}` and `{ref}` may hold slashes, `{basehead}` too."""
    out = ""
    for part in re.split(r"(\{[^}]+\})", path):
        if part in ("{path}", "{ref}", "{basehead}"):
            out += ".+"
        elif part.startswith("{"):
            out += "[^/]+"
        else:
            out += re.escape(part)
    return re.compile(out)


def _query(operation: Operation, query: Mapping[str, list[str]]) -> Iterator[str]:
    for name, values in query.items():
        schema = operation.parameters.get(name)
        if schema is None:
            yield f"unknown query parameter {name!r}"
            continue
        for value in values:
            if schema.get("type") == "integer" and not re.fullmatch(r"\d+", value):
                yield f"query parameter {name}: {value!r} is no number"
            if "enum" in schema and value not in schema["enum"]:
                yield f"query parameter {name}: {value!r} is none of {schema['enum']}"
            if name == "per_page" and not 1 <= int(value) <= 100:
                yield f"query parameter per_page: {value} is not in 1..100"


def _by_hand(body: Any) -> Iterator[str]:
    """What the description leaves open: the sides of comments, and a completed check without a conclusion."""
    if not isinstance(body, dict):
        return
    for each in (body, *body.get("comments", ())):
        for key in ("side", "start_side"):
            if isinstance(each, dict) and key in each and each[key] not in SIDES:
                yield f"{key}: {each[key]!r} is none of {SIDES}"
    if body.get("status") == "completed" and not body.get("conclusion"):
        yield "a completed check needs a conclusion"
    if "conclusion" in body and body.get("status", "completed") != "completed":
        yield "a conclusion completes the check whatever its status says"


@cache
def graphql_schema() -> GraphQLSchema:
    """GitHub's GraphQL schema (0.7 s)."""
    return build_schema(
        description("schema.graphql").read_text("utf-8"), assume_valid=True, assume_valid_sdl=True
    )


@cache
def graphql(query: str) -> tuple[str, ...]:
    """What is wrong with a GraphQL document."""
    return tuple(error.message for error in validate(graphql_schema(), document(query)))


@cache
def document(query: str) -> DocumentNode:
    """A GraphQL document; clients send the same few over and over."""
    return parse(query)
