"""The OpenAPI document as tests read it."""

from typing import Any

import jsonschema_rs

from kit.openapi.components import expanded
from kit.openapi.views import document


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
    operation["operationId"]: expanded(operation, document()) | {"method": method, "path": path}
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
