import { Aws, Duration, Lazy, Size, Tags, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEPLOYMENT_DEFAULTS, JOBS_DISK_GIB } from '../../node-image/contract';
import { NodeArchitecture, type NodeRole } from '../node-architecture';
import type { NodeConfig, NodeSecrets } from '../node-config';
import { type BindableImage, bindImage } from './image-binding';
import type { JobsConfig } from './jobs-config';
import {
  type AddressRecord,
  type BootFile,
  MAX_USER_DATA_BYTES,
  renderUserData,
} from './user-data';
import { Problems } from './validation';
import { wholeGibibytes } from './volume-size';

/** Instances, volumes and addresses of one group of machines have this tag, by the group's name. */
export const NODES_TAG = 'sluice:nodes';

/** What boot.json has beside what all machines have. */
export type BootExtras = Pick<BootFile, 'data_volume' | 'static_addresses' | 'redis' | 'entry'>;

/** Properties of machines. */
export interface NodeMachinesProps {
  readonly role: NodeRole;
  readonly vpc: ec2.IVpc;
  readonly image: BindableImage;
  readonly instanceType: ec2.InstanceType;
  /** `@default - that of instanceType` */
  readonly architecture?: NodeArchitecture | undefined;
  readonly config: NodeConfig;
  readonly secrets: NodeSecrets;
  /** Value of NODES_TAG. */
  readonly tag: string;
  /** Logical id of the resource that waits for the machine; asked at synthesis. */
  readonly signalled: () => string;
  /** Yours get no rules here. */
  readonly securityGroups?: ec2.ISecurityGroup[] | undefined;
  readonly securityGroupDescription: string;
  /** Made with what a machine needs; one of yours is granted the same. */
  readonly machineRole?: iam.IRole | undefined;
  /** `@default - what the subnets say` */
  readonly publicAddress?: boolean | undefined;
  /** `@default 20 GiB, or 64 GiB with jobs` */
  readonly diskSize?: Size | undefined;
  /** What they run beside Rooms. `@default - nothing` */
  readonly jobs?: JobsConfig | undefined;
  readonly encryptionKey?: kms.IKey | undefined;
  readonly logGroup?: logs.ILogGroup | undefined;
  readonly boot: BootExtras;
  readonly addressRecord?: AddressRecord | undefined;
}

/** What all machines of a role have in common: role, security group, launch template. */
export class NodeMachines extends Construct {
  readonly launchTemplate: ec2.LaunchTemplate;
  readonly role: iam.IRole;
  readonly securityGroups: ec2.ISecurityGroup[];
  /** The one made here; none where they were given. */
  readonly ownSecurityGroup: ec2.SecurityGroup | undefined;
  readonly architecture: NodeArchitecture;

  readonly #props: NodeMachinesProps;
  readonly #name: string;

  constructor(scope: Construct, id: string, props: NodeMachinesProps) {
    super(scope, id);
    this.#props = props;
    this.#name = scope.node.path;
    this.architecture = props.architecture ?? NodeArchitecture.of(props.instanceType);
    this.#check();
    this.ownSecurityGroup =
      props.securityGroups === undefined
        ? new ec2.SecurityGroup(this, 'SecurityGroup', {
            vpc: props.vpc,
            description: props.securityGroupDescription,
            allowAllOutbound: true,
            allowAllIpv6Outbound: true,
          })
        : undefined;
    this.securityGroups = props.securityGroups ?? this.#own();
    this.role =
      props.machineRole ??
      new iam.Role(this, 'Role', {
        assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
        description: `Machines that are ${props.role} nodes`,
      });
    this.#grant();
    this.launchTemplate = this.launchTemplateFor('LaunchTemplate', {
      instanceType: props.instanceType,
      architecture: this.architecture,
    });
  }

  /** A launch template for machines of another architecture in the same group. */
  launchTemplateFor(
    id: string,
    machine: { instanceType: ec2.InstanceType; architecture: NodeArchitecture },
  ): ec2.LaunchTemplate {
    const props = this.#props;
    const image = bindImage(this, props.image, machine.architecture, {
      role: props.role,
      installOptions: props.jobs?.installOptions ?? [],
    });
    image.grantRead(this.role);
    const [first, ...others] = this.securityGroups;
    const template = new ec2.LaunchTemplate(this, id, {
      instanceType: machine.instanceType,
      machineImage: image.machineImage,
      userData: ec2.UserData.custom(this.#userData(image.installScript)),
      role: this.role,
      ...(first ? { securityGroup: first } : {}),
      associatePublicIpAddress: props.publicAddress,
      // Containers and forwarded requests are one hop too far away to ask for the role's keys.
      httpTokens: ec2.LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      httpEndpoint: true,
      ebsOptimized: true,
      blockDevices: [
        {
          deviceName: image.rootDevice,
          volume: ec2.BlockDeviceVolume.ebs(
            wholeGibibytes(props.diskSize ?? (props.jobs ? JOBS_DISK : DEFAULT_DISK)).toGibibytes(),
            {
              volumeType: ec2.EbsDeviceVolumeType.GP3,
              encrypted: true,
              deleteOnTermination: true,
              ...(props.encryptionKey ? { kmsKey: props.encryptionKey } : {}),
            },
          ),
        },
      ],
    });
    for (const group of others) template.addSecurityGroup(group);
    Tags.of(template).add(NODES_TAG, props.tag);
    Tags.of(template).add('Name', this.#name);
    return template;
  }

  #own(): ec2.ISecurityGroup[] {
    return this.ownSecurityGroup ? [this.ownSecurityGroup] : [];
  }

  #userData(install: readonly string[]): string {
    const props = this.#props;
    const { apiKey, ...others } = props.secrets;
    const registry = props.jobs?.registrySecret;
    const secrets = Object.entries({ api_key: apiKey, ...others, registry }).flatMap(
      ([purpose, secret]) => (secret ? [[purpose, secret.secretArn] as const] : []),
    );
    const text = renderUserData({
      boot: {
        cloud: 'aws',
        role: props.role,
        config: { ssm: props.config.parameterName },
        secrets: Object.fromEntries(secrets),
        signal: { stack: Aws.STACK_NAME, resource: Lazy.string({ produce: props.signalled }) },
        ...(props.logGroup ? { log_group: props.logGroup.logGroupName } : {}),
        ...props.boot,
      },
      region: Aws.REGION,
      revision: props.config.revision,
      install,
      ...(props.addressRecord ? { addressRecord: props.addressRecord } : {}),
    });
    // A token stands for an ARN at most, which is longer than the token.
    const bytes = Buffer.byteLength(text.replaceAll(/\$\{Token\[.*?\]\}/g, LONGEST_TOKEN));
    const problems = new Problems(this);
    problems.check(bytes <= MAX_USER_DATA_BYTES, {
      what: 'user data',
      given: `${bytes} bytes`,
      allowed: `up to ${MAX_USER_DATA_BYTES} bytes`,
      fix: 'use NodeImage.baked() or NodeImage.fromAmi(), which need fewer lines',
    });
    problems.report();
    return text;
  }

  #check(): void {
    const { image, instanceType, diskSize } = this.#props;
    const problems = new Problems(this);
    problems.size('diskSize', diskSize, DISK_BOUNDS);
    const given = Token.isUnresolved(instanceType.toString())
      ? undefined
      : NodeArchitecture.of(instanceType)._known;
    const chosen = this.architecture._known;
    const ofImage = image.architecture?._known;
    problems.check(given === undefined || chosen === undefined || given === chosen, {
      what: 'instanceType and architecture',
      given: `${instanceType.toString()}, which is ${given}, and ${chosen}`,
      allowed: 'a type of the architecture',
      fix: 'leave out architecture, or choose another type',
    });
    problems.check(ofImage === undefined || chosen === undefined || ofImage === chosen, {
      what: 'image and instanceType',
      given: `an image for ${ofImage} and ${instanceType.toString()}, which is ${chosen}`,
      allowed: "a type of the image's architecture",
      fix: 'choose another type, or an image for it',
    });
    problems.report();
  }

  #grant(): void {
    const { role } = this;
    const props = this.#props;
    props.config.grantRead(role);
    const { apiKey, cluster, turn, redis, certificate } = props.secrets;
    for (const secret of [apiKey, cluster, turn, redis, certificate]) secret?.grantRead(role);
    // To make streams in it and to write to them, and no more.
    props.logGroup?.grantWrite(role);
    props.jobs?.recordings?.grantRecord(role);
    props.jobs?.registrySecret?.grantRead(role);
    for (const repository of props.jobs?.repositories ?? []) repository.grantPull(role);
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['cloudformation:SignalResource'],
        resources: [Aws.STACK_ID],
      }),
    );
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        sid: 'SessionManager',
        actions: [
          'ssm:UpdateInstanceInformation',
          'ssmmessages:CreateControlChannel',
          'ssmmessages:CreateDataChannel',
          'ssmmessages:OpenControlChannel',
          'ssmmessages:OpenDataChannel',
        ],
        // These have no resource level that names a machine that is not there yet. AWS's managed
        // policy for the same reads every parameter of the account beside.
        resources: ['*'],
      }),
    );
  }
}

/** From the start of a machine: Redis may take most of it to be made, and the rest is for a call. */
export const DEFAULT_CREATION_TIMEOUT = Duration.minutes(30);

/** As long as what a token becomes. */
const LONGEST_TOKEN = 'x'.repeat(160);

/** System, program and logs take 8 GiB; gp3 ends at 16 TiB. */
const DISK_BOUNDS = { min: Size.gibibytes(8), max: Size.gibibytes(16_384) };

/** The size of a machine's own disk unless said otherwise. */
const DEFAULT_DISK = Size.gibibytes(DEPLOYMENT_DEFAULTS.diskGib);
const JOBS_DISK = Size.gibibytes(JOBS_DISK_GIB);
