"""The documentation page: the OpenAPI document as plain values for templates/pages/docs.html.

Rendered on the server, so that it needs no build step, works offline and stays accessible. kit/static/kit/docs.js sends
the requests of its forms.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from kit.openapi.components import expanded

Json = dict[str, Any]
CONSTRAINTS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "maxItems": "up to {} items",
    "multipleOf": "a multiple of {}",
    "default": "default {}",
}
FORMATS = {"date": "date", "date-time": "date and time", "email": "e-mail address", "uri": "URL"}


def page(document: Json) -> str:
    """Return the documentation page of an OpenAPI document."""
    whole = expanded(document, document)
    info = whole["info"]
    introduction = [prose(paragraph) for paragraph in info["description"].split("\n\n")]
    values = {"title": info["title"], "introduction": introduction, "sections": Reader(whole).sections()}
    return render_to_string("pages/docs.html", values)


@dataclass
class Field:
    """A parameter, or a member of a body. Nested members have a path such as `items[].id`."""

    name: str
    type: str
    is_required: bool
    description: SafeString
    place: str = ""
    example: str = ""


@dataclass
class Answer:
    status: str
    description: str
    fields: list[Field]
    example: str
    headers: list[str]


@dataclass
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: SafeString
    access: str
    parameters: list[Field]
    body: list[Field]
    example: str
    answers: list[Answer]
    # (status, code, message)
    errors: list[tuple[str, str, str]]
    curl: str = ""


@dataclass
class Section:
    id: str
    title: str
    description: str
    operations: list[Operation] = field(default_factory=list)


class Reader:
    """Reads an OpenAPI document."""

    def __init__(self, document: Json) -> None:
        self.document = document

    def sections(self) -> list[Section]:
        sections = {
            tag["name"]: Section(tag["name"], tag["name"].capitalize(), tag["description"])
            for tag in self.document["tags"]
        }
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                sections[operation["tags"][0]].operations.append(self.operation(path, method.upper(), operation))
        return [section for section in sections.values() if section.operations]

    def operation(self, path: str, method: str, source: Json) -> Operation:
        media = _media(source.get("requestBody", {}))
        answers = {status: answer for status, answer in source["responses"].items() if status < "400"}
        refusals = {status: answer for status, answer in source["responses"].items() if status >= "400"}
        operation = Operation(
            id=source["operationId"],
            method=method,
            path=path,
            summary=source["summary"],
            description=prose(source.get("description", "")),
            access=_access(source.get("security", [])),
            parameters=[self.parameter(parameter) for parameter in source.get("parameters", [])],
            body=list(self.fields(media.get("schema", {}))),
            example=_example(media),
            answers=[self.answer(status, answer) for status, answer in answers.items()],
            errors=[error for status, answer in refusals.items() for error in _errors(status, answer)],
        )
        operation.curl = _curl(operation)
        return operation

    def parameter(self, source: Json) -> Field:
        schema = self.resolve(source["schema"])
        return Field(
            name=source["name"],
            type=self.type(schema),
            is_required=source.get("required", False),
            description=prose(source.get("description", "")),
            place=source["in"],
            example=str(source.get("example", "")),
        )

    def answer(self, status: str, source: Json) -> Answer:
        media = _media(source)
        return Answer(
            status=status,
            description=source["description"],
            fields=list(self.fields(media.get("schema", {}))),
            example=_example(media),
            headers=list(source.get("headers", {})),
        )

    def fields(self, schema: Json, path: str = "") -> Iterator[Field]:
        """Yield the members of an object, or of the objects in a list, followed by theirs."""
        schema = self.resolve(schema)
        for option in schema.get("oneOf", []) + schema.get("anyOf", []):
            yield from self.fields(option, path)
        if "items" in schema:
            yield from self.fields(schema["items"], f"{path}[]")
        for name, member in schema.get("properties", {}).items():
            member = self.resolve(member)
            inner = f"{path}.{name}".lstrip(".")
            is_required = name in schema.get("required", [])
            yield Field(inner, self.type(member), is_required, prose(member.get("description", "")))
            yield from self.fields(member, inner)

    def resolve(self, schema: Json) -> Json:
        """Return the schema with its references replaced by what they refer to."""
        parts = [schema, *schema.get("allOf", [])]
        if "$ref" in schema:
            parts.append(self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        merged: Json = {}
        for part in parts[1:]:
            merged |= self.resolve(part)
        return merged | {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}

    def type(self, schema: Json) -> str:
        """Return a phrase such as `integer or null, at least 1`."""
        schema = self.resolve(schema)
        if options := schema.get("oneOf", []) + schema.get("anyOf", []):
            return " or ".join(dict.fromkeys(self.type(option) for option in options))
        named = schema.get("type", "any")
        name = " or ".join(named) if isinstance(named, list) else named
        if "items" in schema:
            name = f"list of {self.type(schema['items'])}"
        if "enum" in schema:
            name = "one of " + ", ".join(json.dumps(value) for value in schema["enum"])
            schema = {"default": schema.get("default")}
        if schema.get("format") in FORMATS:
            name = name.replace("string", FORMATS[schema["format"]])
        limits = [
            text.format(_plain(schema[key])) for key, text in CONSTRAINTS.items() if schema.get(key) not in (None, "")
        ]
        return ", ".join([name, *limits])


def prose(text: str) -> SafeString:
    """Return text as HTML, with `code` marked. Everything else is escaped."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value).strip('"')


def _media(source: Json) -> Json:
    return next(iter(source.get("content", {}).values()), {})


def _example(media: Json) -> str:
    for example in media.get("examples", {}).values():
        value = example["value"]
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return ""


def _errors(status: str, source: Json) -> Iterator[tuple[str, str, str]]:
    for example in _media(source).get("examples", {}).values():
        yield status, example["value"].get("code", ""), example["value"].get("message", "")


def _access(security: list[Json]) -> str:
    if not any(security):
        return "Open to everyone"
    return "Token optional" if {} in security else "Requires a token"


def _curl(operation: Operation) -> str:
    path = operation.path
    for parameter in operation.parameters:
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(parameter.example or "1"))
    lines = [f'curl "$URL{path}"' + ("" if operation.method == "GET" else f" -X {operation.method}")]
    if operation.access == "Requires a token":
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if operation.example:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(operation.example)}"]
    return " \\\n  ".join(lines)
