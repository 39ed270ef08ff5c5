"""Secrets, parameters, caches, queues' policies, alarms: what a stack keeps or is watched by."""

import json
from typing import Any

from . import aws
from .calls import arn_of, call, pick, recorded
from .handlers import HANDLERS, Handler, Resource
from .intrinsics import TemplateError


def _create_secret(resource: Resource) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html"""
    given = resource.properties
    params = {
        "Name": given.get("Name", resource.name),
        **pick(given, "Description", "KmsKeyId"),
        "Tags": resource.tag_list(),
    }
    resource.physical_resource_id = resource.attributes["Id"] = call(
        "secretsmanager", "create_secret", {**params, "SecretString": _secret_value(given)}
    )["ARN"]


def _secret_value(given: dict[str, Any]) -> str:
    if "SecretString" in given:
        return given["SecretString"]
    rules = dict(given.get("GenerateSecretString") or {})
    template, key = rules.pop("SecretStringTemplate", None), rules.pop("GenerateStringKey", None)
    if (template is None) != (key is None):
        raise TemplateError("You must specify SecretStringTemplate and GenerateStringKey together")
    password = call("secretsmanager", "get_random_password", rules)["RandomPassword"]
    return json.dumps({**json.loads(template), key: password}) if template else password


def _update_secret(resource: Resource, old: dict[str, Any]) -> None:
    """A new value is generated where the rules for it changed."""
    given = resource.properties
    params = {"SecretId": resource.physical_resource_id, **pick(given, "Description", "KmsKeyId")}
    if any(old.get(name) != given.get(name) for name in ("SecretString", "GenerateSecretString")):
        params["SecretString"] = _secret_value(given)
    call("secretsmanager", "update_secret", params)


def _delete_secret(resource: Resource) -> None:
    call(
        "secretsmanager",
        "delete_secret",
        {"SecretId": resource.physical_resource_id, "ForceDeleteWithoutRecovery": True},
    )


def _secret_policy(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.physical_resource_id = resource.properties["SecretId"]
    call(
        "secretsmanager",
        "put_resource_policy",
        {
            "SecretId": resource.properties["SecretId"],
            "ResourcePolicy": json.dumps(resource.properties["ResourcePolicy"]),
        },
    )


def _create_parameter(resource: Resource) -> None:
    resource.physical_resource_id = resource.properties.get("Name", resource.name)
    _put_parameter(resource, None)


def _put_parameter(resource: Resource, old: dict[str, Any] | None) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"""
    given = resource.properties
    limit = 8192 if given.get("Tier") == "Advanced" else 4096
    if len(given["Value"].encode()) > limit and given.get("Tier") != "Intelligent-Tiering":
        raise TemplateError(
            f"{given.get('Tier', 'Standard')} tier parameters support a maximum parameter value of {limit} characters."
        )
    params = pick(given, "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")
    call(
        "ssm",
        "put_parameter",
        {"Name": resource.physical_resource_id, **params, "Overwrite": old is not None},
    )
    resource.attributes = {"Type": given["Type"], "Value": given["Value"]}


_QUEUE_REST = ("QueueName", "Tags")


def _queue_attributes(given: dict[str, Any]) -> dict[str, str]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
    named = {key: value for key, value in given.items() if key not in _QUEUE_REST}
    return {
        key: json.dumps(value)
        if isinstance(value, dict)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for key, value in named.items()
    }


def _create_queue(resource: Resource) -> None:
    """By the API, so that its URL is the lab's: the SDK goes where a queue's URL points."""
    name = resource.properties.get("QueueName", resource.name)
    tags = {tag["Key"]: tag["Value"] for tag in resource.tag_list()}
    resource.physical_resource_id = call(
        "sqs",
        "create_queue",
        {"QueueName": name, "Attributes": _queue_attributes(resource.properties), "tags": tags},
    )["QueueUrl"]
    resource.attributes = {
        "Arn": f"arn:aws:sqs:{aws.region()}:{aws.ACCOUNT}:{name}",
        "QueueName": name,
        "QueueUrl": resource.physical_resource_id,
    }


def _update_queue(resource: Resource, _old: dict[str, Any]) -> None:
    call(
        "sqs",
        "set_queue_attributes",
        {
            "QueueUrl": resource.physical_resource_id,
            "Attributes": _queue_attributes(resource.properties),
        },
    )


def _queue_policy(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.physical_resource_id = resource.physical_resource_id or resource.name
    resource.attributes["Id"] = resource.physical_resource_id
    for queue in resource.properties["Queues"]:
        call(
            "sqs",
            "set_queue_attributes",
            {
                "QueueUrl": queue,
                "Attributes": {"Policy": json.dumps(resource.properties["PolicyDocument"])},
            },
        )


def _put_alarm(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    resource.physical_resource_id = resource.physical_resource_id or resource.properties.get(
        "AlarmName", resource.name
    )
    given = {key: value for key, value in resource.properties.items() if key != "AlarmName"}
    given["Tags"] = resource.tag_list()
    call("cloudwatch", "put_metric_alarm", {"AlarmName": resource.physical_resource_id, **given})
    resource.attributes["Arn"] = (
        f"arn:aws:cloudwatch:{aws.region()}:{aws.ACCOUNT}:alarm:{resource.physical_resource_id}"
    )


def _create_cache(resource: Resource) -> None:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"""
    given = resource.properties
    name = given.get("ReplicationGroupId", resource.name)[:40].rstrip("-")
    nodes = (
        int(given.get("NumCacheClusters", 1))
        if "NumNodeGroups" not in given and "ReplicasPerNodeGroup" not in given
        else int(given.get("NumNodeGroups", 1)) * (1 + int(given.get("ReplicasPerNodeGroup", 0)))
    )
    if str(given.get("AutomaticFailoverEnabled", False)).lower() == "true" and nodes < 2:
        raise TemplateError(
            "Replication group with automatic failover enabled must have at least one replica."
        )
    if given.get("Engine", "redis") not in ("redis", "valkey"):
        raise TemplateError(f"Invalid engine for a replication group: {given['Engine']}")
    if not str(given.get("CacheNodeType", "cache.")).startswith("cache."):
        raise TemplateError(f"Invalid Cache Node Type: {given['CacheNodeType']}")
    same = {key: value for key, value in given.items() if key not in ("ReplicationGroupId", "Tags")}
    call(
        "elasticache",
        "create_replication_group",
        {"ReplicationGroupId": name, **same, "Tags": resource.tag_list()},
    )
    port = str(given.get("Port", 6379))
    resource.physical_resource_id = name
    for end, host in (
        ("PrimaryEndPoint", "master"),
        ("ReaderEndPoint", "replica"),
        ("ConfigurationEndPoint", "clustercfg"),
    ):
        resource.attributes |= {
            f"{end}.Address": f"{host}.{name}.lab.cache.amazonaws.com",
            f"{end}.Port": port,
        }


def _create_subnet_group(resource: Resource) -> None:
    given = resource.properties
    resource.physical_resource_id = given.get("CacheSubnetGroupName", resource.name).lower()
    params = {"CacheSubnetGroupDescription": given["Description"], "SubnetIds": given["SubnetIds"]}
    call(
        "elasticache",
        "create_cache_subnet_group",
        {"CacheSubnetGroupName": resource.physical_resource_id, **params},
    )


def _certificate(resource: Resource) -> None:
    given = resource.properties
    params = pick(given, "DomainName", "SubjectAlternativeNames", "ValidationMethod")
    resource.physical_resource_id = call("acm", "request_certificate", params)["CertificateArn"]


HANDLERS.update(
    {
        "AWS::SecretsManager::Secret": Handler(_create_secret, _update_secret, _delete_secret),
        "AWS::SecretsManager::ResourcePolicy": Handler(_secret_policy, _secret_policy),
        "AWS::SSM::Parameter": Handler(
            _create_parameter,
            _put_parameter,
            lambda r: call("ssm", "delete_parameter", {"Name": r.physical_resource_id}),
        ),
        "AWS::SQS::Queue": Handler(
            _create_queue,
            _update_queue,
            lambda r: call("sqs", "delete_queue", {"QueueUrl": r.physical_resource_id}),
        ),
        "AWS::SQS::QueuePolicy": Handler(_queue_policy, _queue_policy),
        # moto would enforce it without its conditions.
        "AWS::S3::BucketPolicy": recorded(lambda r: r.properties["Bucket"]),
        "AWS::CloudWatch::Alarm": Handler(
            _put_alarm,
            _put_alarm,
            lambda r: call("cloudwatch", "delete_alarms", {"AlarmNames": [r.physical_resource_id]}),
        ),
        "AWS::ElastiCache::ReplicationGroup": Handler(
            _create_cache,
            None,
            lambda r: call(
                "elasticache",
                "delete_replication_group",
                {"ReplicationGroupId": r.physical_resource_id},
            ),
        ),
        "AWS::ElastiCache::SubnetGroup": Handler(_create_subnet_group),
        "AWS::CertificateManager::Certificate": Handler(
            _certificate,
            None,
            lambda r: call("acm", "delete_certificate", {"CertificateArn": r.physical_resource_id}),
        ),
        # moto has no such calls.
        "AWS::ElastiCache::ParameterGroup": recorded(
            lambda r: r.name, CacheParameterGroupName=lambda r: r.name
        ),
        "AWS::ElastiCache::User": recorded(
            lambda r: r.properties["UserId"],
            Arn=lambda r: arn_of(r, "elasticache", "user:"),
            Status=lambda _r: "active",
        ),
        "AWS::ElastiCache::UserGroup": recorded(
            lambda r: r.properties["UserGroupId"],
            Arn=lambda r: arn_of(r, "elasticache", "usergroup:"),
            Status=lambda _r: "active",
        ),
    }
)
