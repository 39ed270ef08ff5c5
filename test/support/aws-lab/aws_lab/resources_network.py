"""AWS::EC2::*, where moto's own models leave things behind or cannot be updated."""

from dataclasses import replace
from typing import Any

from . import aws
from .calls import call, pick
from .handlers import HANDLERS, Handler, Resource, handler_of
from .intrinsics import ZONES, TemplateError


def _deleted_by(resource_type: str, delete: Any) -> None:
    HANDLERS[resource_type] = replace(handler_of(resource_type), delete=delete)


def _delete_association(resource: Resource) -> None:
    for table in call(
        "ec2", "describe_route_tables", {"RouteTableIds": [resource.properties["RouteTableId"]]}
    )["RouteTables"]:
        for one in table["Associations"]:
            if one.get("SubnetId") == resource.properties["SubnetId"]:
                call(
                    "ec2",
                    "disassociate_route_table",
                    {"AssociationId": one["RouteTableAssociationId"]},
                )


def _create_template(resource: Resource) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html"""
    name = resource.properties.get("LaunchTemplateName", resource.name)
    params = {
        "LaunchTemplateName": name,
        "LaunchTemplateData": _launch_data(resource),
        "TagSpecifications": resource.properties.get("TagSpecifications"),
    }
    made = call("ec2", "create_launch_template", params)["LaunchTemplate"]
    resource.physical_resource_id = made["LaunchTemplateId"]
    resource.attributes = {
        "LaunchTemplateId": made["LaunchTemplateId"],
        "DefaultVersionNumber": "1",
        "LatestVersionNumber": "1",
    }


def _update_template(resource: Resource, _old: dict[str, Any]) -> None:
    """A new version; the default stays the first.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-launchtemplate.html
    """
    params = {
        "LaunchTemplateId": resource.physical_resource_id,
        "LaunchTemplateData": _launch_data(resource),
    }
    made = call("ec2", "create_launch_template_version", params)["LaunchTemplateVersion"]
    resource.attributes["LatestVersionNumber"] = str(made["VersionNumber"])


def _launch_data(resource: Resource) -> dict[str, Any]:
    data = resource.properties["LaunchTemplateData"]
    # "The user data ... limited to 16 KB, in raw form, before it is base64-encoded."
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    if len(data.get("UserData", "")) * 3 // 4 > 16_384:
        raise TemplateError("User data is limited to 16384 bytes")
    return data


def _associate_address(resource: Resource, _old: dict[str, Any] | None = None) -> None:
    made = call(
        "ec2",
        "associate_address",
        pick(resource.properties, "AllocationId", "InstanceId", "NetworkInterfaceId"),
    )
    resource.physical_resource_id = resource.attributes["Id"] = made["AssociationId"]


def _attribute_of_vpc(resource: Resource) -> None:
    """Addresses that Amazon gives are an invention here."""
    resource.physical_resource_id = resource.attributes["Id"] = (
        f"vpc-cidr-assoc-{resource.name[-8:].lower()}"
    )
    vpc = resource.stack.plan.stack.resources
    for one in vpc.values():
        if one.physical_resource_id == resource.properties["VpcId"]:
            one.attributes["Ipv6CidrBlocks"] = ["2a05:d018:1ab:1200::/56"]


def _rule(given: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""
    made: dict[str, Any] = pick(given, "IpProtocol", "FromPort", "ToPort")
    described = pick(given, "Description")
    if "CidrIp" in given:
        made["IpRanges"] = [{"CidrIp": given["CidrIp"], **described}]
    if "CidrIpv6" in given:
        made["Ipv6Ranges"] = [{"CidrIpv6": given["CidrIpv6"], **described}]
    peer = given.get("SourceSecurityGroupId") or given.get("DestinationSecurityGroupId")
    if peer:
        made["UserIdGroupPairs"] = [{"GroupId": peer, **described}]
    if not any(key in made for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs")):
        raise TemplateError(
            "Exactly one of CidrIp, CidrIpv6, a prefix list and a security group must be specified; prefix lists are not known here"
        )
    return made


def _one_rule(way: str) -> Handler:
    def change(resource: Resource, verb: str) -> None:
        given = resource.properties
        call(
            "ec2",
            f"{verb}_security_group_{way}",
            {"GroupId": given["GroupId"], "IpPermissions": [_rule(given)]},
        )

    def create(resource: Resource) -> None:
        change(resource, "authorize")
        resource.physical_resource_id = resource.attributes["Id"] = (
            f"sgr-{resource.name[-12:].lower()}"
        )

    return Handler(create, None, lambda resource: change(resource, "revoke"))


def _create_group(resource: Resource) -> None:
    given = resource.properties
    params = {
        "GroupName": given.get("GroupName", resource.name),
        "Description": given["GroupDescription"],
        **pick(given, "VpcId"),
    }
    group = resource.physical_resource_id = call("ec2", "create_security_group", params)["GroupId"]
    call(
        "ec2",
        "create_tags",
        {
            "Resources": [group],
            "Tags": [tag for tag in resource.tag_list() if not tag["Key"].startswith("aws:")],
        },
    )
    resource.attributes = {"GroupId": group, "Id": group, "VpcId": given.get("VpcId")}
    _set_rules(resource, {})


def _set_rules(resource: Resource, _old: dict[str, Any]) -> None:
    """A new group lets everything out, until the template has rules of its own.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    """
    group = resource.physical_resource_id
    for way in ("ingress", "egress"):
        wanted = [_rule(one) for one in resource.properties.get(f"SecurityGroup{way.title()}", [])]
        made = resource.__dict__.setdefault(f"made_{way}", None)
        if made is None and way == "egress" and wanted:
            call(
                "ec2",
                "revoke_security_group_egress",
                {
                    "GroupId": group,
                    "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                },
            )
        gone = [one for one in made or [] if one not in wanted]
        new = [one for one in wanted if one not in (made or [])]
        if gone:
            call("ec2", f"revoke_security_group_{way}", {"GroupId": group, "IpPermissions": gone})
        if new:
            call("ec2", f"authorize_security_group_{way}", {"GroupId": group, "IpPermissions": new})
        resource.__dict__[f"made_{way}"] = wanted


def _delete_vpc(resource: Resource) -> None:
    for group in call(
        "ec2",
        "describe_route_tables",
        {"Filters": [{"Name": "vpc-id", "Values": [resource.physical_resource_id]}]},
    )["RouteTables"]:
        if not any(one.get("Main") for one in group["Associations"]):
            raise TemplateError(
                f"The vpc '{resource.physical_resource_id}' has dependencies and cannot be deleted: {group['RouteTableId']}"
            )
    call("ec2", "delete_vpc", {"VpcId": resource.physical_resource_id})


def _create_subnet(resource: Resource) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html"""
    zone = str(resource.properties.get("AvailabilityZone", aws.region() + ZONES[0]))
    if zone not in [aws.region() + one for one in ZONES]:
        raise TemplateError(
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {', '.join(aws.region() + one for one in ZONES)}."
        )
    _subnet_by_moto.create(resource)


def _create_volume(resource: Resource) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html"""
    names = (
        "AvailabilityZone",
        "Encrypted",
        "Iops",
        "KmsKeyId",
        "Size",
        "SnapshotId",
        "Throughput",
        "VolumeType",
        "MultiAttachEnabled",
    )
    tags = [
        {
            "ResourceType": "volume",
            "Tags": [tag for tag in resource.tag_list() if not tag["Key"].startswith("aws:")],
        }
    ]
    made = call(
        "ec2", "create_volume", {**pick(resource.properties, *names), "TagSpecifications": tags}
    )
    resource.physical_resource_id = resource.attributes["VolumeId"] = made["VolumeId"]


_subnet_by_moto = handler_of("AWS::EC2::Subnet")
HANDLERS["AWS::EC2::Subnet"] = replace(_subnet_by_moto, create=_create_subnet)
_deleted_by(
    "AWS::EC2::RouteTable",
    lambda r: call("ec2", "delete_route_table", {"RouteTableId": r.physical_resource_id}),
)
_deleted_by("AWS::EC2::SubnetRouteTableAssociation", _delete_association)
_deleted_by("AWS::EC2::VPC", _delete_vpc)
HANDLERS.update(
    {
        "AWS::EC2::LaunchTemplate": Handler(
            _create_template,
            _update_template,
            lambda r: call(
                "ec2", "delete_launch_template", {"LaunchTemplateId": r.physical_resource_id}
            ),
        ),
        "AWS::EC2::EIPAssociation": Handler(
            _associate_address,
            None,
            lambda r: call(
                "ec2", "disassociate_address", {"AssociationId": r.physical_resource_id}
            ),
        ),
        "AWS::EC2::Volume": Handler(
            _create_volume,
            None,
            lambda r: call("ec2", "delete_volume", {"VolumeId": r.physical_resource_id}),
        ),
        "AWS::EC2::VPCCidrBlock": Handler(_attribute_of_vpc),
        "AWS::EC2::SecurityGroup": Handler(
            _create_group,
            _set_rules,
            lambda r: call("ec2", "delete_security_group", {"GroupId": r.physical_resource_id}),
        ),
        "AWS::EC2::SecurityGroupIngress": _one_rule("ingress"),
        "AWS::EC2::SecurityGroupEgress": _one_rule("egress"),
    }
)
