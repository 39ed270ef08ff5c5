import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { PORTS } from '../../node-image/contract';
import type { Domain } from '../domain';
import { SignalingEntry } from '../signaling-entry';
import type { ISignalingEntry } from '../signaling-entry-existing';
import { addRecords, urlOf } from './domain-config';
import type { MachineEntry } from './machine-entry';
import { Problems } from './validation';

/** How clients come in, and what machines have to do for it. */
export interface ClientEntry {
  /** The load balancer; none where machines are reached themselves. */
  readonly balancer?: ISignalingEntry;
  /** The load balancer, where it is made here. */
  readonly signalingEntry?: SignalingEntry;
  /** The name of TURN/TLS; undefined where there is no TLS. */
  readonly turnDomain?: string;
  /** Of the machine that ends TLS: certificate, chain and key. */
  readonly certificateSecret?: sm.ISecret;
  /** Whether clients reach the machine itself, whose address then has to stay. */
  readonly isOnMachine: boolean;
  /** For boot.json. */
  readonly machine: MachineEntry;
  /** Lets clients in to the machines; answers what clients are told. */
  attach(masters: EntryTarget): EntryAddress;
}

/** The machines that clients come in to. */
export interface EntryTarget extends ec2.IConnectable {
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** Their public addresses that stay. */
  readonly addresses: ec2.CfnEIP[];
}

/** What clients are told. */
export interface EntryAddress {
  readonly url: string;
  readonly domainName: string;
  readonly connections: ec2.Connections;
}

/** Through a load balancer, which has ended TLS and says who the client is. */
export function loadBalancerEntry(entry: ISignalingEntry, tls: boolean): ClientEntry {
  return {
    balancer: entry,
    isOnMachine: false,
    ...(entry instanceof SignalingEntry && { signalingEntry: entry }),
    ...(tls && { turnDomain: entry.domainName }),
    machine: {
      tls: false,
      port: PORTS.entryBehindBalancer,
      redirect: false,
      proxy_protocol: true,
      health_port: PORTS.entryHealth,
    },
    attach: (masters) => {
      entry.attachMasters(masters.autoScalingGroup);
      return entry;
    },
  };
}

/** Straight to the only machine, which ends TLS. */
export function masterNodeEntry(scope: Construct, domain: Domain): ClientEntry {
  const problems = new Problems(scope);
  const config = domain._bind(scope, 'machine', problems);
  problems.report();
  const tls = config.tls !== 'none';
  const { domainName, letsEncrypt, certificateSecret } = config;
  return {
    ...(tls && domainName !== undefined && { turnDomain: domainName }),
    ...(certificateSecret && { certificateSecret }),
    isOnMachine: true,
    machine: {
      tls,
      port: tls ? PORTS.entry : 80,
      redirect: tls,
      ...(letsEncrypt && {
        lets_encrypt: {
          domain: domainName ?? '',
          email: letsEncrypt.email,
          directory_url: letsEncrypt.directoryUrl,
          // Whoever uses such a domain does: its documentation says so.
          terms_agreed: true,
          // Without a zone nobody can point the name to the machine before it is there.
          awaited: config.zone !== undefined,
        },
      }),
    },
    attach: (masters) => {
      const everybody = [ec2.Peer.anyIpv4(), ec2.Peer.anyIpv6()];
      // 80 leads to 443, and is where Let's Encrypt asks for its proof.
      for (const port of tls ? [PORTS.entry, 80] : [80]) {
        for (const peer of everybody) {
          masters.connections.allowFrom(peer, ec2.Port.tcp(port), 'clients');
        }
      }
      const [address] = masters.addresses;
      const host = address?.attrPublicIp ?? domainName ?? '';
      if (address) {
        addRecords(scope, config, route53.RecordTarget.fromIpAddresses(address.attrPublicIp));
      }
      return {
        url: urlOf(config, host),
        domainName: domainName ?? host,
        connections: new ec2.Connections({
          defaultPort: ec2.Port.tcp(tls ? PORTS.entry : 80),
          securityGroups: masters.connections.securityGroups,
        }),
      };
    },
  };
}
