"""The OpenAPI document as tests read it."""

from typing import Any

import jsonschema_rs

from kit.openapi.views import document


def expanded(node: Any) -> Any:
    """Return a part of the document with its references resolved, except those to schemas."""
    if isinstance(node, list):
        return [expanded(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "#/components/schemas/")
    if reference.startswith("#/components/schemas/"):
        return {key: expanded(inner) for key, inner in node.items()}
    _, _, kind, name = reference.split("/")
    return expanded(document()["components"][kind][name])


def closed(node: Any) -> Any:
    """Return a schema in which objects have no other properties than those described."""
    if isinstance(node, list):
        return [closed(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    return {"additionalProperties": False, **inner} if isinstance(node.get("properties"), dict) else inner


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return how the value differs from the schema, formats and unknown properties included."""
    validator = jsonschema_rs.Draft202012Validator(schema | {"components": COMPONENTS}, validate_formats=True)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(value)]


COMPONENTS = {"schemas": closed(document()["components"]["schemas"])}
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: expanded(operation) | {"method": method, "path": path}
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
