"""AWS::AutoScaling::*

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_AutoScaling.html
"""

import time
from typing import Any

from . import clock, groups
from .calls import call, pick
from .handlers import HANDLERS, Handler, Resource
from .intrinsics import TemplateError
from .signals import seconds

_SAME = (
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "LaunchTemplate",
    "MixedInstancesPolicy",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "CapacityRebalance",
    "MaxInstanceLifetime",
    "DefaultInstanceWarmup",
    "InstanceMaintenancePolicy",
    "InstanceLifecyclePolicy",
    "AvailabilityZoneDistribution",
    "DeletionProtection",
)
_ELSEWHERE = {
    "AutoScalingGroupName",
    "VPCZoneIdentifier",
    "Cooldown",
    "Tags",
    "MetricsCollection",
    "TargetGroupARNs",
    "LifecycleHookSpecificationList",
}
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")


def _params(resource: Resource) -> dict[str, Any]:
    given = resource.properties
    unknown = set(given) - set(_SAME) - _ELSEWHERE
    if unknown:
        raise TemplateError(f"the lab does not know {sorted(unknown)} of an Auto Scaling group")
    params = pick(given, *_SAME, DefaultCooldown="Cooldown")
    retention = (
        params.get("InstanceLifecyclePolicy", {})
        .get("RetentionTriggers", {})
        .get("TerminateHookAbandon")
    )
    if retention:
        params["InstanceLifecyclePolicy"] = {
            "RetentionTriggers": {"TerminateHookAbandon": retention.lower()}
        }
    if "VPCZoneIdentifier" in given:
        params["VPCZoneIdentifier"] = ",".join(given["VPCZoneIdentifier"])
    return {"AutoScalingGroupName": resource.physical_resource_id, **params}


def _tags(resource: Resource) -> list[dict[str, Any]]:
    own = {
        tag["Key"]: str(tag.get("PropagateAtLaunch", True)).lower() == "true"
        for tag in resource.properties.get("Tags", [])
    }
    return [
        {
            "ResourceId": resource.physical_resource_id,
            "ResourceType": "auto-scaling-group",
            **tag,
            "PropagateAtLaunch": own.get(tag["Key"], True),
        }
        for tag in resource.tag_list()
    ]


def _create_group(resource: Resource) -> None:
    given = resource.properties
    resource.physical_resource_id = given.get("AutoScalingGroupName", resource.name)
    hooks = given.get("LifecycleHookSpecificationList")
    more = {
        "Tags": _tags(resource),
        "LifecycleHookSpecificationList": hooks,
        "TargetGroupARNs": given.get("TargetGroupARNs"),
    }
    call("autoscaling", "create_auto_scaling_group", {**_params(resource), **more})
    _metrics(resource)


def _metrics(resource: Resource) -> None:
    for one in resource.properties.get("MetricsCollection", []):
        call(
            "autoscaling",
            "enable_metrics_collection",
            {"AutoScalingGroupName": resource.physical_resource_id, **one},
        )


def _update_group(resource: Resource, old: dict[str, Any]) -> None:
    """Sizes are the template's, running or not; IgnoreUnmodifiedGroupSizeProperties leaves alone those
    that the template did not change.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
    """
    new, policy = resource.properties, resource.policies.get("UpdatePolicy") or {}
    rolls = any(
        old.get(key) != new.get(key)
        for key in ("LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier")
    )
    if rolls and "AutoScalingReplacingUpdate" in policy:
        raise TemplateError("the lab does not know AutoScalingReplacingUpdate")
    params = _params(resource)
    scheduled = policy.get("AutoScalingScheduledAction", {})
    if str(scheduled.get("IgnoreUnmodifiedGroupSizeProperties", False)).lower() == "true":
        params = {
            key: value
            for key, value in params.items()
            if key not in _SIZES or old.get(key) != new.get(key)
        }
    for name in old:
        if name not in new and name not in ("DesiredCapacity", "Tags", "MetricsCollection"):
            raise TemplateError(f"the lab cannot take {name} from an Auto Scaling group")
    if old.get("LifecycleHookSpecificationList") != new.get("LifecycleHookSpecificationList"):
        names = [one["LifecycleHookName"] for one in new.get("LifecycleHookSpecificationList", [])]
        for one in old.get("LifecycleHookSpecificationList", []):
            if one["LifecycleHookName"] not in names:
                _hook(
                    "delete_lifecycle_hook",
                    resource.physical_resource_id,
                    {"LifecycleHookName": one["LifecycleHookName"]},
                )
        for one in new.get("LifecycleHookSpecificationList", []):
            _hook("put_lifecycle_hook", resource.physical_resource_id, one)
    for name in ("TargetGroupARNs",):
        if old.get(name) != new.get(name):
            raise TemplateError(f"the lab cannot change {name} of an Auto Scaling group")
    call("autoscaling", "update_auto_scaling_group", params)
    call("autoscaling", "create_or_update_tags", {"Tags": _tags(resource)})
    _metrics(resource)
    if rolls and "AutoScalingRollingUpdate" in policy:
        _roll(resource, policy["AutoScalingRollingUpdate"])


def _roll(resource: Resource, rules: dict[str, Any]) -> None:
    """Replaces the instances batch by batch, and waits for the signals of each.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
    """
    batch = int(rules.get("MaxBatchSize", 1))
    signals, name = resource.stack.signals, resource.logical_resource_id
    waits = str(rules.get("WaitOnResourceSignals", False)).lower() == "true"
    group = groups.backend().autoscaling_groups[resource.physical_resource_id]
    old = list(groups.counted(group))
    signals.listen(resource)
    for start in range(0, len(old), batch):
        with groups.LOCK:
            for state in old[start : start + batch]:
                groups.terminate(state)
            groups.reconcile(group)
        ends = clock.now() + seconds(rules.get("PauseTime", "PT5M"))
        while waits and signals.count(name, "SUCCESS") < start + len(old[start : start + batch]):
            if signals.count(name, "FAILURE") or clock.now() > ends:
                raise TemplateError(
                    f"Received {signals.count(name, 'FAILURE')} FAILURE signal(s), and {signals.count(name, 'SUCCESS')} of {len(old)} SUCCESS"
                )
            time.sleep(0.1)


def _delete_group(resource: Resource) -> None:
    """Scales to zero and waits for the instances, so also for their hooks.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-process-shutdown.html has these steps for the
    API; what CloudFormation itself does is not written down, and this is the slower reading.
    """
    name = resource.physical_resource_id
    with groups.LOCK:
        group = groups.backend().autoscaling_groups.get(name)
        if group is None:
            return
        group.min_size = group.max_size = group.desired_capacity = 0
        for state in list(group.instance_states):
            groups.terminate(state)
    while group.instance_states:
        if all(one.lifecycle_state.endswith("Retained") for one in group.instance_states):
            ids = [one.instance_id for one in group.instance_states]
            raise TemplateError(
                f"the retained instances {ids} have to be terminated before {name} can be deleted"
            )
        time.sleep(0.1)
    if name in groups.backend().autoscaling_groups:
        call(
            "autoscaling",
            "delete_auto_scaling_group",
            {"AutoScalingGroupName": name, "ForceDelete": True},
        )


def _read_group(resource: Resource, attribute: str) -> Any:
    return (
        groups.backend().autoscaling_groups[resource.physical_resource_id].arn
        if attribute == "AutoScalingGroupARN"
        else None
    )


def _hook(operation: str, group: str, given: dict[str, Any]) -> None:
    call("autoscaling", operation, {"AutoScalingGroupName": group, **given})


def _create_hook(resource: Resource) -> None:
    resource.physical_resource_id = resource.properties.get("LifecycleHookName", resource.name)
    _put_hook(resource, {})


def _put_hook(resource: Resource, _old: dict[str, Any]) -> None:
    given = {
        key: value for key, value in resource.properties.items() if key != "AutoScalingGroupName"
    }
    _hook(
        "put_lifecycle_hook",
        resource.properties["AutoScalingGroupName"],
        {**given, "LifecycleHookName": resource.physical_resource_id},
    )


def _delete_hook(resource: Resource) -> None:
    _hook(
        "delete_lifecycle_hook",
        resource.properties["AutoScalingGroupName"],
        {"LifecycleHookName": resource.physical_resource_id},
    )


def _put_policy(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.attributes.setdefault("PolicyName", resource.name)
    name = resource.attributes["PolicyName"]
    call("autoscaling", "put_scaling_policy", {**resource.properties, "PolicyName": name})
    made = call("autoscaling", "describe_policies", {**_of_group(resource), "PolicyNames": [name]})[
        "ScalingPolicies"
    ][0]
    resource.physical_resource_id = resource.attributes["Arn"] = made["PolicyARN"]


def _put_schedule(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.physical_resource_id = resource.attributes["ScheduledActionName"] = (
        resource.name if not resource.physical_resource_id else resource.physical_resource_id
    )
    call(
        "autoscaling",
        "put_scheduled_update_group_action",
        {**resource.properties, "ScheduledActionName": resource.physical_resource_id},
    )


def _put_pool(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.physical_resource_id = resource.properties["AutoScalingGroupName"]
    call("autoscaling", "put_warm_pool", resource.properties)


def _of_group(resource: Resource) -> dict[str, Any]:
    return {"AutoScalingGroupName": resource.properties["AutoScalingGroupName"]}


HANDLERS.update(
    {
        "AWS::AutoScaling::AutoScalingGroup": Handler(
            _create_group, _update_group, _delete_group, _read_group
        ),
        "AWS::AutoScaling::LifecycleHook": Handler(_create_hook, _put_hook, _delete_hook),
        "AWS::AutoScaling::ScalingPolicy": Handler(
            _put_policy,
            _put_policy,
            lambda r: call(
                "autoscaling",
                "delete_policy",
                {**_of_group(r), "PolicyName": r.attributes["PolicyName"]},
            ),
        ),
        "AWS::AutoScaling::ScheduledAction": Handler(
            _put_schedule,
            _put_schedule,
            lambda r: call(
                "autoscaling",
                "delete_scheduled_action",
                {**_of_group(r), "ScheduledActionName": r.physical_resource_id},
            ),
        ),
        "AWS::AutoScaling::WarmPool": Handler(
            _put_pool, _put_pool, lambda r: call("autoscaling", "delete_warm_pool", _of_group(r))
        ),
    }
)
