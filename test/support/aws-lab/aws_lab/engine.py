"""Brings the resources of a stack to what a template says, in the order of their dependencies."""

import re
import string
import threading
import time
from typing import Any

from moto.moto_api._internal import mock_random

from . import aws, parameters, schemas
from .handlers import Resource, handler_of
from .intrinsics import NO_VALUE, Resolver, TemplateError, references

_PSEUDO = {
    "AWS::AccountId": aws.ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": NO_VALUE,
    "AWS::NotificationARNs": [],
}
_POLICIES = ("CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


class Failed(Exception):
    """A resource that could not be made, with the reason that its event has."""


class Plan:
    """A template with its parameters, for one stack."""

    def __init__(self, stack: Any, template: dict[str, Any], given: dict[str, str]):
        self.stack = stack
        self.template = template
        self.given = given
        self.values = parameters.resolve(template, given)
        self.resolver = Resolver(
            self._ref, self._attribute, template.get("Mappings", {}), template.get("Conditions", {})
        )
        parameters.check_rules(template, self.resolver)
        self.definitions = {
            name: one
            for name, one in template.get("Resources", {}).items()
            if "Condition" not in one or self.resolver.condition(one["Condition"])
        }
        if not self.definitions:
            raise TemplateError(
                "Template format error: At least one Resources member must be defined."
            )
        for one in self.definitions.values():
            # CloudFormation refuses a template with an unknown type before it makes anything.
            schemas.schema(one["Type"])
        self.needs = {name: self._needs(name, one) for name, one in self.definitions.items()}
        self.order = self._order()

    def outputs(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "value": self.resolver.resolve(one["Value"]),
                "description": one.get("Description"),
                "export": self.resolver.resolve(one["Export"]["Name"]) if "Export" in one else None,
            }
            for name, one in self.template.get("Outputs", {}).items()
            if "Condition" not in one or self.resolver.condition(one["Condition"])
        }

    def properties(self, name: str) -> dict[str, Any]:
        return self.resolver.resolve(self.definitions[name].get("Properties", {}))

    def policies(self, name: str) -> dict[str, Any]:
        return {key: self.resolver.resolve(self.definitions[name].get(key)) for key in _POLICIES}

    def _needs(self, name: str, definition: dict[str, Any]) -> set[str]:
        named = definition.get("DependsOn", [])
        found = references(definition) | set([named] if isinstance(named, str) else named)
        unknown = found - set(self.template["Resources"]) - set(self.values) - set(_PSEUDO)
        unknown = {one for one in unknown if not one.startswith("AWS::")}
        if unknown:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies {sorted(unknown)} of {name}"
            )
        return found & set(self.definitions)

    def _order(self) -> list[str]:
        order: list[str] = []
        open_ones = dict(self.needs)
        while open_ones:
            ready = [name for name, needs in open_ones.items() if needs <= set(order)]
            if not ready:
                raise TemplateError(f"Circular dependency between resources: {sorted(open_ones)}")
            order += ready
            for name in ready:
                del open_ones[name]
        return order

    def _ref(self, name: str) -> Any:
        stack = {
            "AWS::Region": aws.region(),
            "AWS::StackName": self.stack.name,
            "AWS::StackId": self.stack.stack_id,
        }
        for known in (self.values, _PSEUDO, stack):
            if name in known:
                return known[name]
        if name not in self.stack.resources:
            raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")
        return self.stack.resources[name].physical_resource_id

    def _attribute(self, name: str, attribute: str) -> Any:
        resource = self.stack.resources.get(name)
        if resource is None:
            raise TemplateError(
                f"Template error: instance of Fn::GetAtt references undefined resource {name}"
            )
        if attribute in resource.attributes:
            return resource.attributes[attribute]
        kind = resource.cf_resource_type
        if not kind.startswith("Custom::") and attribute not in schemas.attributes(kind):
            raise TemplateError(
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
            )
        read = handler_of(kind).read
        value = read(resource, attribute) if read else None
        if value is None:
            raise TemplateError(f"the lab does not have the attribute {attribute} of {kind}")
        return value


def apply(plan: Plan) -> None:
    """Creates, updates and replaces what has to be, waits for signals, then takes away the rest.

    Raises Failed. What is made until then stays.
    """
    stack = plan.stack
    done: set[str] = set()
    waiting: dict[str, Any] = {}
    left = list(plan.order)
    replaced: list[Resource] = []
    while left or waiting:
        for name in [one for one in left if plan.needs[one] <= done]:
            left.remove(name)
            wait = _bring(plan, name, replaced)
            if wait:
                waiting[name] = wait
            else:
                done.add(name)
        for name, wait in list(waiting.items()):
            if stack.signals.arrived(stack.resources[name], wait):
                _event(stack, stack.resources[name], "CREATE_COMPLETE")
                del waiting[name]
                done.add(name)
        if waiting:
            time.sleep(0.05)
    gone = [one for name, one in stack.resources.items() if name not in plan.definitions]
    for resource in reversed(replaced + gone):
        _remove(
            stack, resource, "UpdateReplacePolicy" if resource in replaced else "DeletionPolicy"
        )
        if resource in gone:
            del stack.resources[resource.logical_resource_id]


def remove_all(stack: Any, only_new: bool) -> None:
    """Takes the resources away, dependants first, and those beside each other at the same time.

    Raises Failed with all that could not be taken away.
    """
    left = dict(stack.resources)
    running: dict[str, threading.Thread] = {}
    failures: dict[str, str] = {}

    def take(name: str, resource: Resource) -> None:
        policy = resource.policies.get("DeletionPolicy")
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not only_new):
            _event(stack, resource, "DELETE_SKIPPED")
            return
        try:
            _remove(stack, resource, None)
        except Failed as error:
            failures[name] = str(error)

    while left or running:
        for name in [
            one
            for one in left
            if not any(
                one in stack.plan.needs.get(other, ()) for other in (*left, *running, *failures)
            )
        ]:
            running[name] = threading.Thread(target=take, args=(name, left.pop(name)), daemon=True)
            running[name].start()
        ended = [name for name, thread in running.items() if not thread.is_alive()]
        for name in ended:
            del running[name]
            if name not in failures:
                del stack.resources[name]
        if not running and left and not ended:
            break
        time.sleep(0.01)
    if failures:
        raise Failed("; ".join(failures.values()))


def _bring(plan: Plan, name: str, replaced: list[Resource]) -> dict[str, Any] | None:
    stack, kind = plan.stack, plan.definitions[name]["Type"]
    old = stack.resources.get(name)
    resource = Resource(
        name, kind, _physical_name(stack.name, name, kind), {}, _tags(stack, name), stack
    )
    verb = "UPDATE" if old else "CREATE"
    try:
        resource.properties = plan.properties(name)
        resource.policies = plan.policies(name)
        schemas.check(kind, resource.properties)
        handler = handler_of(kind)
        if old and old.cf_resource_type != kind:
            raise TemplateError("Update of resource type is not permitted")
        if old and old.properties == resource.properties and not old.changed_half:
            old.policies = resource.policies
            return None
        if old:
            paths = schemas.replaced_by(kind, old.properties, resource.properties)
            if not paths:
                _event(stack, old, "UPDATE_IN_PROGRESS")
                _update(old, resource, handler)
                _event(stack, old, "UPDATE_COMPLETE")
                return None
            resource.physical_resource_id = old.physical_resource_id
            _event(
                stack,
                resource,
                "UPDATE_IN_PROGRESS",
                f"Requested update requires the creation of a new physical resource; hence creating one. ({', '.join(paths)})",
            )
            replaced.append(old)
        else:
            stack.signals.listen(resource)
            _event(stack, resource, "CREATE_IN_PROGRESS")
        handler.create(resource)
    except Exception as error:
        reason = str(error) or repr(error)
        _event(stack, old or resource, f"{verb}_FAILED", reason)
        raise Failed(
            f"The following resource(s) failed to {verb.lower()}: [{name}]: {reason}"
        ) from error
    stack.resources[name] = resource
    wait = (
        (resource.policies.get("CreationPolicy") or {}).get("ResourceSignal") if not old else None
    )
    if not wait:
        _event(stack, resource, f"{verb}_COMPLETE")
    return wait


def _update(old: Resource, new: Resource, handler: Any) -> None:
    if handler.update is None:
        raise TemplateError(
            f"the lab cannot update {old.cf_resource_type}: give its handler an update"
        )
    before = old.properties
    old.properties, old.policies = new.properties, new.policies
    try:
        handler.update(old, before)
        old.changed_half = False
    except Exception:
        # What failed may have changed half: the roll-back shall bring all of it back.
        old.changed_half = True
        raise


def _remove(stack: Any, resource: Resource, policy: str | None) -> None:
    if policy and resource.policies.get(policy) == "Retain":
        _event(stack, resource, "DELETE_SKIPPED")
        return
    _event(stack, resource, "DELETE_IN_PROGRESS")
    handler = handler_of(resource.cf_resource_type)
    try:
        if handler.delete:
            handler.delete(resource)
    except Exception as error:
        _event(stack, resource, "DELETE_FAILED", str(error))
        raise Failed(
            f"The following resource(s) failed to delete: [{resource.logical_resource_id}]: {error}"
        ) from error
    _event(stack, resource, "DELETE_COMPLETE")


def _event(stack: Any, resource: Resource, status: str, reason: str | None = None) -> None:
    resource.status = status
    stack.add_event(
        resource.logical_resource_id,
        resource.physical_resource_id,
        resource.cf_resource_type,
        status,
        reason,
    )


def _tags(stack: Any, name: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html"""
    return {
        **stack.tags,
        "aws:cloudformation:stack-name": stack.name,
        "aws:cloudformation:stack-id": stack.stack_id,
        "aws:cloudformation:logical-id": name,
    }


def _physical_name(stack: str, logical_id: str, kind: str) -> str:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"""
    suffix = "".join(mock_random.choice(string.ascii_uppercase + string.digits) for _ in range(12))
    if kind.startswith("AWS::ElasticLoadBalancingV2"):
        return f"{stack[:6]}-{logical_id[:12]}-{suffix}"
    if kind.startswith(("AWS::S3::", "AWS::ElastiCache::")):
        plain = re.sub(r"[^a-z0-9-]", "", f"{stack[:12]}-{logical_id[:12]}-{suffix}".lower())
        return re.sub(r"-+", "-", plain)
    if kind == "AWS::IAM::Role":
        return f"{stack[:24]}-{logical_id[:24]}-{suffix}"
    return f"{stack}-{logical_id}-{suffix}"
