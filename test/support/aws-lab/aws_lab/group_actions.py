"""Lifecycle actions of instances: what a hook waits for.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import LifecycleHook

from . import clock, events

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
_NAMES = {LAUNCHING: "launch", TERMINATING: "terminate"}


@dataclass
class Action:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html"""

    hook: LifecycleHook
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=clock.now)
    beat: float = field(default_factory=clock.now)

    def late(self) -> bool:
        """Heartbeats prolong it, never beyond the global time-out."""
        now = clock.now()
        return (
            now > self.beat + self.hook.heartbeat_timeout
            or now > self.started + self.hook.global_timeout
        )


def make_hook(group: str, given: dict[str, Any], old: LifecycleHook | None) -> LifecycleHook:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html

    Raises ValidationError.
    """
    transition = given.get("LifecycleTransition") or (old and old.lifecycle_transition)
    timeout = int(given.get("HeartbeatTimeout") or (old and old.heartbeat_timeout) or 3600)
    result = given.get("DefaultResult") or (old and old.default_result) or "ABANDON"
    if transition not in _NAMES:
        raise ValidationError(
            f"Lifecycle Transition must be one of {sorted(_NAMES)}, not {transition}"
        )
    if not 30 <= timeout <= 7200:
        raise ValidationError(f"Heartbeat Timeout must be from 30 to 7200 seconds, not {timeout}")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Lifecycle Default Result must be CONTINUE or ABANDON, not {result}")
    hook = LifecycleHook(given["LifecycleHookName"], group, transition, timeout, result)
    # "The maximum is 172800 seconds (48 hours) or 100 times HeartbeatTimeout, whichever is smaller."
    # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html
    hook.global_timeout = min(172_800, 100 * timeout)
    hook.role_arn = given.get("RoleARN")
    hook.notification_target_arn = given.get("NotificationTargetARN")
    hook.notification_metadata = given.get("NotificationMetadata")  # type: ignore[attr-defined]
    return hook


def announce(group: Any, instance_id: str, action: Action) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html"""
    launching = action.hook.lifecycle_transition == LAUNCHING
    detail = {
        "LifecycleActionToken": action.token,
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": action.hook.name,
        "EC2InstanceId": instance_id,
        "LifecycleTransition": action.hook.lifecycle_transition,
        "Origin": "EC2" if launching else "AutoScalingGroup",
        "Destination": "AutoScalingGroup" if launching else "EC2",
    }
    metadata = getattr(action.hook, "notification_metadata", None)
    if metadata:
        detail["NotificationMetadata"] = metadata
    verb = _NAMES[str(action.hook.lifecycle_transition)]
    events.send("aws.autoscaling", f"EC2 Instance-{verb} Lifecycle Action", detail, [group.arn])


def find(state: Any, hook_name: str, token: str | None, group: str) -> Action:
    """Raises ValidationError in the words of the service where no such action waits."""
    for action in state.actions if state else []:
        if (
            action.hook.name == hook_name
            and token in (None, action.token)
            and group == action.hook.auto_scaling_group_name
        ):
            return action
    what = (
        f"token {token}"
        if token
        else f"instance ID {state.instance_id if state else 'that is not in a group'}"
    )
    raise ValidationError(f"No active Lifecycle Action found with {what}")
