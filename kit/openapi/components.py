"""Components of the OpenAPI document: parts that several operations refer to."""

from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent


def component(registry: ComponentRegistry, kind: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a reference to the component with this value, registering it if needed: as `name-2` if `name` differs."""
    new = ResolvedComponent(name=name, type=kind, schema=value, object=name)
    number = 1
    while new in registry and registry[new].schema != value:
        number += 1
        new.name = f"{name}-{number}"
    registry.register_on_missing(new)
    reference: dict[str, Any] = new.ref
    return reference


def expanded(part: Any, document: dict[str, Any]) -> Any:
    """Return a part of the document with its references resolved, except those to schemas, which may be recursive."""
    if isinstance(part, list):
        return [expanded(inner, document) for inner in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref", "#/components/schemas/")
    if reference.startswith("#/components/schemas/"):
        return {key: expanded(inner, document) for key, inner in part.items()}
    _, _, kind, name = reference.split("/")
    return expanded(document["components"][kind][name], document)
