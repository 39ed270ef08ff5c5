"""Stacks whose operations run beside the calls that start them, with events, roll-backs and signals.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

import threading
from typing import Any

from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Event, Stack
from moto.cloudformation.parsing import Export
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_stack_id
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from . import aws
from .engine import Failed, Plan, apply, remove_all
from .handlers import Resource
from .intrinsics import TemplateError
from .signals import Signals

_KIND = "AWS::CloudFormation::Stack"


class LabStack(Stack):
    """Has what moto's answers read of a stack, and nothing of how moto makes one."""

    def __init__(self, name: str, tags: dict[str, str]):
        self.stack_id = generate_stack_id(name, aws.region(), aws.ACCOUNT)
        self.name = name
        self.account_id = aws.ACCOUNT
        self.region_name = aws.region()
        self.tags = tags
        self.events = []
        self.resources: dict[str, Resource] = {}
        self.signals = Signals()
        self.notification_arns = []
        self.role_arn = None
        self.policy = ""
        self.timeout_in_minutes = None
        self.enable_termination_protection = False
        self.disable_rollback = False
        self.creation_time = utcnow()
        self.status = "REVIEW_IN_PROGRESS"
        self.stack_status_reason: str | None = None
        self.custom_resources = {}
        self.template = "{}"
        self.template_dict = {}
        self.description = None
        self.parameters = {}
        self.plan: Any = None
        self._outputs: dict[str, dict[str, Any]] = {}

    def _use(self, template: str, given: dict[str, str]) -> Plan:
        """Raises TemplateError, and nothing is changed then."""
        parsed = self.parse_template(template)
        plan = Plan(self, parsed, given)
        self.template, self.template_dict, self.parameters = template, parsed, given
        self.description = parsed.get("Description")
        return plan

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        slots = self.template_dict.get("Parameters", {})
        return [
            {
                "ParameterKey": name,
                "ParameterValue": "****" if slots[name].get("NoEcho") else self.given(name),
            }
            for name in (self.plan.values if self.plan else ())
        ]

    def given(self, name: str) -> str:
        return str(self.plan.given.get(name, self.template_dict["Parameters"][name].get("Default")))

    @property
    def stack_parameters(self) -> dict[str, Any]:
        return {name: self.given(name) for name in (self.plan.values if self.plan else ())}

    @property
    def stack_resources(self) -> Any:
        return list(self.resources.values())

    @property
    def outputs(self) -> Any:
        return [
            {
                "OutputKey": name,
                "OutputValue": str(one["value"]),
                "Description": one["description"],
                "ExportName": one["export"],
            }
            for name, one in self._outputs.items()
        ]

    @property
    def exports(self) -> list[Export]:
        return [
            Export(self.stack_id, one["export"], one["value"])
            for one in self._outputs.values()
            if one["export"]
        ]

    def add_event(
        self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None
    ) -> None:
        self.events.append(
            Event(self.stack_id, self.name, logical_id, physical_id, kind, status, reason, None)
        )

    def _is(self, status: str, reason: str | None = None) -> None:
        self.status, self.stack_status_reason = status, reason
        self.add_event(self.name, self.stack_id, _KIND, status, reason)

    def review(self) -> None:
        self._is("REVIEW_IN_PROGRESS", "User Initiated")

    def start_create(self, template: str, given: dict[str, str], keep_failed: bool) -> None:
        """Raises TemplateError."""
        self.plan = self._use(template, given)
        self._is("CREATE_IN_PROGRESS", "User Initiated")
        threading.Thread(target=self._create, args=(keep_failed,), daemon=True).start()

    def _create(self, keep_failed: bool) -> None:
        try:
            apply(self.plan)
            self._outputs = self.plan.outputs()
            self._is("CREATE_COMPLETE")
        except (Failed, TemplateError) as error:
            if keep_failed:
                self._is("CREATE_FAILED", str(error))
                return
            self._is("ROLLBACK_IN_PROGRESS", f"{error}. Rollback requested by user.")
            self._end("ROLLBACK", lambda: remove_all(self, only_new=True))

    def start_update(
        self, template: str, given: dict[str, str], tags: dict[str, str] | None
    ) -> None:
        before = (self.template, self.parameters, self.plan)
        self.plan = self._use(template, given)
        if tags is not None:
            self.tags = tags
        self._is("UPDATE_IN_PROGRESS", "User Initiated")
        threading.Thread(target=self._update, args=before, daemon=True).start()

    def _update(self, template: str, given: dict[str, str], plan: Plan) -> None:
        try:
            apply(self.plan)
            self._outputs = self.plan.outputs()
            self._is("UPDATE_COMPLETE")
        except (Failed, TemplateError) as error:
            self._is("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self.plan = self._use(template, given)
            self._end("UPDATE_ROLLBACK", lambda: apply(self.plan))

    def start_delete(self) -> None:
        self._is("DELETE_IN_PROGRESS", "User Initiated")
        threading.Thread(
            target=lambda: self._end("DELETE", lambda: remove_all(self, only_new=False)),
            daemon=True,
        ).start()

    def _end(self, verb: str, work: Any) -> None:
        try:
            work()
            self._is(f"{verb}_COMPLETE")
        except (Failed, TemplateError) as error:
            self._is(f"{verb}_FAILED", str(error))


def parameters_of(stack: LabStack, given: list[dict[str, Any]]) -> dict[str, str]:
    """A parameter that is not mentioned takes the default of the template, not its previous value."""
    return {
        one["ParameterKey"]: stack.given(one["ParameterKey"])
        if one.get("UsePreviousValue")
        else one["ParameterValue"]
        for one in given
    }


def is_same(stack: LabStack, template: str, given: dict[str, str], tags: Any) -> bool:
    parsed = stack.parse_template(template)
    return (
        parsed == stack.template_dict
        and Plan(stack, parsed, given).values == stack.plan.values
        and tags in (None, stack.tags)
    )


def _create_stack(self: CloudFormationResponse) -> ActionResult:
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    if any(
        stack.name == name and stack.status != "DELETE_COMPLETE"
        for stack in backend.stacks.values()
    ):
        raise AlreadyExistsException(f"Stack [{name}] already exists")
    url = self._get_param("TemplateURL")
    template = self._get_stack_from_s3_url(url) if url else self._get_param("TemplateBody")
    stack = LabStack(name, {one["Key"]: one["Value"] for one in self._get_param("Tags", [])})
    keep_failed = (
        self._get_bool_param("DisableRollback", False)
        or self._get_param("OnFailure") == "DO_NOTHING"
    )
    try:
        stack.start_create(
            template, parameters_of(stack, self._get_param("Parameters", [])), keep_failed
        )
    except TemplateError as error:
        raise ValidationError(message=str(error)) from error
    backend.stacks[stack.stack_id] = stack
    return ActionResult({"StackId": stack.stack_id})


def _update_stack(self: CloudFormationResponse) -> ActionResult:
    stack: Any = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    if not stack.status.endswith("_COMPLETE") or stack.status in (
        "ROLLBACK_COMPLETE",
        "DELETE_COMPLETE",
    ):
        raise ValidationError(
            message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
        )
    url, body = self._get_param("TemplateURL"), self._get_param("TemplateBody")
    template = self._get_stack_from_s3_url(url) if url else body or stack.template
    tags = {one["Key"]: one["Value"] for one in self._get_param("Tags", [])} or None
    try:
        given = parameters_of(stack, self._get_param("Parameters", []))
        if is_same(stack, template, given, tags):
            raise ValidationError(message="No updates are to be performed.")
        stack.start_update(template, given, tags)
    except TemplateError as error:
        raise ValidationError(message=str(error)) from error
    return ActionResult({"StackId": stack.stack_id})


def delete_stack(self: CloudFormationBackend, name_or_stack_id: str) -> None:
    for stack in list(self.stacks.values()):
        if name_or_stack_id in (stack.name, stack.stack_id) and stack.status != "DELETE_COMPLETE":
            stack.start_delete()


def _describe_stacks(self: CloudFormationBackend, name_or_stack_id: str) -> list[Stack]:
    stacks = [
        one
        for one in self.stacks.values()
        if one.status != "DELETE_COMPLETE" or one.stack_id == name_or_stack_id
    ]
    found = [one for one in stacks if name_or_stack_id in (None, one.name, one.stack_id)]
    if not found and name_or_stack_id:
        raise ValidationError(name_or_stack_id)
    return found


def _get_stack(self: CloudFormationBackend, name_or_stack_id: str) -> Stack:
    """A deleted one only by its id."""
    for stack in self.stacks.values():
        if name_or_stack_id == stack.stack_id or (
            name_or_stack_id == stack.name and stack.status != "DELETE_COMPLETE"
        ):
            return stack
    raise ValidationError(name_or_stack_id)


def _signal_resource(self: CloudFormationResponse) -> ActionResult:
    names = ("StackName", "LogicalResourceId", "UniqueId", "Status")
    stack_name, logical_id, unique_id, status = (self._get_param(name) for name in names)
    stack: Any = self.cloudformation_backend.get_stack(stack_name)
    if not stack.status.endswith("_IN_PROGRESS"):
        raise ValidationError(
            message=f"Stack {stack.stack_id} is in {stack.status} state and cannot be signaled"
        )
    if status not in ("SUCCESS", "FAILURE"):
        raise ValidationError(message=f"Status is SUCCESS or FAILURE, not {status}")
    resource = stack.resources.get(logical_id)
    if logical_id not in stack.plan.definitions:
        raise ValidationError(
            message=f"Resource {logical_id} does not exist for stack {stack.name}"
        )
    if resource and resource.status.endswith("_COMPLETE"):
        raise ValidationError(
            message=f"Resource {logical_id} is in {resource.status} state and cannot be signaled"
        )
    if stack.signals.take(logical_id, unique_id, status):
        stack.add_event(
            logical_id,
            resource.physical_resource_id if resource else "",
            stack.plan.definitions[logical_id]["Type"],
            "CREATE_IN_PROGRESS",
            f"Received {status} signal with UniqueId {unique_id}",
        )
    return EmptyResult()


def install() -> None:
    CloudFormationBackend.delete_stack = delete_stack  # type: ignore[method-assign]
    CloudFormationBackend.get_stack = _get_stack  # type: ignore[method-assign]
    CloudFormationBackend.describe_stacks = _describe_stacks  # type: ignore[method-assign]
    CloudFormationResponse.create_stack = _create_stack  # type: ignore[method-assign]
    CloudFormationResponse.update_stack = _update_stack  # type: ignore[method-assign]
    # `cdk deploy` asks for it when a deployment failed, and waits long where it gets no answer.
    CloudTrailResponse.lookup_events = lambda _self: ActionResult({"Events": []})  # type: ignore[attr-defined]
    CloudFormationResponse.signal_resource = _signal_resource  # type: ignore[attr-defined]
