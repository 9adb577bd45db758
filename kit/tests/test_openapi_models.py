"""What the OpenAPI document says about bodies and parameters is exact, and generators of clients can read it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework import serializers

from kit.openapi.fields import enum_names
from kit.openapi.schema import AutoSchema
from kit.openapi.views import document
from kit.tests.openapi import OPERATIONS, faults


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a name and the media type object of the request and of each response that has a body."""
    described = {"request": operation.get("requestBody", {}), **operation["responses"]}
    for name, body in described.items():
        yield from ((name, media) for media in body.get("content", {}).values())


def parts_with(key: str, node: Any = None, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path and the content of each object in the document that has this key."""
    node = document() if node is None else node
    if isinstance(node, dict):
        if key in node:
            yield path, node
        children: Any = node.items()
    else:
        children = enumerate(node) if isinstance(node, list) else ()
    for name, inner in children:
        if name != "examples":
            yield from parts_with(key, inner, f"{path}/{name}")


class TestExamples:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_bodies_match_their_schema(self, name: str) -> None:
        found = {
            f"{body} {example}: {fault}"
            for body, media in bodies(OPERATIONS[name])
            for example, shown in media["examples"].items()
            for fault in faults(shown["value"], media["schema"])
        }

        assert found == set()

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_parameters_and_headers_match_their_schema(self, name: str) -> None:
        responses = OPERATIONS[name]["responses"].values()
        headers = [header for response in responses for header in response["headers"].values()]
        described = [part for part in OPERATIONS[name].get("parameters", []) + headers if "example" in part]

        assert [fault for part in described for fault in faults(part["example"], part["schema"])] == []


class TestEnums:
    def test_show_no_two_spellings_of_a_value(self) -> None:
        """Generators derive a constant's name from each value; `in-progress` and `in_progress` would have the same."""
        for path, part in parts_with("enum"):
            names = [re.sub(r"[^a-z0-9]", "", str(name).lower()) for name in part.get("x-enum-varnames", part["enum"])]

            assert len(set(names)) == len(part["enum"]), path

    def test_are_named_if_used_more_than_once(self) -> None:
        enums = [tuple(part["enum"]) for _, part in parts_with("enum")]

        assert {values for values in enums if enums.count(values) > 1} == set()

    def test_with_a_name_are_all_used(self) -> None:
        assert set(enum_names().values()) <= set(document()["components"]["schemas"])

    def test_name_constants_for_descending_orders(self) -> None:
        ordering = document()["components"]["schemas"]["EventOrdering"]

        assert ordering["enum"] == ["createdAt", "-createdAt", "startsAt", "-startsAt"]
        assert ordering["x-enum-varnames"] == ["CREATED_AT", "CREATED_AT_DESC", "STARTS_AT", "STARTS_AT_DESC"]


class TestDefaults:
    """openapi-typescript requires fields with a `default`, in requests as well."""

    def test_are_described_in_words(self) -> None:
        booking = document()["components"]["schemas"]["NewBookingRequest"]

        assert "joinWaitlist" not in booking.get("required", [])
        assert booking["properties"]["joinWaitlist"]["description"].endswith(" Default: `true`.")

    def test_are_values_in_the_query_only(self) -> None:
        paths = [path for path, _ in parts_with("default")]

        assert paths
        assert [path for path in paths if "/parameters/" not in path] == []


class TestPatterns:
    def test_are_portable(self) -> None:
        r"""Python has no \p{L}, for example."""
        for path, part in parts_with("pattern"):
            assert re.compile(part["pattern"]), path


class TestModels:
    def test_have_no_descriptions_for_developers(self) -> None:
        schemas = document()["components"]["schemas"]

        assert [name for name, schema in schemas.items() if "description" in schema] == []


class TestDocument:
    def test_names_its_license_and_server(self) -> None:
        assert document()["info"]["license"] == {"name": "MIT License", "identifier": "MIT"}
        assert document()["servers"] == [{"url": "/"}]


class TestNullableEnum:
    class Shape(serializers.Serializer[Any]):
        named = serializers.ChoiceField(choices=["createdAt", "-createdAt", "startsAt", "-startsAt"], allow_null=True)
        inline = serializers.ChoiceField(choices=["one", "two"], allow_null=True)

    @pytest.mark.parametrize("value", [None, "x"])
    @pytest.mark.parametrize("name", ["named", "inline"])
    def test_allows_null(self, name: str, value: str | None) -> None:
        described = AutoSchema()
        described.registry = ComponentRegistry()
        field = self.Shape().fields[name]

        schema = described._map_serializer_field(field, "request")

        assert (faults(value, schema) == []) == (value is None)
