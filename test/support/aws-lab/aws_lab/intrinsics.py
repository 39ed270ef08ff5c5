"""Intrinsic functions and dynamic references of templates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
Whatever is not known here is an error: nothing becomes empty in silence.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import aws

NO_VALUE = object()
ZONES = ("a", "b", "c")
_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|secretsmanager):([^}]+)\}\}")


class TemplateError(Exception):
    """What CloudFormation answers to a template or parameters that cannot be."""


@dataclass
class Resolver:
    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    mappings: dict[str, Any]
    conditions: dict[str, Any]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            name = next(iter(value), "")
            if len(value) == 1 and (name in ("Ref", "Condition") or name.startswith("Fn::")):
                return self._function(name, value[name])
            made = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in made.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if isinstance(value, str):
            return _DYNAMIC.sub(_dynamic, value)
        return value

    def condition(self, name: str) -> bool:
        if name not in self.conditions:
            raise TemplateError(f"Template error: there is no condition {name}")
        return bool(self.resolve(self.conditions[name]))

    def _function(self, name: str, given: Any) -> Any:
        function = getattr(self, "_" + name.replace("Fn::", "").lower(), None)
        if function is None:
            raise TemplateError(f"Template error: {name} is not known to the lab")
        return function(given)

    def _ref(self, given: str) -> Any:
        return self.ref(given)

    def _condition(self, given: str) -> bool:
        return self.condition(given)

    def _getatt(self, given: Any) -> Any:
        resource, attribute = given.split(".", 1) if isinstance(given, str) else given
        return self.attribute(resource, self.resolve(attribute))

    def _if(self, given: list[Any]) -> Any:
        condition, yes, no = given
        return self.resolve(yes if self.condition(condition) else no)

    def _equals(self, given: list[Any]) -> bool:
        left, right = self.resolve(given)
        return str(left) == str(right)

    def _not(self, given: list[Any]) -> bool:
        return not self.resolve(given)[0]

    def _and(self, given: list[Any]) -> bool:
        return all(self.resolve(given))

    def _or(self, given: list[Any]) -> bool:
        return any(self.resolve(given))

    def _contains(self, given: list[Any]) -> bool:
        values, value = self.resolve(given)
        return str(value) in [str(one) for one in values]

    def _eachmemberin(self, given: list[Any]) -> bool:
        values, allowed = self.resolve(given)
        return all(value in allowed for value in values)

    def _eachmemberequals(self, given: list[Any]) -> bool:
        values, wanted = self.resolve(given)
        return all(value == wanted for value in values)

    def _join(self, given: list[Any]) -> str:
        separator, parts = given
        return separator.join(_text(part) for part in self.resolve(parts))

    def _split(self, given: list[Any]) -> list[str]:
        separator, text = self.resolve(given)
        return text.split(separator)

    def _select(self, given: list[Any]) -> Any:
        index, values = self.resolve(given)
        if int(index) >= len(values):
            raise TemplateError(
                f"Template error: Fn::Select cannot select nonexistent value at index {index}"
            )
        return values[int(index)]

    def _findinmap(self, given: list[Any]) -> Any:
        name, first, second = self.resolve(given[:3])
        try:
            return self.mappings[name][first][second]
        except KeyError as missing:
            raise TemplateError(
                f"Template error: Unable to get mapping for {name}::{first}::{second}"
            ) from missing

    def _length(self, given: Any) -> int:
        return len(self.resolve(given))

    def _tojsonstring(self, given: Any) -> str:
        return json.dumps(self.resolve(given))

    def _base64(self, given: Any) -> str:
        return base64.b64encode(self.resolve(given).encode()).decode()

    def _getazs(self, given: Any) -> list[str]:
        return [f"{self.resolve(given) or aws.region()}{zone}" for zone in ZONES]

    def _cidr(self, given: list[Any]) -> list[str]:
        block, count, bits = self.resolve(given)
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]

    def _sub(self, given: Any) -> str:
        template, local = (given, {}) if isinstance(given, str) else given
        known = self.resolve(local)

        def replace(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return "${" + name + "}"
            if name in known:
                return _text(known[name])
            return _text(self._getatt(name) if "." in name else self.ref(name))

        return _DYNAMIC.sub(_dynamic, _VARIABLE.sub(replace, template))


def references(value: Any) -> set[str]:
    """The names that a piece of template refers to, of resources, parameters and pseudo parameters."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(references, value.values())) if value else set()
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        given = value["Fn::GetAtt"]
        found.add(given.split(".")[0] if isinstance(given, str) else given[0])
    if "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        found |= {name.split(".")[0] for literal, name in _VARIABLE.findall(text) if not literal}
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _dynamic(found: re.Match[str]) -> str:
    service, name = found.groups()
    try:
        if service == "ssm":
            return aws.client("ssm").get_parameter(Name=name.split(":")[0])["Parameter"]["Value"]
        secret, _, rest = name.partition(":SecretString:")
        value = aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        key = rest.split(":")[0]
        return json.loads(value)[key] if key else value
    except Exception as error:
        raise TemplateError(f"Could not resolve {found.group(0)}: {error}") from error
