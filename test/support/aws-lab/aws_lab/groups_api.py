"""The calls of EC2 Auto Scaling that moto has not, or has without the lifecycle.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
"""

import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
    TerminateInstanceActivity,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from . import groups
from .group_actions import find, make_hook
from .groups import LOCK

_EXTRAS = {
    "InstanceLifecyclePolicy": "instance_lifecycle_policy",
    "InstanceMaintenancePolicy": "instance_maintenance_policy",
    "DefaultInstanceWarmup": "default_instance_warmup",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "TerminationPolicies": "termination_policies",
    "CapacityRebalance": "capacity_rebalance",
    "DefaultCooldown": "default_cooldown",
}


def _group(name: str) -> Any:
    found = groups.backend().autoscaling_groups.get(name)
    if found is None:
        raise ValidationError(
            f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
        )
    return found


def _state(instance_id: str) -> Any:
    found = groups.state_of(instance_id)
    if found is None:
        raise ValidationError(
            f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
        )
    return found


def _check_sizes(minimum: int, desired: int, maximum: int) -> None:
    if minimum > maximum:
        raise ValidationError(
            f"Min bound, {minimum}, must be less than or equal to max bound, {maximum}"
        )
    if desired < minimum:
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        )
    if desired > maximum:
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        )


def create_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    given = self._get_params()
    minimum, maximum = int(given["MinSize"]), int(given["MaxSize"])
    # "If you do not specify a desired capacity, the default is the minimum size of the group."
    # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    desired = int(given.get("DesiredCapacity") or minimum)
    _check_sizes(minimum, desired, maximum)
    with LOCK:
        if given["AutoScalingGroupName"] in groups.backend().autoscaling_groups:
            raise ValidationError("AutoScalingGroup by this name already exists")
        _create(self, {**given, "DesiredCapacity": 0})
        group = _group(given["AutoScalingGroupName"])
        for hook in given.get("LifecycleHookSpecificationList", []):
            _put_hook(group.name, hook)
        _set_extras(group, given)
        group.desired_capacity = desired
        try:
            groups.reconcile(group)
        except Exception:
            del groups.backend().autoscaling_groups[group.name]
            raise
    return EmptyResult()


_create_by_moto: Callable[[AutoScalingResponse], Any] = (
    AutoScalingResponse.create_auto_scaling_group
)


def _create(self: AutoScalingResponse, given: dict[str, Any]) -> None:
    before, self.params = self.params, given
    try:
        _create_by_moto(self)
    finally:
        self.params = before


def update_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html

    A new minimum above the running size raises it, a new maximum below it lowers it, and nothing else
    does. Instances that run are not touched by a new launch template.
    """
    given = self._get_params()
    with LOCK:
        group = _group(given["AutoScalingGroupName"])
        minimum = int(given.get("MinSize", group.min_size))
        maximum = int(given.get("MaxSize", group.max_size))
        if "DesiredCapacity" in given:
            _check_sizes(minimum, int(given["DesiredCapacity"]), maximum)
        desired = int(
            given.get("DesiredCapacity", min(max(int(group.desired_capacity), minimum), maximum))
        )
        _check_sizes(minimum, desired, maximum)
        for key in ("LaunchTemplate", "MixedInstancesPolicy"):
            if given.get(key):
                group.mixed_instances_policy = given.get("MixedInstancesPolicy")
                group._set_launch_configuration(
                    "", given.get("LaunchTemplate", {}), group.mixed_instances_policy
                )
        group._set_azs_and_vpcs([], given.get("VPCZoneIdentifier"), update=True)
        for key, name in {
            "HealthCheckType": "health_check_type",
            "HealthCheckGracePeriod": "health_check_grace_period",
            "NewInstancesProtectedFromScaleIn": "new_instances_protected_from_scale_in",
        }.items():
            if key in given:
                setattr(group, name, given[key])
        _set_extras(group, given)
        group.min_size, group.max_size, group.desired_capacity = minimum, maximum, desired
        groups.reconcile(group)
    return EmptyResult()


def _set_extras(group: Any, given: dict[str, Any]) -> None:
    for key, name in _EXTRAS.items():
        if given.get(key) is not None:
            setattr(group, name, given[key])


def delete_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """With ForceDelete "without waiting for all instances to be terminated. This action also deletes any
    outstanding lifecycle actions associated with the group."
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
    """
    with LOCK:
        group = _group(self._get_param("AutoScalingGroupName"))
        if group.instance_states and not self._get_bool_param("ForceDelete", False):
            raise ValidationError(
                f"You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group: {group.name}"
            )
        for state in list(group.instance_states):
            state.actions = []
            groups._terminated(state)
        del groups.backend().autoscaling_groups[group.name]
        for hook in groups.backend().describe_lifecycle_hooks(group.name):
            groups.backend().delete_lifecycle_hook(group.name, hook.name)
    return EmptyResult()


def set_desired_capacity(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    with LOCK:
        group = _group(self._get_param("AutoScalingGroupName"))
        desired = self._get_int_param("DesiredCapacity")
        for bound, wrong in (("min", desired < group.min_size), ("max", desired > group.max_size)):
            if wrong:
                side = "above max" if bound == "max" else "below min"
                raise ValidationError(
                    f"New SetDesiredCapacity value {desired} is {side} value {getattr(group, bound + '_size')} for the AutoScalingGroup."
                )
        group.desired_capacity = desired
        groups.reconcile(group)
    return EmptyResult()


def terminate_instance_in_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    decrement = self._get_bool_param("ShouldDecrementDesiredCapacity", False)
    with LOCK:
        state = _state(self._get_param("InstanceId"))
        group = state.auto_scaling_group
        before = group.desired_capacity
        leaving = state.lifecycle_state.startswith("Terminating")
        if decrement and not leaving:
            if before <= group.min_size:
                raise ValidationError(
                    f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            group.desired_capacity -= 1
        groups.terminate(state)
        activity = TerminateInstanceActivity(state.instance, before)
        groups.reconcile(group)
    return ActionResult({"Activity": activity})


def set_instance_protection(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html"""
    ids = self._get_param("InstanceIds", [])
    if len(ids) > 50:
        raise ValidationError("You cannot specify more than 50 instance IDs")
    with LOCK:
        group = _group(self._get_param("AutoScalingGroupName"))
        states = [_state(one) for one in ids]
        for state in states:
            if state.auto_scaling_group is not group:
                raise ValidationError(
                    f"The instance {state.instance_id} is not part of Auto Scaling group {group.name}."
                )
            if state.lifecycle_state != "InService":
                raise ValidationError(
                    f"The instance {state.instance_id} is not in InService or EnteringStandby or Standby."
                )
        for state in states:
            state.protected_from_scale_in = self._get_bool_param("ProtectedFromScaleIn")
    return EmptyResult()


def set_instance_health(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html"""
    with LOCK:
        state = _state(self._get_param("InstanceId"))
        state.health_status = self._get_param("HealthStatus")
        if state.health_status not in ("Healthy", "Unhealthy"):
            raise ValidationError("Valid instance health states are: [Healthy, Unhealthy]")
        suspended = [one["ProcessName"] for one in state.auto_scaling_group.suspended_processes]
        if state.health_status == "Unhealthy" and "ReplaceUnhealthy" not in suspended:
            groups.terminate(state)
            groups.reconcile(state.auto_scaling_group)
    return EmptyResult()


def put_lifecycle_hook(self: AutoScalingResponse) -> ActionResult:
    with LOCK:
        _put_hook(_group(self._get_param("AutoScalingGroupName")).name, self._get_params())
    return EmptyResult()


def _put_hook(group: str, given: dict[str, Any]) -> None:
    hooks = groups.backend().lifecycle_hooks
    key = f"{group}_{given['LifecycleHookName']}"
    hooks[key] = make_hook(group, given, hooks.get(key))


def complete_lifecycle_action(self: AutoScalingResponse) -> ActionResult:
    result = self._get_param("LifecycleActionResult")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Lifecycle Action Result must be CONTINUE or ABANDON, not {result}")
    with LOCK:
        state, action = _action(self)
        groups.complete(state, action, result)
        groups.reconcile(state.auto_scaling_group)
    return EmptyResult()


def record_lifecycle_action_heartbeat(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RecordLifecycleActionHeartbeat.html"""
    from . import clock

    with LOCK:
        _, action = _action(self)
        action.beat = clock.now()
    return EmptyResult()


def _action(self: AutoScalingResponse) -> tuple[Any, Any]:
    names = ("AutoScalingGroupName", "LifecycleHookName", "LifecycleActionToken", "InstanceId")
    group_name, hook_name, token, instance_id = (self._get_param(name) for name in names)
    group = _group(group_name)
    if instance_id:
        states = [groups.state_of(instance_id)]
    else:
        states = [
            one
            for one in group.instance_states
            if any(token == action.token for action in one.actions)
        ] or [None]
    return states[0], find(states[0], hook_name, token, group_name)


def _in_words(
    answer: Callable[[AutoScalingResponse], ActionResult],
) -> Callable[[AutoScalingResponse], ActionResult]:
    """A mistake of the lab as an answer that says so, instead of a page of HTML."""

    @wraps(answer)
    def call(self: AutoScalingResponse) -> ActionResult:
        try:
            return answer(self)
        except ServiceException:
            raise
        except Exception as error:
            traceback.print_exc()
            raise AutoscalingClientError("InternalFailure", f"the lab: {error!r}") from error

    return call


def install() -> None:
    for answer in (
        create_auto_scaling_group,
        update_auto_scaling_group,
        delete_auto_scaling_group,
        set_desired_capacity,
        terminate_instance_in_auto_scaling_group,
        set_instance_protection,
        set_instance_health,
        put_lifecycle_hook,
        complete_lifecycle_action,
        record_lifecycle_action_heartbeat,
    ):
        setattr(AutoScalingResponse, answer.__name__, _in_words(answer))
    # moto's own growing and shrinking, which knows no lifecycle.
    FakeAutoScalingGroup.set_desired_capacity = lambda self, new: setattr(
        self, "desired_capacity", new
    )  # type: ignore[method-assign]
    AutoScalingBackend.notify_terminate_instances = lambda _self, ids: groups.gone(ids)  # type: ignore[method-assign]
    InstanceState.launch_template = property(_launched_from)  # type: ignore[assignment]
    groups.run()


def _launched_from(state: Any) -> dict[str, str]:
    """The version that it was launched with, also where the group has a newer one by now.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html
    """
    version = state.launched_version
    return {
        "LaunchTemplateId": version.template.id,
        "LaunchTemplateName": version.template.name,
        "Version": str(version.number),
    }
