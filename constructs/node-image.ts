import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { NodeArchitecture } from './node-architecture';
import { BakedImage } from './private/baked-image';
import { DEBIAN_ROOT_DEVICE, debianImage } from './private/debian';
import type { NodeImageConfig, NodeImageTarget } from './private/image-binding';
import { grantFiles, installFromAsset, nodeFiles } from './private/node-files';

export { NodeArchitecture, NodeRole } from './node-architecture';

/** How `NodeImage.fromAsset()` prepares machines. */
export interface AssetImageOptions {
  /**
   * The Debian 12 that machines start from.
   *
   * @default - Debian's own newest image of the region, by its public SSM parameter
   */
  readonly machineImage?: ec2.IMachineImage;
}

/** How `NodeImage.baked()` makes the image. */
export interface BakedImageOptions {
  /**
   * The Debian 12 that the image is made from, for the architecture of the machines.
   *
   * @default - Debian's own newest image of the region, by its public SSM parameter
   */
  readonly machineImage?: ec2.IMachineImage;

  /**
   * The machine that bakes x86 images; runs for some 15 minutes a build, and costs that.
   *
   * @default c7i.large
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * The machine that bakes Graviton images.
   *
   * @default c7g.large
   */
  readonly armInstanceType?: ec2.InstanceType;

  /**
   * Where it bakes: a subnet with a way to the internet.
   *
   * @default - the default VPC of the account
   */
  readonly subnet?: ec2.ISubnet;

  /**
   * Security groups of the machine that bakes, needed with `subnet`; nothing has to reach it.
   *
   * @default - the default security group
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * Key that the image's disk is encrypted with.
   *
   * @default - the account's key for EBS
   */
  readonly encryptionKey?: kms.IKey;
}

/** What is known of an image that was made elsewhere. */
export interface AmiImageOptions {
  /**
   * The architecture that the image is for; machines of another are refused.
   *
   * @default - that of the machines
   */
  readonly architecture?: NodeArchitecture;

  /**
   * Name of the image's root device; another one leaves the disk as it is in the image.
   *
   * @default /dev/xvda
   */
  readonly rootDevice?: string;
}

/**
 * What the machines of a cluster boot: how the node's software comes onto them.
 */
export abstract class NodeImage {
  /**
   * Debian 12, onto which each machine installs the node's software at first boot. Works with
   * nothing prepared; a machine serves after 2 to 3 minutes.
   */
  static fromAsset(options: AssetImageOptions = {}): NodeImage {
    return new AssetImage(options);
  }

  /**
   * An image that EC2 Image Builder makes while the stack is deployed: the first deployment and
   * each new version take some 15 minutes longer, machines then serve in about a minute. Costs the
   * machine that bakes, and 0.05 USD a GB and month for each image kept; with `jobs` there are two.
   */
  static baked(options: BakedImageOptions = {}): NodeImage {
    return new BakedNodeImage(options);
  }

  /**
   * An image made elsewhere, with the node's software in it; for `jobs` made by `install.sh --jobs`.
   *
   * @param image The image; `MachineImage.genericLinux()` and `fromSsmParameter()` need no look-up.
   */
  static fromAmi(image: ec2.IMachineImage, options: AmiImageOptions = {}): NodeImage {
    return new AmiImage(image, options);
  }

  /** The architecture that the image is for, where it is for one only. */
  abstract readonly architecture?: NodeArchitecture;

  /** @internal */
  abstract _bind(scope: Construct, target: NodeImageTarget): NodeImageConfig;
}

class AssetImage extends NodeImage {
  override readonly architecture?: NodeArchitecture;

  constructor(private readonly options: AssetImageOptions) {
    super();
  }

  override _bind(scope: Construct, target: NodeImageTarget): NodeImageConfig {
    const files = nodeFiles(scope);
    return {
      machineImage: this.options.machineImage ?? debianImage(target.architecture),
      rootDevice: DEBIAN_ROOT_DEVICE,
      installScript: installFromAsset(files, target.installOptions),
      grantRead: (grantee) => {
        grantFiles(files, grantee);
      },
    };
  }
}

class BakedNodeImage extends NodeImage {
  override readonly architecture?: NodeArchitecture;

  constructor(private readonly options: BakedImageOptions) {
    super();
  }

  override _bind(scope: Construct, target: NodeImageTarget): NodeImageConfig {
    const isArm = target.architecture === ec2.InstanceArchitecture.ARM_64;
    const { instanceType, armInstanceType, machineImage, ...rest } = this.options;
    // Master Nodes have no use for what jobs need: where there are any, there are two images.
    const jobs = target.installOptions.length > 0 ? 'Jobs' : '';
    const baked = BakedImage.once(scope, `SluiceImage${isArm ? 'Arm64' : 'X86'}${jobs}`, {
      ...rest,
      installOptions: target.installOptions,
      machineImage: machineImage ?? debianImage(target.architecture),
      instanceType: isArm
        ? (armInstanceType ?? new ec2.InstanceType('c7g.large'))
        : (instanceType ?? new ec2.InstanceType('c7i.large')),
    });
    return {
      machineImage: baked.machineImage,
      rootDevice: DEBIAN_ROOT_DEVICE,
      installScript: [],
      grantRead: () => {},
    };
  }
}

class AmiImage extends NodeImage {
  override readonly architecture?: NodeArchitecture;

  constructor(
    private readonly image: ec2.IMachineImage,
    private readonly options: AmiImageOptions,
  ) {
    super();
    if (options.architecture) this.architecture = options.architecture;
  }

  override _bind(): NodeImageConfig {
    return {
      machineImage: this.image,
      rootDevice: this.options.rootDevice ?? DEBIAN_ROOT_DEVICE,
      installScript: [],
      grantRead: () => {},
    };
  }
}
