import { Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StaticAddresses } from '../static-addresses';
import { NODES_TAG } from './node-machines';

/** Elastic IP addresses that machines of a group may take have this tag, by the pool's name. */
export const POOL_TAG = 'sluice:address-pool';

/** The Elastic IP addresses of a group's machines; none where they were not asked for. */
export class AddressPool extends Construct {
  readonly addresses: ec2.CfnEIP[];
  /** What boot.json says of it. */
  readonly boot: { readonly static_addresses?: { readonly tag: string } };

  readonly #pool: string | undefined;

  constructor(scope: Construct, id: string, asked: StaticAddresses | undefined, group: string) {
    super(scope, id);
    this.#pool = asked && (asked._pool ?? group);
    this.boot =
      this.#pool === undefined ? {} : { static_addresses: { tag: `${POOL_TAG}=${this.#pool}` } };
    this.addresses = Array.from({ length: asked?._count ?? 0 }, (_, i) => {
      const address = new ec2.CfnEIP(this, `Address${i}`, { domain: 'vpc' });
      Tags.of(address).add(POOL_TAG, group);
      return address;
    });
  }

  /** Lets machines of the group take a free address at boot. */
  grantTake(role: iam.IRole, group: string): void {
    if (this.#pool === undefined) return;
    const take = (resource: string, tag?: readonly [string, string]) =>
      role.addToPrincipalPolicy(
        new iam.PolicyStatement({
          actions: ['ec2:AssociateAddress'],
          resources: [Stack.of(this).formatArn({ service: 'ec2', resource, resourceName: '*' })],
          ...(tag
            ? { conditions: { StringEquals: { [`aws:ResourceTag/${tag[0]}`]: tag[1] } } }
            : {}),
        }),
      );
    take('elastic-ip', [POOL_TAG, this.#pool]);
    take('instance', [NODES_TAG, group]);
    // The same call names the machine's interface, which has no tags.
    take('network-interface');
    role.addToPrincipalPolicy(
      // DescribeAddresses has no resource level.
      new iam.PolicyStatement({ actions: ['ec2:DescribeAddresses'], resources: ['*'] }),
    );
  }
}
