"""Handlers made of calls of AWS's API."""

from collections.abc import Callable
from typing import Any

from . import aws
from .handlers import Handler, Resource


def call(service: str, operation: str, params: dict[str, Any]) -> Any:
    """As botocore has it, with numbers and booleans made what its model says: templates have strings."""
    client = aws.client(service)
    shape = client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[operation]
    ).input_shape
    return getattr(client, operation)(
        **_fit(shape, {key: value for key, value in params.items() if value is not None})
    )


def _fit(shape: Any, value: Any) -> Any:
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {key: _fit(shape.members.get(key), item) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_fit(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _fit(shape.value, item) for key, item in value.items()}
    if shape.type_name in ("integer", "long") and isinstance(value, (str, float)):
        return int(float(value))
    if shape.type_name in ("double", "float") and isinstance(value, (str, int)):
        return float(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    if shape.type_name == "string" and isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def pick(properties: dict[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """Properties by name; `new=old` renames one."""
    found = {name: properties[name] for name in names if name in properties}
    return found | {new: properties[old] for new, old in renamed.items() if old in properties}


def recorded(
    physical_id: Callable[[Resource], str], **attributes: Callable[[Resource], Any]
) -> Handler:
    """A resource that is checked against its schema and kept, and does nothing."""

    def create(resource: Resource) -> None:
        resource.physical_resource_id = physical_id(resource)
        resource.attributes = {name: make(resource) for name, make in attributes.items()}

    return Handler(create, lambda _resource, _old: None, lambda _resource: None)


def arn_of(resource: Resource, service: str, kind: str, global_: bool = False) -> str:
    place = "" if global_ else aws.region()
    return f"arn:aws:{service}:{place}:{aws.ACCOUNT}:{kind}{resource.name}"
