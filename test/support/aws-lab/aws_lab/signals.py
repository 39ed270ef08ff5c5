"""CreationPolicy and SignalResource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-creationpolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SignalResource.html
"""

import re
from typing import Any

from . import clock


class SignalError(Exception):
    """A resource that got too few signals, or one that says FAILURE."""


class Signals:
    """Of one stack."""

    def __init__(self) -> None:
        self._got: dict[str, dict[str, str]] = {}
        self._since: dict[str, float] = {}

    def listen(self, resource: Any) -> None:
        self._got[resource.logical_resource_id] = {}
        self._since[resource.logical_resource_id] = clock.now()

    def take(self, logical_id: str, unique_id: str, status: str) -> bool:
        """False for a signal that came before: each has to have an id of its own."""
        got = self._got.setdefault(logical_id, {})
        if unique_id in got:
            return False
        got[unique_id] = status
        return True

    def count(self, logical_id: str, status: str) -> int:
        return list(self._got.get(logical_id, {}).values()).count(status)

    def arrived(self, resource: Any, wait: dict[str, Any]) -> bool:
        """Raises Failed as the policy says."""
        from .engine import Failed, _event

        wanted = int(wait.get("Count", 1))
        percent = int(
            (resource.policies["CreationPolicy"].get("AutoScalingCreationPolicy") or {}).get(
                "MinSuccessfulInstancesPercent", 100
            )
        )
        needed = -(-wanted * percent // 100)
        got = list(self._got[resource.logical_resource_id].values())
        good, bad = got.count("SUCCESS"), got.count("FAILURE")
        late = clock.now() > self._since[resource.logical_resource_id] + seconds(
            wait.get("Timeout", "PT5M")
        )
        reason = None
        if good >= needed and good + bad >= wanted:
            return True
        if wanted - bad < needed:
            reason = f"Received {bad} FAILURE signal(s) out of {wanted}. Unable to satisfy {percent}% MinSuccessfulInstancesPercent requirement"
        elif late:
            reason = f"Failed to receive {wanted - len(got)} resource signal(s) within the specified duration"
        if reason:
            _event(resource.stack, resource, "CREATE_FAILED", reason)
            raise Failed(
                f"The following resource(s) failed to create: [{resource.logical_resource_id}]: {reason}"
            )
        return False


def seconds(duration: str) -> float:
    """Of "PT#H#M#S"."""
    found = re.fullmatch(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)", duration)
    if not found:
        raise SignalError(f"{duration} is no ISO 8601 duration of the form PT#H#M#S")
    hours, minutes, rest = (int(one or 0) for one in found.groups())
    return hours * 3600 + minutes * 60 + rest
