"""How a type of resource is made, changed and taken away: by calls of AWS's API, by moto's own model,
or only recorded.
"""

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.parsing import get_model_map

from . import aws
from .intrinsics import TemplateError


@dataclass
class Resource:
    """One resource of a stack, as it is now."""

    logical_resource_id: str
    cf_resource_type: str
    name: str
    """For what CloudFormation names itself."""
    properties: dict[str, Any]
    tags: dict[str, str]
    """Of the stack, with those that CloudFormation puts on each resource."""
    stack: Any = None
    policies: dict[str, Any] = field(default_factory=dict)
    """CreationPolicy, UpdatePolicy, DeletionPolicy, UpdateReplacePolicy."""
    physical_resource_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    model: Any = None
    status: str = ""
    changed_half: bool = False
    """By an update that failed."""

    def tag_list(self) -> list[dict[str, str]]:
        """Its own tags over those of the stack."""
        own = {tag["Key"]: str(tag["Value"]) for tag in self.properties.get("Tags", [])}
        return [{"Key": key, "Value": value} for key, value in {**self.tags, **own}.items()]


@dataclass(frozen=True)
class Handler:
    create: Callable[[Resource], None]
    update: Callable[[Resource, dict[str, Any]], None] | None = None
    """Given the resource with its new properties, and the old ones. None: the lab cannot do it."""
    delete: Callable[[Resource], None] | None = None
    read: Callable[[Resource, str], Any] | None = None
    """An attribute that is not kept in `attributes`."""


HANDLERS: dict[str, Handler] = {}


def _by_moto(resource_type: str) -> Handler | None:
    model = get_model_map().get(resource_type)
    if model is None:
        return None

    def given(resource: Resource) -> dict[str, Any]:
        # moto changes what it is given.
        return {"Type": resource_type, "Properties": copy.deepcopy(resource.properties)}

    def name(resource: Resource) -> str:
        named = model.cloudformation_name_type()
        return resource.properties.get(named, resource.name) if named else resource.name

    def create(resource: Resource) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            resource.model = model.create_from_cloudformation_json(
                name(resource),
                given(resource),
                aws.ACCOUNT,
                aws.region(),
                LogicalId=resource.logical_resource_id,
                StackId=resource.stack.stack_id,
                ResourceType=resource_type,
            )
        resource.physical_resource_id = resource.model.physical_resource_id

    def update(resource: Resource, _old: dict[str, Any]) -> None:
        if hasattr(model.update_from_cloudformation_json, "__isabstractmethod__"):
            raise TemplateError(f"the lab cannot update {resource_type}: give it a handler")
        changed = model.update_from_cloudformation_json(
            original_resource=resource.model,
            new_resource_name=name(resource),
            cloudformation_json=given(resource),
            account_id=aws.ACCOUNT,
            region_name=aws.region(),
        )
        if changed.physical_resource_id != resource.physical_resource_id:
            raise TemplateError(
                f"the lab replaces {resource_type} where AWS updates it: give it a handler"
            )
        resource.model = changed

    def delete(resource: Resource) -> None:
        if hasattr(resource.model, "delete"):
            resource.model.delete(aws.ACCOUNT, aws.region())
        elif not hasattr(model.delete_from_cloudformation_json, "__isabstractmethod__"):
            model.delete_from_cloudformation_json(
                resource.physical_resource_id, given(resource), aws.ACCOUNT, aws.region()
            )

    def read(resource: Resource, attribute: str) -> Any:
        return resource.model.get_cfn_attribute(attribute)

    return Handler(create, update, delete, read)


def handler_of(resource_type: str) -> Handler:
    """Raises TemplateError for a type that neither moto nor the lab has."""
    found = HANDLERS.get(resource_type) or _by_moto(resource_type)
    if found is None:
        raise TemplateError(f"the lab has no handler for {resource_type}")
    return found
