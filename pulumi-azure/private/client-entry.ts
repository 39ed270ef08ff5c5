import * as pulumi from '@pulumi/pulumi';
import type { Domain } from '../domain';
import type { PlaceArgs } from '../place';
import type { SignalingEntry } from '../signaling-entry';
import { addRecord, type DomainConfig } from './domain-config';
import { entryPorts, type MachineEntry, machineEntry, schemeOf } from './machine-entry';
import { publicAddress } from './public-address';
import { Problems } from './validation';

/** How clients come in, and what machines have to do for it. */
export interface ClientEntry {
  readonly domain: DomainConfig;
  readonly url: pulumi.Output<string>;
  readonly domainName: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  /** The name of TURN/TLS; undefined where there is no TLS. */
  readonly turnDomain?: string;
  /** For boot.json, and the ports to open. */
  readonly machine: { readonly machine: MachineEntry; readonly ports: readonly number[] };
  /** The load balancer; none where machines are reached themselves. */
  readonly balancer?: SignalingEntry;
  /** Of the machine itself. */
  readonly publicAddressId?: pulumi.Output<string>;
}

/** Through a load balancer, which passes TCP on. */
export function balanced(balancer: SignalingEntry, choice: Domain, name: string): ClientEntry {
  const domain = bound(choice, name);
  const { url, domainName, address, takesRtmp } = balancer;
  return { ...common(domain, true, takesRtmp), domain, url, domainName, address, balancer };
}

/** Straight to the only machine. */
export function onMachine(
  name: string,
  args: PlaceArgs & {
    readonly domain: Domain;
    readonly rtmp: boolean;
    readonly publicIpAddressId?: pulumi.Input<string>;
    readonly zones?: readonly string[];
  },
  parent: pulumi.Resource,
): ClientEntry {
  const domain = bound(args.domain, name);
  const { id, address } = publicAddress(`${name}-entry`, args, parent);
  const { resourceGroupName } = args;
  addRecord(`${name}-entry`, domain, { address, resourceGroupName }, parent);
  const domainName = pulumi.output(domain.domainName ?? address);
  return {
    ...common(domain, false, args.rtmp),
    domain,
    url: pulumi.interpolate`${schemeOf(domain)}://${domainName}`,
    domainName,
    address,
    publicAddressId: id,
  };
}

function common(domain: DomainConfig, isBalanced: boolean, takesRtmp: boolean) {
  return {
    ...(domain.tls && { turnDomain: domain.domainName }),
    machine: { machine: machineEntry(domain, isBalanced), ports: entryPorts(domain, takesRtmp) },
  };
}

function bound(choice: Domain, name: string): DomainConfig {
  const problems = new Problems(name);
  const domain = choice._bind(problems);
  problems.throwIfAny();
  return domain;
}
