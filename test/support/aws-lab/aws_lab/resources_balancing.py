"""AWS::ElasticLoadBalancingV2::*, by the API, with what the API refuses for Network Load Balancers.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ElasticLoadBalancingV2.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html
"""

from typing import Any

from moto.elbv2.models import elbv2_backends

from . import aws
from .calls import call, pick
from .handlers import HANDLERS, Handler, Resource
from .intrinsics import TemplateError

_NETWORK = ("TCP", "TLS", "UDP", "TCP_UDP")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html
_POLICIES = (
    "ELBSecurityPolicy-TLS13-",
    "ELBSecurityPolicy-TLS-1-",
    "ELBSecurityPolicy-FS-",
    "ELBSecurityPolicy-20",
)


def _create_balancer(resource: Resource) -> None:
    given = resource.properties
    params = pick(
        given, "Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "Type", "IpAddressType"
    )
    if params.get("Type") == "network" and "SubnetMappings" not in given and "Subnets" not in given:
        raise TemplateError("At least one subnet must be specified")
    made = call(
        "elbv2",
        "create_load_balancer",
        {"Name": given.get("Name", resource.name), **params, "Tags": resource.tag_list()},
    )["LoadBalancers"][0]
    arn = resource.physical_resource_id = made["LoadBalancerArn"]
    resource.attributes = {
        "LoadBalancerArn": arn,
        "DNSName": made["DNSName"],
        "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
        "LoadBalancerName": made["LoadBalancerName"],
        "LoadBalancerFullName": arn.split(":loadbalancer/")[1],
        "SecurityGroups": given.get("SecurityGroups", []),
    }
    _balancer_attributes(resource, {})


def _balancer_attributes(resource: Resource, old: dict[str, Any]) -> None:
    for name in ("Subnets", "SecurityGroups", "IpAddressType"):
        if old and old.get(name) != resource.properties.get(name):
            raise TemplateError(f"the lab cannot change {name} of a load balancer")
    if resource.properties.get("LoadBalancerAttributes"):
        call(
            "elbv2",
            "modify_load_balancer_attributes",
            {
                "LoadBalancerArn": resource.physical_resource_id,
                "Attributes": resource.properties["LoadBalancerAttributes"],
            },
        )


def _delete_balancer(resource: Resource) -> None:
    for one in resource.properties.get("LoadBalancerAttributes", []):
        if one["Key"] == "deletion_protection.enabled" and str(one["Value"]).lower() == "true":
            raise TemplateError(
                f"Load balancer '{resource.physical_resource_id}' cannot be deleted because deletion protection is enabled"
            )
    call("elbv2", "delete_load_balancer", {"LoadBalancerArn": resource.physical_resource_id})


_GROUP = (
    "Protocol",
    "Port",
    "VpcId",
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "TargetType",
    "Matcher",
    "IpAddressType",
    "HealthCheckEnabled",
)


def _create_targets(resource: Resource) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html"""
    given = resource.properties
    name = given.get("Name", resource.name)
    if given.get("Protocol") in _NETWORK and given.get("HealthCheckProtocol", "TCP") not in (
        "TCP",
        "HTTP",
        "HTTPS",
    ):
        raise TemplateError(
            f"Health check protocol '{given['HealthCheckProtocol']}' not supported for target groups with the protocol '{given['Protocol']}'"
        )
    params = pick(given, *_GROUP)
    made = call(
        "elbv2", "create_target_group", {"Name": name, **params, "Tags": resource.tag_list()}
    )["TargetGroups"][0]
    arn = resource.physical_resource_id = made["TargetGroupArn"]
    resource.attributes = {
        "TargetGroupArn": arn,
        "TargetGroupFullName": arn.split(":")[-1],
        "TargetGroupName": name,
    }
    if given.get("Targets"):
        call("elbv2", "register_targets", {"TargetGroupArn": arn, "Targets": given["Targets"]})
    _target_attributes(resource, {})


def _target_attributes(resource: Resource, old: dict[str, Any]) -> None:
    if resource.properties.get("TargetGroupAttributes"):
        call(
            "elbv2",
            "modify_target_group_attributes",
            {
                "TargetGroupArn": resource.physical_resource_id,
                "Attributes": resource.properties["TargetGroupAttributes"],
            },
        )
    if old:
        changed = pick(
            resource.properties,
            *[
                name
                for name in _GROUP
                if name.startswith("Health") or name in ("UnhealthyThresholdCount", "Matcher")
            ],
        )
        call(
            "elbv2",
            "modify_target_group",
            {"TargetGroupArn": resource.physical_resource_id, **changed},
        )
    # moto tells nobody which balancers a group serves but by its listeners.
    group = elbv2_backends[aws.ACCOUNT][aws.region()].target_groups[resource.physical_resource_id]
    resource.attributes["LoadBalancerArns"] = group.load_balancer_arns


def _check_listener(resource: Resource) -> None:
    given = resource.properties
    kind = next(
        one["Type"]
        for one in call(
            "elbv2", "describe_load_balancers", {"LoadBalancerArns": [given["LoadBalancerArn"]]}
        )["LoadBalancers"]
    )
    protocol = given.get("Protocol")
    if kind == "network" and protocol not in _NETWORK:
        raise TemplateError(
            f"Listener protocol '{protocol}' is not supported by a network load balancer"
        )
    if kind == "network" and protocol == "TLS" and not given.get("Certificates"):
        raise TemplateError("A certificate must be specified for TLS listeners")
    policy = given.get("SslPolicy")
    if policy and not policy.startswith(_POLICIES):
        raise TemplateError(f"SSL policy '{policy}' not found")
    wanted = {
        "TLS": ("TCP", "TLS"),
        "TCP": ("TCP", "TCP_UDP"),
        "UDP": ("UDP", "TCP_UDP"),
        "TCP_UDP": ("TCP_UDP",),
    }.get(str(protocol))
    for one in given["DefaultActions"] if wanted else []:
        arn = one.get("TargetGroupArn") or one["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"]
        got = elbv2_backends[aws.ACCOUNT][aws.region()].target_groups[arn].protocol
        if got not in wanted:
            raise TemplateError(
                f"The target group with targetGroupArn '{arn}' has the protocol {got}, which a listener of protocol {protocol} cannot forward to"
            )


_LISTENER = ("Port", "Protocol", "SslPolicy", "Certificates", "DefaultActions", "AlpnPolicy")


def _create_listener(resource: Resource) -> None:
    _check_listener(resource)
    made = call(
        "elbv2",
        "create_listener",
        {
            "LoadBalancerArn": resource.properties["LoadBalancerArn"],
            **pick(resource.properties, *_LISTENER),
        },
    )["Listeners"][0]
    resource.physical_resource_id = resource.attributes["ListenerArn"] = made["ListenerArn"]
    _listener_attributes(resource)


def _update_listener(resource: Resource, old: dict[str, Any]) -> None:
    _check_listener(resource)
    # moto refuses TLS here, also where the protocol stays what it is.
    changed = [name for name in _LISTENER if old.get(name) != resource.properties.get(name)]
    call(
        "elbv2",
        "modify_listener",
        {"ListenerArn": resource.physical_resource_id, **pick(resource.properties, *changed)},
    )
    _listener_attributes(resource)


def _listener_attributes(resource: Resource) -> None:
    if resource.properties.get("ListenerAttributes"):
        call(
            "elbv2",
            "modify_listener_attributes",
            {
                "ListenerArn": resource.physical_resource_id,
                "Attributes": resource.properties["ListenerAttributes"],
            },
        )


_ELB = "AWS::ElasticLoadBalancingV2::"
HANDLERS.update(
    {
        _ELB + "LoadBalancer": Handler(_create_balancer, _balancer_attributes, _delete_balancer),
        _ELB + "TargetGroup": Handler(
            _create_targets,
            _target_attributes,
            lambda r: call(
                "elbv2", "delete_target_group", {"TargetGroupArn": r.physical_resource_id}
            ),
        ),
        _ELB + "Listener": Handler(
            _create_listener,
            _update_listener,
            lambda r: call("elbv2", "delete_listener", {"ListenerArn": r.physical_resource_id}),
        ),
    }
)
