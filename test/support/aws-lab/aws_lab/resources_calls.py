"""Functions, which do not run here, and the one custom resource of the CDK that the lab does itself.

https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources.AwsCustomResource.html
"""

import json
import re
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from .calls import arn_of, call, recorded
from .handlers import HANDLERS, Handler, Resource


def _do(resource: Resource, when: str) -> None:
    text = resource.properties.get(when)
    if not text:
        return
    given = json.loads(text)
    service = re.sub(r"[^a-z0-9]", "", given["service"].lower())
    try:
        answer = call(service, xform_name(given["action"]), given.get("parameters", {}))
    except ClientError as error:
        if re.search(
            given.get("ignoreErrorCodesMatching") or "$^", error.response["Error"]["Code"]
        ):
            return
        raise
    resource.attributes = _flat("", answer)
    physical_id = given.get("physicalResourceId", {})
    if "id" in physical_id:
        resource.physical_resource_id = physical_id["id"]
    elif "responsePath" in physical_id:
        resource.physical_resource_id = str(resource.attributes[physical_id["responsePath"]])


def _flat(prefix: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(f"{prefix}.{key}" if prefix else str(key), item)
    return found


def _create(resource: Resource) -> None:
    resource.physical_resource_id = resource.name
    _do(resource, "Create")


HANDLERS.update(
    {
        "AWS::Lambda::Function": recorded(
            lambda r: r.properties.get("FunctionName", r.name),
            Arn=lambda r: arn_of(r, "lambda", "function:"),
        ),
        "Custom::AWS": Handler(
            _create,
            lambda resource, _old: _do(resource, "Update"),
            lambda resource: _do(resource, "Delete"),
        ),
    }
)
