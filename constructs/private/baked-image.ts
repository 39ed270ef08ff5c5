import { createHash } from 'node:crypto';
import { Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as imagebuilder from 'aws-cdk-lib/aws-imagebuilder';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { DEBIAN_ROOT_DEVICE } from './debian';
import { nameInStack } from './names';
import { grantFiles, installFromAsset, nodeFiles } from './node-files';

/** Properties of a baked image. */
export interface BakedImageProps {
  /** Debian 12 for the architecture of `instanceType`. */
  readonly machineImage: ec2.IMachineImage;
  readonly instanceType: ec2.InstanceType;
  readonly subnet?: ec2.ISubnet;
  readonly securityGroups?: ec2.ISecurityGroup[];
  readonly encryptionKey?: kms.IKey;
  /** Further options of install.sh. */
  readonly installOptions: readonly string[];
}

/** GiB; what machines get may be larger, and not smaller. */
const DISK_GIB = 8;

/** Names carry what they stand for, as nothing that Image Builder has made can be changed. */
const VERSION = '1.0.0';

/** An image that EC2 Image Builder makes from the node's files, and its pipeline. */
export class BakedImage extends Construct {
  /** That of this id in the stack; the machines of all roles boot the same. */
  static once(scope: Construct, id: string, props: BakedImageProps): BakedImage {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(id);
    return existing instanceof BakedImage ? existing : new BakedImage(stack, id, props);
  }

  readonly machineImage: ec2.IMachineImage;

  constructor(scope: Construct, id: string, props: BakedImageProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const files = nodeFiles(this);
    const parentImage = props.machineImage.getImage(this).imageId;
    const document = componentDocument(
      installFromAsset(files, ['--image', ...props.installOptions]),
    );
    const keyArn = props.encryptionKey?.keyArn;
    const content = JSON.stringify(stack.resolve([document, keyArn, VERSION]));
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const prefix = Fn.join('-', [stack.stackName, nameInStack(this), hash]);
    const name = Fn.join('-', [prefix, parentImage]);

    const component = new imagebuilder.CfnComponent(this, 'Component', {
      name: prefix,
      version: VERSION,
      platform: 'Linux',
      description: 'Installs a Sluice node',
      data: stack.toJsonString(document),
    });
    const recipe = new imagebuilder.CfnImageRecipe(this, 'Recipe', {
      name,
      version: VERSION,
      parentImage,
      components: [{ componentArn: component.attrArn }],
      // Else it is taken away after the build, and with it Session Manager.
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
      blockDeviceMappings: [
        {
          deviceName: DEBIAN_ROOT_DEVICE,
          ebs: {
            volumeType: 'gp3',
            volumeSize: DISK_GIB,
            encrypted: true,
            deleteOnTermination: true,
            ...(keyArn ? { kmsKeyId: keyArn } : {}),
          },
        },
      ],
    });
    const role = this.#role();
    grantFiles(files, role);
    const infrastructure = new imagebuilder.CfnInfrastructureConfiguration(this, 'Infrastructure', {
      name,
      instanceProfileName: new iam.InstanceProfile(this, 'Profile', { role }).instanceProfileName,
      instanceTypes: [props.instanceType.toString()],
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      terminateInstanceOnFailure: true,
      ...(props.subnet ? { subnetId: props.subnet.subnetId } : {}),
      ...(props.securityGroups
        ? { securityGroupIds: props.securityGroups.map((group) => group.securityGroupId) }
        : {}),
    });
    infrastructure.node.addDependency(role);
    const made = {
      imageRecipeArn: recipe.attrArn,
      infrastructureConfigurationArn: infrastructure.attrArn,
      imageTestsConfiguration: { imageTestsEnabled: false },
    };
    const image = new imagebuilder.CfnImage(this, 'Image', {
      ...made,
      // What was baked goes with the stack, and costs nothing any more.
      deletionSettings: { executionRole: this.#deleter().roleArn },
    });
    // For whoever wants to bake by hand; the stack goes by the image above.
    new imagebuilder.CfnImagePipeline(this, 'Pipeline', { ...made, name });
    this.machineImage = {
      getImage: () => ({
        imageId: image.attrImageId,
        osType: ec2.OperatingSystemType.LINUX,
        userData: ec2.UserData.forLinux(),
      }),
    };
  }

  #role(): iam.Role {
    return new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      description: 'The machine that bakes the image of nodes',
      // What Image Builder asks of such a machine; it is there for the minutes of a build.
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'),
        iam.ManagedPolicy.fromAwsManagedPolicyName('EC2InstanceProfileForImageBuilder'),
      ],
    });
  }

  #deleter(): iam.Role {
    return new iam.Role(this, 'DeleteRole', {
      assumedBy: new iam.ServicePrincipal('imagebuilder.amazonaws.com'),
      description: 'Takes away images of nodes that are no longer used',
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName(
          'service-role/EC2ImageBuilderLifecycleExecutionPolicy',
        ),
      ],
    });
  }
}

/** Source: EC2 Image Builder User Guide, component document schema 1.0. */
function componentDocument(install: readonly string[]) {
  const bash = (name: string, commands: readonly string[]) => ({
    name,
    action: 'ExecuteBash',
    // One script: what is set in one line holds in the next.
    inputs: { commands: [commands.join('\n')] },
  });
  return {
    name: 'SluiceNode',
    schemaVersion: '1.0',
    phases: [
      {
        name: 'build',
        steps: [
          bash('Install', [
            'set -euo pipefail',
            'export DEBIAN_FRONTEND=noninteractive',
            ...install,
          ]),
        ],
      },
      { name: 'validate', steps: [bash('Starts', ['/opt/sluice/bin/sluice --version'])] },
    ],
  };
}
