"""AWS's published schemas of resource types, which cfn-lint brings: properties are checked with all
parameters filled in, and they say what an update replaces.

https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from functools import cache
from typing import Any

import regex
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft7Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from . import aws
from .intrinsics import TemplateError


def _is_type(kind: str) -> Any:
    """Numbers and booleans may come as strings and the other way round."""

    def check(_checker: Any, value: Any) -> bool:
        if kind == "string":
            return isinstance(value, (str, int, float, bool))
        if kind == "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        if isinstance(value, bool):
            return False
        try:
            return (
                float(value) == int(float(value)) if kind == "integer" else float(value) is not None
            )
        except (TypeError, ValueError):
            return False

    return check


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Any:
    if isinstance(value, str) and not regex.search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _number(keyword: str) -> Any:
    holds = {
        "minimum": lambda value, bound: value >= bound,
        "maximum": lambda value, bound: value <= bound,
    }[keyword]

    def check(_validator: Any, bound: float, value: Any, _schema: Any) -> Any:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                fine = holds(float(value), bound)
            except ValueError:
                return
            if not fine:
                yield ValidationError(f"{value!r} is beyond the {keyword} of {bound}")

    return check


def _enum(_validator: Any, allowed: list[Any], value: Any, _schema: Any) -> Any:
    if str(value).lower() not in [str(one).lower() for one in allowed]:
        yield ValidationError(f"{value!r} is not one of {allowed!r}")


def _required_xor(_validator: Any, names: list[str], value: Any, _schema: Any) -> Any:
    if isinstance(value, dict) and sum(name in value for name in names) != 1:
        yield ValidationError(f"exactly one of {names} is required")


def _required_or(_validator: Any, names: list[str], value: Any, _schema: Any) -> Any:
    if isinstance(value, dict) and not any(name in value for name in names):
        yield ValidationError(f"one of {names} is required")


def _excluded(_validator: Any, rules: dict[str, list[str]], value: Any, _schema: Any) -> Any:
    for name, others in rules.items() if isinstance(value, dict) else ():
        both = [other for other in others if name in value and other in value]
        if both:
            yield ValidationError(f"{name} excludes {both}")


_Checker = validators.extend(
    Draft7Validator,
    {
        "pattern": _pattern,
        "enum": _enum,
        "minimum": _number("minimum"),
        "maximum": _number("maximum"),
        "requiredXor": _required_xor,
        "requiredOr": _required_or,
        "dependentExcluded": _excluded,
    },
    type_checker=Draft7Validator.TYPE_CHECKER.redefine_many(
        {kind: _is_type(kind) for kind in ("string", "boolean", "integer", "number")}
    ),
)


@cache
def schema(resource_type: str) -> dict[str, Any]:
    """Raises TemplateError for a type that AWS does not have."""
    if resource_type.startswith("Custom::"):
        return {}
    try:
        return PROVIDER_SCHEMA_MANAGER.get_resource_schema(aws.region(), resource_type).schema
    except Exception as error:
        raise TemplateError(
            f"Template format error: Unrecognized resource types: [{resource_type}]"
        ) from error


def check(resource_type: str, properties: dict[str, Any]) -> None:
    """Raises TemplateError that says what AWS's schema does not allow."""
    found = schema(resource_type)
    if not found:
        return
    read_only = [
        name for name in properties if f"/properties/{name}" in found.get("readOnlyProperties", [])
    ]
    if read_only:
        raise TemplateError(f"Encountered readOnlyProperties {read_only} of {resource_type}")
    error = best_match(_Checker(found).iter_errors(properties))
    if error:
        where = "/".join(map(str, error.absolute_path)) or "properties"
        raise TemplateError(
            f"Properties validation failed for resource type {resource_type}: #/{where}: {error.message[:400]}"
        )


@cache
def attributes(resource_type: str) -> frozenset[str]:
    """Those that Fn::GetAtt may name; they may be patterns such as `Outputs\\..*`."""
    return frozenset(
        PROVIDER_SCHEMA_MANAGER.get_resource_schema(aws.region(), resource_type).get_atts
    )


def replaced_by(resource_type: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The changed properties that an update cannot change in place.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
    """
    paths = schema(resource_type).get("createOnlyProperties", [])
    return [path for path in paths if _at(old, path) != _at(new, path)]


def _at(value: Any, path: str) -> Any:
    for name in path.removeprefix("/properties/").split("/"):
        if isinstance(value, list) and name == "*":
            continue
        value = value.get(name) if isinstance(value, dict) else None
    return value
