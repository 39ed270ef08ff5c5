"""Events that AWS services put on the default bus, brought to the queues of rules.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

import json
import uuid
from datetime import datetime, timezone
from typing import Any

from moto.events.models import Rule, events_backends
from moto.sqs.models import Queue, sqs_backends

from . import aws


def send(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    event: dict[str, Any] = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": aws.ACCOUNT,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": aws.region(),
        "resources": resources,
        "detail": detail,
    }
    backend = events_backends[aws.ACCOUNT][aws.region()]
    for rule in list(backend.describe_event_bus("default").rules.values()):
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):  # type: ignore[arg-type]
            for target in rule.targets:
                _deliver(rule, target["Arn"], event)


def _deliver(rule: Rule, arn: str, event: dict[str, Any]) -> None:
    queues = sqs_backends[aws.ACCOUNT][aws.region()].queues
    queue = queues.get(arn.rsplit(":", 1)[-1]) if ":sqs:" in arn else None
    if queue is not None and _allows(queue, rule.arn):
        sqs_backends[aws.ACCOUNT][aws.region()].send_message(
            queue_name=queue.name, message_body=json.dumps(event)
        )


def _allows(queue: Queue, rule_arn: str) -> bool:
    """A rule reaches a queue only by the queue's own policy.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
    """
    statements = json.loads(queue.policy or "{}").get("Statement", [])
    return any(
        one["Effect"] == "Allow"
        and _has(one.get("Principal", {}), "events.amazonaws.com")
        and _has(one["Action"], "sqs:SendMessage", "sqs:*")
        and _source(one.get("Condition", {})) in (None, rule_arn)
        for one in statements
    )


def _has(given: Any, *wanted: str) -> bool:
    if isinstance(given, dict):
        given = given.get("Service", [])
    return any(one in wanted for one in ([given] if isinstance(given, str) else given))


def _source(condition: dict[str, Any]) -> str | None:
    for operator in ("ArnEquals", "ArnLike", "StringEquals"):
        if "aws:SourceArn" in condition.get(operator, {}):
            return condition[operator]["aws:SourceArn"]
    return None
