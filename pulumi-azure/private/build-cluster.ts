import * as resources from '@pulumi/azure-native/resources';
import * as pulumi from '@pulumi/pulumi';
import { BEHIND_OWN_HAPROXY, redisSettings } from '../../node-image/contract';
import type { ClusterOptions, MultiNodeClusterOptions } from '../cluster';
import type { ClusterEntry } from '../cluster-entry';
import { ClusterSecrets } from '../cluster-secrets';
import { LogGroup } from '../log-group';
import { MasterNodes, type MasterNodesArgs } from '../master-nodes';
import { MediaNodes } from '../media-nodes';
import { Network } from '../network';
import { type NodeSecrets, NodeSettings } from '../node-config';
import type { PlaceArgs } from '../place';
import type { RedisConnection } from '../redis-store-existing';
import type { StoredSecret } from '../stored-secret';
import { Turn, type TurnConfig } from '../turn';
import type { ClientEntry } from './client-entry';
import type { BindableImage } from './image-binding';
import { jobsOf } from './job-binding';
import { machineGroup } from './machine-group';
import { mediaTarget } from './media-target';
import { Problems } from './validation';

/** The parts of a cluster, wired. */
export interface ClusterParts {
  readonly mediaNodes: MediaNodes;
  readonly masterNodes: MasterNodes;
  readonly entry: ClientEntry;
}

/** What is different from one kind of cluster to the other. */
export interface ClusterShape {
  readonly entry: ClusterEntry;
  readonly masters: Pick<MasterNodesArgs, 'count' | 'dataVolume'>;
  /** Undefined: on the only Master Node. */
  readonly redis: RedisConnection | undefined;
  readonly network: Network;
  readonly secrets: ClusterSecrets;
  readonly place: PlaceArgs;
  readonly image: BindableImage;
  readonly logGroup: LogGroup | undefined;
}

/** Where a cluster is: the given resource group, or a new one. */
export function placeOf(
  name: string,
  { resourceGroupName, location, tags }: ClusterOptions,
  parent: pulumi.Resource,
): PlaceArgs {
  return {
    resourceGroupName: resourceGroupName ?? newGroup(name, { location, tags }, parent),
    location,
    tags,
  };
}

function newGroup(
  name: string,
  options: Pick<ClusterOptions, 'location' | 'tags'>,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  return new resources.ResourceGroup(name, options, { parent }).name;
}

/** The network of a cluster: the given one, or an own one. */
export function networkOf(
  name: string,
  { network, existingNetwork }: ClusterOptions,
  place: PlaceArgs,
  parent: pulumi.Resource,
): Network {
  const problems = new Problems(name);
  problems.atMostOne({ network, existingNetwork });
  problems.throwIfAny();
  return (
    network ?? new Network(`${name}-network`, { ...place, existing: existingNetwork }, { parent })
  );
}

/** The secrets of a cluster: generated, but for those that were given. */
export function secretsOf(
  name: string,
  { secrets }: ClusterOptions,
  place: PlaceArgs,
  parent: pulumi.Resource,
): ClusterSecrets {
  return new ClusterSecrets(`${name}-secrets`, { ...place, ...secrets }, { parent });
}

/** Where the journal is sent to, where that was asked for. */
export function logGroupOf(
  name: string,
  { logGroup }: ClusterOptions,
  place: PlaceArgs,
  parent: pulumi.Resource,
): LogGroup | undefined {
  if (logGroup === undefined) return undefined;
  return new LogGroup(`${name}-logs`, { ...place, ...logGroup }, { parent });
}

/** TURN for the nodes of a role. */
export function turnOf(
  name: string,
  { turn = Turn.onMediaNodes() }: ClusterOptions,
  role: 'single' | 'media',
  domainName: string | undefined,
): TurnConfig {
  const problems = new Problems(name);
  const config = turn._bind({ role, domainName }, problems);
  problems.throwIfAny();
  return config;
}

/** The certificate of the entry in Key Vault, where it is not from Let's Encrypt. */
export function certificateOf(
  name: string,
  { domain }: ClientEntry,
  secrets: ClusterSecrets,
): StoredSecret | undefined {
  if (domain.pem === undefined) return domain.certificate;
  return secrets.store(`${name}-certificate`, {
    secretName: 'certificate',
    value: domain.pem,
    contentType: 'application/x-pem-file',
  });
}

/** The secret of TURN servers of yours, in Key Vault. */
export function turnSecretOf(
  name: string,
  { secret }: TurnConfig,
  secrets: ClusterSecrets,
): StoredSecret | undefined {
  if (secret === undefined) return undefined;
  return secrets.store(`${name}-turn-secret`, {
    secretName: 'turn-secret',
    value: secret,
    contentType: 'text/plain',
  });
}

/** Master Nodes, Media Nodes and the way in, wired to each other and to Redis. */
export function buildCluster(
  name: string,
  args: MultiNodeClusterOptions & { readonly redisPassword?: pulumi.Input<string> },
  shape: ClusterShape,
  parent: pulumi.Resource,
): ClusterParts {
  const { network, secrets, place, redis, logGroup } = shape;
  const mediaPlace = {
    ...place,
    resourceGroupName:
      args.mediaResourceGroupName ??
      args.resourceGroupName ??
      newGroup(`${name}-media`, args, parent),
  };
  const target = mediaTarget(
    `${name}-media`,
    args.mediaNodes ?? {},
    { ...mediaPlace, subnetId: network.mediaSubnetId },
    parent,
  );
  const entry = shape.entry._bind(
    name,
    {
      ...place,
      domain: args.domain,
      rtmp: args.mediaNodes?.jobs?._takesRtmp === true,
      zones: args.masterNodes?.zones,
    },
    parent,
  );
  const jobs = jobsOf(
    name,
    args.mediaNodes?.jobs,
    {
      ...place,
      isOwnGroup: args.resourceGroupName === undefined,
      url: entry.url,
      tls: entry.domain.tls,
    },
    args.mediaNodes ?? {},
    parent,
  );
  const turn = turnOf(name, args, 'media', entry.turnDomain);
  const image = shape.image._bind(name, place, parent);
  const mediaGroup = machineGroup(`${name}-media`, mediaPlace, parent).id;
  const password = redis === undefined ? args.redisPassword : redis.password;
  const ofAll: NodeSecrets = {
    apiKey: secrets.apiKey,
    cluster: secrets.clusterSecret,
    ...(password !== undefined && {
      redis: secrets.store(`${name}-redis-password`, {
        secretName: 'redis-password',
        value: password,
        contentType: 'text/plain',
      }),
    }),
  };
  // So that clusters that share a Redis of yours are kept apart.
  const clusterName = `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
  const common = (where: RedisConnection): NodeSettings =>
    NodeSettings.fromObject(
      redisSettings({
        address: pulumi.interpolate`${where.host}:${where.port ?? 6379}`,
        tls: where.tls ?? true,
        username: where.username,
        clusterMode: where.clusterMode ?? false,
        clusterName,
      }),
    ).with(args.settings ?? NodeSettings.none());
  const onMaster = (host: pulumi.Input<string>): RedisConnection => ({ host, tls: false });

  const certificate = certificateOf(name, entry, secrets);
  const masterNodes = new MasterNodes(
    `${name}-masters`,
    {
      ...place,
      ...shape.masters,
      ...args.masterNodes,
      subnetId: network.masterSubnetId,
      secrets,
      nodeSecrets: { ...ofAll, ...(certificate && { certificate }) },
      mediaNodes: { target },
      ...(logGroup && { logGroup }),
      settings: NodeSettings.fromObject(BEHIND_OWN_HAPROXY)
        .with(redis ? common(redis) : NodeSettings.none())
        .with(turn.masterSettings ?? NodeSettings.none())
        .with(jobs?.settings('master') ?? NodeSettings.none())
        .with(args.masterNodes?.settings ?? NodeSettings.none()),
      _settingsWith: redis ? undefined : (address) => common(onMaster(address)),
      backendPoolId: entry.balancer?.backendPoolId,
      publicAddressId: entry.publicAddressId,
      clusterGroups: [mediaGroup],
      _entry: entry.machine,
      _image: args.masterNodes?.image ? undefined : image,
    },
    { parent },
  );
  const host = masterNodes.privateAddress ?? '';
  const turnSecret = turnSecretOf(name, turn, secrets);
  const mediaNodes = new MediaNodes(
    `${name}-media`,
    {
      ...mediaPlace,
      ...args.mediaNodes,
      subnetId: network.mediaSubnetId,
      secrets,
      nodeSecrets: { ...ofAll, ...(turnSecret && { turn: turnSecret }) },
      settings: common(redis ?? onMaster(host))
        .with(turn.settings)
        .with(args.mediaNodes?.settings ?? NodeSettings.none()),
      clusterGroups: [masterNodes.applicationSecurityGroupId],
      ...(logGroup && { logGroup }),
      _jobs: jobs,
      _target: target,
      _group: mediaGroup,
      _closedPorts: turn.closedPorts,
      _image: args.mediaNodes?.image ? undefined : image,
    },
    { parent },
  );
  return { mediaNodes, masterNodes, entry };
}
