import { Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import { PORTS } from '../../node-image/contract';
import type { ClusterOptions, MultiNodeClusterOptions } from '../cluster';
import type { ClusterEntry } from '../cluster-entry';
import { ClusterSecrets } from '../cluster-secrets';
import { MasterNodes, type MasterNodesProps } from '../master-nodes';
import { MediaNodes } from '../media-nodes';
import { Network } from '../network';
import { type NodeSecrets, NodeSettings } from '../node-config';
import type { IRedisStore } from '../redis-store-existing';
import { StaticAddresses } from '../static-addresses';
import { Turn } from '../turn';
import type { ClientEntry, EntryAddress } from './client-entry';
import { BEHIND_OWN_HAPROXY, redisSettings } from './cluster-settings';
import type { TurnConfig } from './turn-config';
import { Problems } from './validation';

/** What is different from one kind of cluster to the other. */
export interface ClusterShape {
  readonly entry: ClusterEntry;
  /** What Master Nodes are, beside what was asked for. */
  readonly masters: Partial<MasterNodesProps>;
  readonly redis: IRedisStore;
}

/** The parts of a cluster, wired. */
export interface ClusterParts {
  readonly mediaNodes: MediaNodes;
  readonly masterNodes: MasterNodes;
  readonly entry: ClientEntry;
  readonly address: EntryAddress;
}

/** The network of a cluster: the given one, or an own one, in the given VPC or in an own one. */
export function networkOf(scope: Construct, { vpc, network }: ClusterOptions): Network {
  const problems = new Problems(scope);
  problems.atMostOne({ vpc, network });
  problems.report();
  return network ?? new Network(scope, 'Network', { ...(vpc && { vpc }) });
}

/** The secrets of a cluster, or of its only node: generated, but for those that were given. */
export function secretsOf(
  scope: Construct,
  { secrets, encryptionKey }: ClusterOptions,
  of: 'cluster' | 'single node' = 'cluster',
): ClusterSecrets {
  return new ClusterSecrets(scope, 'Secrets', {
    ...(encryptionKey && { encryptionKey }),
    ...secrets,
    _isSingle: of === 'single node',
  });
}

/** What every node of a cluster is made with, unless it was said otherwise for its kind. */
export function commonOptions({ image, encryptionKey, logGroup }: ClusterOptions) {
  return {
    ...(image && { image }),
    ...(encryptionKey && { encryptionKey }),
    ...(logGroup && { logGroup }),
  };
}

/** TURN for the nodes of a role. */
export function turnOf(
  scope: Construct,
  { turn = Turn.onMediaNodes() }: ClusterOptions,
  role: 'single' | 'media',
  domainName: string | undefined,
): TurnConfig {
  const problems = new Problems(scope);
  const config = turn._bind(scope, { role, domainName }, problems);
  problems.report();
  return config;
}

/** Media Nodes, Master Nodes and the way in, wired to each other and to Redis. */
export function buildCluster(
  scope: Construct,
  props: MultiNodeClusterOptions,
  { network, secrets }: { network: Network; secrets: ClusterSecrets },
  shape: ClusterShape,
): ClusterParts {
  const { vpc } = network;
  const { redis } = shape;
  const rtmp = props.mediaNodes?.jobs?._rtmp ?? false;
  const entry = shape.entry._bind(scope, { network, domain: props.domain, rtmp });
  const turn = turnOf(scope, props, 'media', entry.turnDomain);
  const { certificateSecret: certificate } = entry;
  const common = redisSettings(scope, redis).with(props.settings ?? NodeSettings.none());
  const ofAll: NodeSecrets = {
    apiKey: secrets.apiKey,
    ...(secrets.clusterSecret && { cluster: secrets.clusterSecret }),
    ...(redis.authSecret && { redis: redis.authSecret }),
  };

  const mediaNodes = new MediaNodes(scope, 'MediaNodes', {
    ...commonOptions(props),
    ...props.mediaNodes,
    vpc,
    vpcSubnets: { subnets: network.mediaSubnets.subnets },
    settings: common.with(turn.settings).with(props.mediaNodes?.settings ?? NodeSettings.none()),
    secrets: { ...ofAll, ...(turn.secret && { turn: turn.secret }) },
    _closedPorts: turn.closedPorts,
    _jobsEntry: entry,
  });
  const masterNodes = new MasterNodes(scope, 'MasterNodes', {
    ...commonOptions(props),
    ...shape.masters,
    ...(entry.isOnMachine && { staticAddresses: StaticAddresses.allocate(1) }),
    ...props.masterNodes,
    vpc,
    vpcSubnets: { subnets: network.masterSubnets.subnets },
    mediaNodes,
    settings: common
      .with(BEHIND_OWN_HAPROXY)
      .with(turn.masterSettings ?? NodeSettings.none())
      .with(props.masterNodes?.settings ?? NodeSettings.none()),
    secrets: { ...ofAll, ...(certificate && { certificate }) },
    _entry: entry.machine,
  });

  if (turn.masterSettings) {
    // Also where security groups of yours do not let everybody in to it.
    const port = ec2.Port.tcp(PORTS.turn);
    mediaNodes.connections.allowFrom(masterNodes, port, 'TURN/TLS that Master Nodes pass on');
  }
  redis.connections.allowDefaultPortFrom(masterNodes, 'Master Nodes');
  redis.connections.allowDefaultPortFrom(mediaNodes, 'Media Nodes');
  return { mediaNodes, masterNodes, entry, address: entry.attach(masterNodes) };
}

/** A zone that only the VPC sees, in which the only Master Node writes where it is. */
export function masterZone(
  scope: Construct,
  vpc: ec2.IVpc,
): { zone: route53.IHostedZone; name: string } {
  const { stackName } = Stack.of(scope);
  // With the name of the stack, as several stacks of one app may share a VPC.
  const stack = Token.isUnresolved(stackName) ? '' : `${stackName.toLowerCase().slice(0, 50)}-`;
  const zoneName = `${stack}${scope.node.addr.slice(-8)}.sluice.internal`;
  const zone = new route53.PrivateHostedZone(scope, 'Zone', {
    vpc,
    zoneName,
    comment: 'Where the Master Node of a Sluice cluster is',
  });
  return { zone, name: `master.${zoneName}` };
}
