import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import type { Domain } from '../domain';
import type { Jobs } from '../jobs';
import type { LogGroupOptions } from '../log-group';
import type { MediaNodesOptions } from '../media-nodes-options';
import type { NodeArchitecture } from '../node-architecture';
import type { OnDeadline } from '../node-drain';
import type { AlarmOptions } from '../observability';
import { Problems } from '../private/validation';
import { programDomain } from './domain';
import { programJobs } from './jobs';
import { StackConfig } from './stack-config';

/** What `pulumi config set sluice:KEY` takes. */
export interface ProgramSettings {
  /** `elastic`, `highAvailability` or `singleNode`. */
  readonly kind: string;
  readonly location: string | undefined;
  readonly resourceGroupName: string | undefined;
  readonly domain: Domain;
  readonly zones: readonly string[] | undefined;
  readonly masterVmSize: string | undefined;
  readonly mediaNodes: MediaNodesOptions;
  /** Undefined: there are none. */
  readonly jobs: Jobs | undefined;
  /** Whether the disk of an Elastic cluster, and recordings, outlive the stack. */
  readonly retainData: boolean;
  /** Undefined: the journal stays on the machines. */
  readonly logGroup: LogGroupOptions | undefined;
  /** Undefined: there are none. */
  readonly alarms: AlarmOptions | undefined;
}

/** The keys, with their meaning and default: `pulumi config set sluice:mediaNodesMaxCapacity 10`. */
export const PROGRAM_KEYS: Readonly<Record<string, string>> = {
  kind: 'elastic, highAvailability or singleNode; elastic',
  location: 'region; azure-native:location',
  resourceGroup: 'a resource group of yours; a new one',
  zones: "zones of the region, such as ['1','2']; 1, 2 and 3",
  domainName: 'name that clients use; none: plain HTTP at the address, for tests',
  dnsZone: 'zone of Azure DNS that the name is in; the record is made by you',
  dnsZoneResourceGroup: 'resource group of the zone; that of the cluster',
  letsEncryptTermsAgreed: 'true, once you have read letsencrypt.org/repository; false',
  letsEncryptEmail: 'whom it writes to; nobody',
  certificatePem: "a certificate of yours, its chain and key (--secret); from Let's Encrypt",
  certificateVaultId: "id of a Key Vault of yours that has the certificate; from Let's Encrypt",
  certificateName: 'its name in that vault, kept as PEM; none',
  masterNodesVmSize: 'size of Master Nodes; Standard_F2s_v2',
  mediaNodesVmSize: 'size of Media Nodes, and of a Single Node; Standard_F4s_v2',
  mediaNodesArchitecture: 'x86_64 or arm64; that of the size',
  mediaNodesInitialCapacity: 'Media Nodes when the set is made; mediaNodesMinCapacity',
  mediaNodesMinCapacity: `Media Nodes at least; ${DEPLOYMENT_DEFAULTS.minCapacity}`,
  mediaNodesMaxCapacity: `Media Nodes at most; ${DEPLOYMENT_DEFAULTS.maxCapacity}`,
  mediaNodesJobs:
    "builtIn records, streams out and takes streams in; liveKit has LiveKit's own services do so; none",
  jobsRtmp: 'true takes encoders by RTMP; false',
  jobsQueueMinutes: 'how long a job waits for a machine with room; it is refused at once',
  recordingsRetentionDays: 'days after which recordings are deleted; never',
  recordingsContainerId: 'id of a container of yours for recordings; a new one',
  egressImage: 'image of livekit/egress, with tag or digest; none',
  ingressImage: 'image of livekit/ingress, with tag or digest; none',
  jobsRtmpUrl: 'what encoders are told that come to livekit/ingress; none come',
  registryId: 'id of the Azure Container Registry that the images are in; none',
  registrySecretVaultId: 'id of a Key Vault of yours that has the login at another registry; none',
  registrySecretName: 'its name in that vault; none',
  mediaNodesTargetLoad: `load that the cluster is kept below by growing; ${DEPLOYMENT_DEFAULTS.targetLoad}`,
  mediaNodesHeadroomRooms: `new Rooms that fit at any time; ${DEPLOYMENT_DEFAULTS.headroomRooms}`,
  drainPatienceMinutes: `how long Rooms may end by themselves; ${DEPLOYMENT_DEFAULTS.patienceMinutes}`,
  drainDeadlineMinutes: `how long leaving may take in all; ${DEPLOYMENT_DEFAULTS.deadlineMinutes}`,
  drainOnDeadline: 'force or keep; force',
  retainData:
    'true keeps data disk and recordings of a deleted stack; as resourceGroup is one of yours or not',
  logRetentionDays:
    'for how long a workspace keeps the journal, 4 to 730; it stays on the machines',
  logWorkspaceId: 'id of a Log Analytics workspace of yours for the journal; one of its own',
  alarmEmails: 'addresses that alarms write to, joined by commas; no alarms',
  alarmActionGroupIds: 'ids of action groups that alarms tell, joined by commas; no alarms',
  alarmFullAtCpu: 'CPU of full Media Nodes that alarms tell of, in percent; 70',
};

const KINDS = ['elastic', 'highAvailability', 'singleNode'] as const;

/** What a Single Node has not. */
const OF_CLUSTERS = /^(?:alarm|drain|masterNodes|mediaNodes(?!VmSize$|Architecture$|Jobs$))/;

/**
 * Reads the configuration of the stack.
 *
 * @throws RunError that names all that is of no use in it, and keys that nobody reads, such as misspelt ones.
 */
export function programSettings(config = new pulumi.Config('sluice')): ProgramSettings {
  const problems = new Problems('configuration');
  const read = new StackConfig(config, problems, Object.keys(PROGRAM_KEYS));
  const kind = read.oneOf('kind', KINDS) ?? 'elastic';
  if (kind === 'singleNode') refuseOfClusters(read, problems);
  const isOwn = read.text('resourceGroup') === undefined;
  // Who deletes a stack for trying it out looks for nothing that is left in groups of its own.
  const retainData = read.flag('retainData') ?? !isOwn;
  const settings: ProgramSettings = {
    kind,
    location: read.text('location'),
    resourceGroupName: read.text('resourceGroup'),
    domain: programDomain(read, problems),
    zones: read.list('zones'),
    masterVmSize: read.text('masterNodesVmSize'),
    mediaNodes: {
      vmSize: read.text('mediaNodesVmSize'),
      architecture: read.oneOf<NodeArchitecture>('mediaNodesArchitecture', ['x86_64', 'arm64']),
      initialCapacity: read.number('mediaNodesInitialCapacity'),
      minCapacity: read.number('mediaNodesMinCapacity'),
      maxCapacity: read.number('mediaNodesMaxCapacity'),
      scaling: {
        targetLoad: read.number('mediaNodesTargetLoad'),
        headroomRooms: read.number('mediaNodesHeadroomRooms'),
      },
      drain: {
        patienceMinutes: read.number('drainPatienceMinutes'),
        deadlineMinutes: read.number('drainDeadlineMinutes'),
        onDeadline: read.oneOf<OnDeadline>('drainOnDeadline', ['force', 'keep']),
      },
    },
    jobs: programJobs(read, retainData, problems),
    retainData,
    logGroup: given({
      retentionDays: read.number('logRetentionDays'),
      existingWorkspaceId: read.text('logWorkspaceId'),
    }),
    alarms: given({
      emails: read.list('alarmEmails'),
      actions: read.list('alarmActionGroupIds'),
      fullAtCpu: read.number('alarmFullAtCpu'),
    }),
  };
  problems.throwIfAny();
  return settings;
}

/** The options, where one of them was given. */
function given<T extends object>(options: T): T | undefined {
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}

function refuseOfClusters(read: StackConfig, problems: Problems): void {
  for (const key of Object.keys(PROGRAM_KEYS).filter((each) => OF_CLUSTERS.test(each))) {
    const value = read.text(key);
    problems.check(value === undefined, {
      what: `sluice:${key}`,
      given: String(value),
      allowed: 'a cluster: a Single Node has none of it',
      fix: `take it back by \`pulumi config rm sluice:${key}\`, or set sluice:kind to elastic`,
    });
  }
}
