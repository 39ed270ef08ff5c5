"""Parameters and rules of a template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

import re
from typing import Any

from . import aws, images
from .intrinsics import Resolver, TemplateError


def resolve(template: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """The value of each parameter as `Ref` answers it. Raises TemplateError."""
    slots = template.get("Parameters", {})
    unknown = sorted(set(given) - set(slots))
    if unknown:
        raise TemplateError(f"Parameters: {unknown} do not exist in the template")
    missing = sorted(
        name for name, slot in slots.items() if name not in given and "Default" not in slot
    )
    if missing:
        raise TemplateError(f"Parameters: {missing} must have values")
    return {
        name: _value(name, slot, str(given.get(name, slot.get("Default"))))
        for name, slot in slots.items()
    }


def _value(name: str, slot: dict[str, Any], text: str) -> Any:
    kind = slot.get("Type", "String")
    is_list = kind == "CommaDelimitedList" or kind.startswith(
        ("List<", "AWS::SSM::Parameter::Value<List<")
    )
    texts = (
        [part.strip() for part in text.split(",")]
        if is_list and not kind.startswith("AWS::SSM")
        else [text]
    )
    for one in texts:
        _check(name, slot, kind, one)
    if kind.startswith("AWS::SSM::Parameter::Value<"):
        value = _from_parameter_store(text)
        return value.split(",") if is_list else value
    return texts if is_list else text


def _check(name: str, slot: dict[str, Any], kind: str, text: str) -> None:
    def refuse(why: str) -> None:
        raise TemplateError(
            slot.get("ConstraintDescription")
            or f"Parameter '{name}' must {why}, and it is {text!r}"
        )

    if "AllowedValues" in slot and text not in map(str, slot["AllowedValues"]):
        refuse(f"be one of AllowedValues {slot['AllowedValues']}")
    if "AllowedPattern" in slot and not re.fullmatch(slot["AllowedPattern"], text):
        refuse(f"match pattern {slot['AllowedPattern']}")
    if not int(slot.get("MinLength", 0)) <= len(text) <= int(slot.get("MaxLength", 1 << 30)):
        refuse(f"have a length of {slot.get('MinLength', 0)} to {slot.get('MaxLength', 'any')}")
    if kind in ("Number", "List<Number>"):
        try:
            number = float(text)
        except ValueError:
            refuse("be a number")
            return
        if number < float(slot.get("MinValue", "-inf")) or number > float(
            slot.get("MaxValue", "inf")
        ):
            refuse(
                f"be a number from {slot.get('MinValue', 'any')} to {slot.get('MaxValue', 'any')}"
            )


def _from_parameter_store(name: str) -> str:
    image = images.by_parameter(name)
    if image:
        return image
    try:
        return aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    except Exception as error:
        raise TemplateError(
            f"Unable to fetch parameters [{name}] from parameter store for this account."
        ) from error


def check_rules(template: dict[str, Any], resolver: Resolver) -> None:
    """Raises TemplateError with the description of each assertion that does not hold."""
    broken = []
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not resolver.resolve(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", []):
            if not resolver.resolve(assertion["Assert"]):
                broken.append(f"{name}: {assertion.get('AssertDescription', assertion['Assert'])}")
    if broken:
        raise TemplateError("Template error: rules do not hold: " + "; ".join(broken))
