"""Auto Scaling groups that launch, wait for hooks and terminate as the user guide says.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

import base64
import copy
import threading
import time
import traceback
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState, autoscaling_backends
from moto.ec2 import ec2_backends
from moto.elbv2 import elbv2_backends

from . import aws, events
from .group_actions import LAUNCHING, TERMINATING, Action, announce

LOCK = threading.RLock()
_LEAVING = ("Terminating", "Terminated")


def backend() -> Any:
    return autoscaling_backends[aws.ACCOUNT][aws.region()]


def ec2() -> Any:
    return ec2_backends[aws.ACCOUNT][aws.region()]


def counted(group: FakeAutoScalingGroup) -> list[Any]:
    """Those that count as capacity: not what leaves, is retained or stands by."""
    return [
        one
        for one in group.instance_states
        if not one.lifecycle_state.startswith((*_LEAVING, "Standby"))
    ]


def state_of(instance_id: str) -> Any:
    for group in backend().autoscaling_groups.values():
        for one in group.instance_states:
            if one.instance_id == instance_id:
                return one
    return None


def reconcile(group: FakeAutoScalingGroup) -> None:
    """Launches what is missing, and terminates what is too much and not protected.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
    """
    suspended = [one["ProcessName"] for one in group.suspended_processes]
    present = counted(group)
    wanted = int(group.desired_capacity or 0)
    if "Launch" not in suspended:
        for _ in range(wanted - len(present)):
            _launch(group)
    if "Terminate" not in suspended and len(present) > wanted:
        # The default policy keeps the zones even; among equals the lab takes the oldest.
        zones = [one.availability_zone for one in present]
        free = [one for one in present if not one.protected_from_scale_in]
        free.sort(key=lambda one: -zones.count(one.availability_zone))
        for one in free[: len(present) - wanted]:
            terminate(one)


def _launch(group: FakeAutoScalingGroup) -> None:
    version, data = _launch_data(group)
    subnet = _emptiest_subnet(group)
    params = {
        key: value
        for key, value in data.items()
        if key not in ("UserData", "NetworkInterfaces", "TagSpecifications")
    }
    if data.get("UserData"):
        params["UserData"] = base64.b64decode(str(data["UserData"])).decode()
    if data.get("NetworkInterfaces"):
        params["NetworkInterfaces"] = [
            {**one, "SubnetId": subnet} for one in data["NetworkInterfaces"]
        ]
        for one in params["NetworkInterfaces"]:
            one.setdefault("DeviceIndex", 0)
    else:
        params["SubnetId"] = subnet
    made = aws.client("ec2").run_instances(MinCount=1, MaxCount=1, **params)["Instances"][0]
    instance = ec2().get_instance(made["InstanceId"])
    own = {
        tag["Key"]: tag["Value"]
        for spec in data.get("TagSpecifications", [])
        if spec["ResourceType"] == "instance"
        for tag in spec["Tags"]
    }
    # Those of the group win.
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html#tag-lifecycle
    group_tags = {
        tag["Key"]: tag["Value"]
        for tag in group.tags
        if str(tag["PropagateAtLaunch"]).lower() == "true"
    }
    instance.add_tags(
        {
            **own,
            **group_tags,
            "aws:autoscaling:groupName": group.name,
            "aws:ec2launchtemplate:version": str(version.number),
            "aws:ec2launchtemplate:id": version.template.id,
        }
    )
    instance.autoscaling_group = group
    state: Any = InstanceState(
        instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in
    )
    state.actions = []
    state.launched_version = version
    group.instance_states.append(state)
    _notify_state(instance, "running")
    if not _wait(state, LAUNCHING, "Pending:Wait"):
        _in_service(state)


def _launch_data(group: FakeAutoScalingGroup) -> tuple[Any, dict[str, Any]]:
    template = group.ec2_launch_template
    if template is None:
        raise ValueError(f"the lab launches from launch templates only, and {group.name} has none")
    version = template.get_version(group.launch_template_version)
    data = copy.deepcopy(version.data)
    overrides = (group.mixed_instances_policy or {}).get("LaunchTemplate", {}).get(
        "Overrides"
    ) or []
    if overrides and overrides[0].get("InstanceType"):
        data["InstanceType"] = overrides[0]["InstanceType"]
    for price_of_nothing in ("TagSpecifications",):
        data.setdefault(price_of_nothing, [])
    return version, data


def _emptiest_subnet(group: FakeAutoScalingGroup) -> str:
    subnets = str(group.vpc_zone_identifier).split(",")
    used = [one.instance.subnet_id for one in counted(group)]
    return min(subnets, key=used.count)


def _wait(state: Any, transition: str, name: str) -> bool:
    """Starts an action for each hook of this transition; False: there is none."""
    group = state.auto_scaling_group
    hooks = [
        one
        for one in backend().describe_lifecycle_hooks(group.name)
        if one.lifecycle_transition == transition
    ]
    state.actions = [Action(hook) for hook in hooks]
    if hooks:
        state.lifecycle_state = name
        for action in state.actions:
            announce(group, state.instance_id, action)
    return bool(hooks)


def _in_service(state: Any) -> None:
    group = state.auto_scaling_group
    state.lifecycle_state = "InService"
    for arn in group.target_group_arns:
        port = elbv2_backends[aws.ACCOUNT][aws.region()].target_groups[arn].port
        elbv2_backends[aws.ACCOUNT][aws.region()].register_targets(
            arn, [{"Id": state.instance_id, "Port": port}]
        )
    _notify_group(state, "EC2 Instance Launch Successful")


def terminate(state: Any) -> None:
    """Takes it out of service; hooks hold it in Terminating:Wait."""
    group = state.auto_scaling_group
    if state.lifecycle_state.startswith("Terminating:Retained"):
        _terminated(state)
        return
    if state.lifecycle_state.startswith(_LEAVING):
        return
    for arn in group.target_group_arns:
        elbv2_backends[aws.ACCOUNT][aws.region()].deregister_targets(
            arn, [{"Id": state.instance_id}]
        )
    state.lifecycle_state = "Terminating"
    if not _wait(state, TERMINATING, "Terminating:Wait"):
        _terminated(state)


def complete(state: Any, action: Action, result: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html

    "abandon stops any remaining actions, such as other lifecycle hooks, and continue allows any other
    lifecycle hooks to complete."
    """
    state.actions = (
        [] if result == "ABANDON" else [one for one in state.actions if one is not action]
    )
    if state.actions:
        return
    if action.hook.lifecycle_transition == TERMINATING:
        retained = result == "ABANDON" and _retains(state.auto_scaling_group)
        state.lifecycle_state = "Terminating:Retained" if retained else "Terminating:Proceed"
        if not retained:
            _terminated(state)
    elif result == "ABANDON":
        _terminated(state)
    else:
        state.lifecycle_state = "Pending:Proceed"
        _in_service(state)


def _retains(group: Any) -> bool:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-lifecycle-policy.html"""
    policy = getattr(group, "instance_lifecycle_policy", None) or {}
    return policy.get("RetentionTriggers", {}).get("TerminateHookAbandon") == "retain"


def _terminated(state: Any) -> None:
    group = state.auto_scaling_group
    state.lifecycle_state = "Terminated"
    group.instance_states = [one for one in group.instance_states if one is not state]
    if state.instance.state != "terminated":
        _notify_state(state.instance, "shutting-down")
        ec2().terminate_instances([state.instance_id])
        _notify_state(state.instance, "terminated")
    _notify_group(state, "EC2 Instance Terminate Successful")


def gone(instance_ids: list[str]) -> None:
    """Instances that EC2 terminated by itself: the group sees them unhealthy, and hooks wait all the same.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
    """
    with LOCK:
        for instance_id in instance_ids:
            state = state_of(instance_id)
            if state and not state.lifecycle_state.startswith("Terminated"):
                state.health_status = "Unhealthy"
                _notify_state(state.instance, "terminated")
                terminate(state)


def _notify_group(state: Any, detail_type: str) -> None:
    group = state.auto_scaling_group
    detail = {
        "StatusCode": "InProgress",
        "AutoScalingGroupName": group.name,
        "EC2InstanceId": state.instance_id,
        "Cause": "",
        "Details": {"Availability Zone": state.availability_zone},
    }
    events.send("aws.autoscaling", detail_type, detail, [group.arn])


def _notify_state(instance: Any, name: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html"""
    arn = f"arn:aws:ec2:{aws.region()}:{aws.ACCOUNT}:instance/{instance.id}"
    events.send(
        "aws.ec2",
        "EC2 Instance State-change Notification",
        {"instance-id": instance.id, "state": name},
        [arn],
    )


def _tick() -> None:
    for group in list(backend().autoscaling_groups.values()):
        for state in list(group.instance_states):
            late = next((one for one in state.actions if one.late()), None)
            if late:
                complete(state, late, late.hook.default_result)
        reconcile(group)


def run() -> None:
    """Time-outs and replacements, a few times a second."""

    def forever() -> None:
        while True:
            time.sleep(0.2)
            with LOCK:
                try:
                    _tick()
                except Exception:
                    traceback.print_exc()

    threading.Thread(target=forever, daemon=True).start()
