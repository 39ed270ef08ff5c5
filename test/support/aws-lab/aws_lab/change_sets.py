"""Change sets, by which `cdk bootstrap` and a plain `cdk deploy` go. They do not list changes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_changeset_id
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from . import aws
from .engine import Plan
from .intrinsics import TemplateError
from .stacks import LabStack, is_same, parameters_of

_NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."


def _create(self: CloudFormationResponse) -> ActionResult:
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    url = self._get_param("TemplateURL")
    template = self._get_stack_from_s3_url(url) if url else self._get_param("TemplateBody")
    tags = {one["Key"]: one["Value"] for one in self._get_param("Tags", [])}
    kind = self._get_param("ChangeSetType", "UPDATE")
    found: Any = next(
        (
            one
            for one in backend.stacks.values()
            if one.name == name and one.status != "DELETE_COMPLETE"
        ),
        None,
    )
    if kind == "CREATE" and found and found.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(
            message=f"Stack [{name}] already exists and cannot be created again with the changeSet [{self._get_param('ChangeSetName')}]."
        )
    if kind == "UPDATE" and not found:
        raise ValidationError(message=f"Stack [{name}] does not exist")
    if not found:
        found = LabStack(name, tags)
        found.review()
        backend.stacks[found.stack_id] = found
    try:
        given = parameters_of(found, self._get_param("Parameters", []))
        same = kind == "UPDATE" and is_same(found, template, given, tags)
        Plan(found, found.parse_template(template), given)
    except TemplateError as error:
        raise ValidationError(message=str(error)) from error
    made: Any = ChangeSet.__new__(ChangeSet)
    made.__dict__.update(
        change_set_type=kind,
        change_set_id=generate_changeset_id(
            self._get_param("ChangeSetName"), aws.region(), aws.ACCOUNT
        ),
        change_set_name=self._get_param("ChangeSetName"),
        stack=found,
        stack_id=found.stack_id,
        stack_name=name,
        notification_arns=[],
        description=self._get_param("Description"),
        tags=tags,
        role_arn=None,
        template=template,
        parameters=given,
        creation_time=utcnow(),
        changes=[],
        status="FAILED" if same else "CREATE_COMPLETE",
        execution_status="UNAVAILABLE" if same else "AVAILABLE",
        status_reason=_NOTHING if same else None,
    )
    backend.change_sets[made.change_set_id] = made
    return ActionResult({"Id": made.change_set_id, "StackId": found.stack_id})


def _find(self: CloudFormationBackend, change_set_name: str) -> Any:
    found = [
        one
        for one in self.change_sets.values()
        if change_set_name in (one.change_set_id, one.change_set_name)
    ]
    if not found:
        raise ValidationError(message=f"ChangeSet [{change_set_name}] does not exist")
    return found[-1]


def _execute(
    self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    made = _find(self, change_set_name)
    made.execution_status = "EXECUTE_COMPLETE"
    if made.change_set_type == "CREATE":
        made.stack.start_create(made.template, made.parameters, keep_failed=False)
    else:
        made.stack.start_update(made.template, made.parameters, made.tags)


def _delete(self: CloudFormationBackend, change_set_name: str) -> None:
    for one in list(self.change_sets.values()):
        if change_set_name in (one.change_set_id, one.change_set_name):
            del self.change_sets[one.change_set_id]


def install() -> None:
    CloudFormationResponse.create_change_set = _create  # type: ignore[method-assign]
    CloudFormationBackend.describe_change_set = _find  # type: ignore[method-assign]
    CloudFormationBackend.execute_change_set = _execute  # type: ignore[method-assign]
    CloudFormationBackend.delete_change_set = _delete  # type: ignore[method-assign]
