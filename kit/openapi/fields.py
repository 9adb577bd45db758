"""OpenAPI schemas for our serializer fields, which describe exactly what the server accepts."""

from functools import cache
from typing import Any

from django.utils.module_loading import import_string
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import Direction
from inflection import underscore

from kit.email_addresses import MAX_LENGTH
from kit.openapi.components import component
from kit.web.fields import CONTROL_CHARACTERS, MAX_MONEY, SingleLineField

ID_SCHEMA = {"type": "integer", "format": "int64", "minimum": 1}

# What Python's str.strip removes; \s differs between languages.
WHITESPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class TextExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        field = self.target
        forbidden = CONTROL_CHARACTERS if isinstance(field, SingleLineField) else r"\x00"
        shortest = 0 if field.allow_blank else max(1, field.min_length or 1)
        bounds = {"minLength": shortest, "maxLength": field.max_length}
        schema = {"type": "string"} | {key: bound for key, bound in bounds.items() if bound}
        if direction == "request":
            forbidden += getattr(field, "forbidden", "")
            schema["pattern"] = text_pattern(forbidden, shortest, is_trimmed=field.trim_whitespace)
        return schema


def text_pattern(forbidden: str, shortest: int, *, is_trimmed: bool) -> str:
    """Return a pattern for text without `forbidden` characters, at least `shortest` long after any trimming."""
    if not is_trimmed:
        return rf"^[^{forbidden}]*$"
    space, inner, end = rf"[{WHITESPACE}]", rf"[^{forbidden}]", rf"[^{forbidden}{WHITESPACE}]"
    if shortest == 0:
        return rf"^{space}*({end}({inner}*{end})?{space}*)?$"
    if shortest == 1:
        return rf"^{space}*{end}({inner}*{end})?{space}*$"
    return rf"^{space}*{end}{inner}{{{shortest - 2},}}{end}{space}*$"


class EmailExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.EmailField"
    priority = 1

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": MAX_LENGTH}


class IdExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.IdField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return dict(ID_SCHEMA)


class IdFilterExtension(OpenApiSerializerFieldExtension):
    """An id without bounds: one that cannot exist is accepted, and finds nothing."""

    target_class = "kit.web.fields.IdFilterField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "integer"}


class ItemsExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.ItemsField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: Direction) -> dict[str, Any]:
        items = auto_schema.resolve_serializer(self.target.shape, direction).ref
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.target.max_length}


class MoneyExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.MoneyField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": float(MAX_MONEY), "multipleOf": 0.01}


class UtcDateTimeExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.UtcDateTimeField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        schema = {"type": "string", "format": "date-time"}
        return schema if direction == "request" else schema | {"pattern": "Z$"}


class MomentExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.fields.MomentField"
    priority = 1

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}


class CursorExtension(OpenApiSerializerFieldExtension):
    target_class = "kit.web.paging.CursorField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}


class NamesExtension(OpenApiSerializerFieldExtension):
    """A list in one parameter: `ticket,booking`."""

    target_class = "kit.web.fields.NamesField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        name = "|".join(self.target.names)
        return {"type": "string", "pattern": f"^ *({name})? *(, *({name})? *)*$"}


class ChoiceExtension(OpenApiSerializerFieldExtension):
    """Refer to the component that ENUM_NAME_OVERRIDES names, so that clients have one type for all uses of an enum."""

    target_class = "rest_framework.serializers.ChoiceField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        values = list(self.target.choices)
        schema: dict[str, Any] = {"type": "string", "enum": values}
        if any(value.startswith("-") for value in values):
            schema["x-enum-varnames"] = [ordering_name(value) for value in values]
        if name := enum_names().get(tuple(values)):
            return component(auto_schema.registry, ResolvedComponent.SCHEMA, name, schema)
        # drf-spectacular adds null to the type, and to a component as an alternative.
        return schema | {"enum": [*values, None]} if self.target.allow_null else schema


@cache
def enum_names() -> dict[tuple[str, ...], str]:
    """Return the names of enums by their values."""
    enums = {name: import_string(path) for name, path in spectacular_settings.ENUM_NAME_OVERRIDES.items()}
    return {tuple(getattr(enum, "values", enum)): name for name, enum in enums.items()}


def ordering_name(value: str) -> str:
    """Return a constant's name for generated clients: CREATED_DATE_DESC for -createdDate."""
    name = underscore(value.removeprefix("-")).upper()
    return f"{name}_DESC" if value.startswith("-") else name
