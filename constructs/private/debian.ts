import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** The root device of Debian's images. */
export const DEBIAN_ROOT_DEVICE = '/dev/xvda';

/**
 * Debian's newest image of Debian 12 in the region of the stack, by the public SSM parameter that
 * Debian keeps: read while the stack is deployed, so nothing has to be looked up at synthesis.
 *
 * Source: https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
 */
export function debianImage(architecture: ec2.InstanceArchitecture): ec2.IMachineImage {
  const name = architecture === ec2.InstanceArchitecture.ARM_64 ? 'arm64' : 'amd64';
  return ec2.MachineImage.fromSsmParameter(`/aws/service/debian/release/12/latest/${name}`, {
    os: ec2.OperatingSystemType.LINUX,
  });
}
