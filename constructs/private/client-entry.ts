import { Lazy } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { PORTS } from '../../node-image/contract';
import type { Domain } from '../domain';
import type { Network } from '../network';
import { SignalingEntry } from '../signaling-entry';
import type { ISignalingEntry } from '../signaling-entry-existing';
import { addRecords, urlOf } from './domain-config';
import type { JobsEntry } from './jobs-config';
import type { MachineEntry } from './machine-entry';
import { rtmpPorts } from './rtmp-listeners';
import { Problems } from './validation';

/** What an entry is made for. */
export interface EntrySurroundings {
  readonly network: Network;
  readonly domain: Domain;
  /** Whether encoders are to be let in too. */
  readonly rtmp: boolean;
}

/** How clients come in, and what machines have to do for it. */
export interface ClientEntry extends JobsEntry {
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
    host: entry.domainName,
    tls,
    // Which takes the PROXY header of the load balancer, and says to the node who the client is.
    rtmpByHaproxy: true,
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
export function masterNodeEntry(scope: Construct, domain: Domain, rtmp: boolean): ClientEntry {
  const problems = new Problems(scope);
  const config = domain._bind(scope, 'machine', problems);
  problems.report();
  const tls = config.tls !== 'none';
  const { domainName, letsEncrypt, certificateSecret } = config;
  let staying: ec2.CfnEIP | undefined;
  const host =
    domainName ??
    // The machines, whose address it is, are made after what is told of it. The revision of a
    // configuration is made before; it then has this word in it, the same each time.
    Lazy.uncachedString({ produce: () => staying?.attrPublicIp ?? 'its-address' });
  return {
    host,
    tls,
    rtmpByHaproxy: tls,
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
      const ports = [...(tls ? [PORTS.entry, 80] : [80]), ...(rtmp ? rtmpPorts(tls) : [])];
      for (const port of ports) {
        for (const peer of everybody) {
          masters.connections.allowFrom(peer, ec2.Port.tcp(port), 'clients');
        }
      }
      const [address] = masters.addresses;
      staying = address;
      const given = address?.attrPublicIp ?? domainName ?? '';
      if (address) {
        addRecords(scope, config, route53.RecordTarget.fromIpAddresses(address.attrPublicIp));
      }
      return {
        url: urlOf(config, given),
        domainName: domainName ?? given,
        connections: new ec2.Connections({
          defaultPort: ec2.Port.tcp(tls ? PORTS.entry : 80),
          securityGroups: masters.connections.securityGroups,
        }),
      };
    },
  };
}
