import { Aws, RemovalPolicy, Size, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { MasterDataVolumeOptions } from '../master-nodes-options';
import { NODES_TAG } from './node-machines';
import type { Problems } from './validation';
import { wholeGibibytes } from './volume-size';

/** Where machines attach it, and where it is mounted. */
const DEVICE = '/dev/sdf';
const MOUNT = '/var/lib/sluice';

/** A disk that outlives the machine it is attached to, in the zone of the subnet. */
export function defineDataVolume(
  scope: Construct,
  id: string,
  props: {
    readonly options: MasterDataVolumeOptions;
    readonly subnet: ec2.ISubnet;
    readonly encryptionKey: kms.IKey | undefined;
    readonly problems: Problems;
  },
): ec2.Volume | undefined {
  const availabilityZone = zoneOf(props.subnet);
  if (availabilityZone === undefined) {
    props.problems.add({
      what: 'dataVolume and vpcSubnets',
      given: 'a subnet whose zone is not known',
      allowed: 'a subnet with its zone, as the disk is in that zone',
      fix: 'import it by Subnet.fromSubnetAttributes() with availabilityZone',
    });
    return undefined;
  }
  const volume = new ec2.Volume(scope, id, {
    availabilityZone,
    size: wholeGibibytes(props.options.size ?? Size.gibibytes(20)),
    volumeType: ec2.EbsDeviceVolumeType.GP3,
    encrypted: true,
    ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
    removalPolicy: props.options.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
  return volume;
}

/** What boot.json says of it: whoever boots attaches it, and waits while another machine has it. */
export function bootOfVolume(volume: ec2.IVolume | undefined) {
  return volume ? { data_volume: { id: volume.volumeId, device: DEVICE, mount: MOUNT } } : {};
}

/** Lets machines of the group attach the disk to themselves. */
export function grantAttach(
  volume: ec2.Volume,
  role: iam.IRole,
  { nodes, encryptionKey }: { nodes: string; encryptionKey: kms.IKey | undefined },
): void {
  Tags.of(volume).add(NODES_TAG, nodes);
  const stack = Stack.of(volume);
  const arn = (resource: string, resourceName: string) =>
    stack.formatArn({ service: 'ec2', resource, resourceName });
  const statement = (props: iam.PolicyStatementProps) =>
    role.addToPrincipalPolicy(new iam.PolicyStatement(props));
  statement({
    sid: 'AttachDataVolume',
    actions: ['ec2:AttachVolume'],
    resources: [arn('volume', volume.volumeId)],
  });
  statement({
    sid: 'AttachToItself',
    actions: ['ec2:AttachVolume'],
    // The machine's id is not known before it is there; its group's tag is.
    resources: [arn('instance', '*')],
    conditions: { StringEquals: { [`aws:ResourceTag/${NODES_TAG}`]: nodes } },
  });
  // DescribeVolumes has no resource level.
  statement({ actions: ['ec2:DescribeVolumes'], resources: ['*'] });
  if (encryptionKey === undefined) return;
  // EC2 uses the key in the name of whoever attaches.
  statement({
    sid: 'AttachEncrypted',
    actions: ['kms:CreateGrant'],
    resources: [encryptionKey.keyArn],
    conditions: {
      Bool: { 'kms:GrantIsForAWSResource': 'true' },
      StringEquals: { 'kms:ViaService': `ec2.${Aws.REGION}.${Aws.URL_SUFFIX}` },
    },
  });
}

/** Undefined for subnets that were imported by their id alone. */
export function zoneOf(subnet: ec2.ISubnet): string | undefined {
  try {
    return subnet.availabilityZone;
  } catch {
    return undefined;
  }
}
