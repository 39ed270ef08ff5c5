import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import type { Domain } from '../domain';
import type { LogGroupOptions } from '../log-group';
import type { MediaNodesOptions } from '../media-nodes-options';
import type { NodeArchitecture } from '../node-architecture';
import type { OnDeadline } from '../node-drain';
import type { AlarmOptions } from '../observability';
import { Problems } from '../private/validation';
import { programDomain } from './domain';

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
  mediaNodesTargetLoad: `load that the cluster is kept below by growing; ${DEPLOYMENT_DEFAULTS.targetLoad}`,
  mediaNodesHeadroomRooms: `new Rooms that fit at any time; ${DEPLOYMENT_DEFAULTS.headroomRooms}`,
  drainPatienceMinutes: `how long Rooms may end by themselves; ${DEPLOYMENT_DEFAULTS.patienceMinutes}`,
  drainDeadlineMinutes: `how long leaving may take in all; ${DEPLOYMENT_DEFAULTS.deadlineMinutes}`,
  drainOnDeadline: 'force or keep; force',
  logRetentionDays:
    'for how long a workspace keeps the journal, 4 to 730; it stays on the machines',
  logWorkspaceId: 'id of a Log Analytics workspace of yours for the journal; one of its own',
  alarmEmails: 'addresses that alarms write to, joined by commas; no alarms',
  alarmActionGroupIds: 'ids of action groups that alarms tell, joined by commas; no alarms',
  alarmFullAtCpu: 'CPU of full Media Nodes that alarms tell of, in percent; 70',
};

/** What a Single Node has not. */
const OF_CLUSTERS = ['alarmEmails', 'alarmActionGroupIds', 'alarmFullAtCpu'] as const;

/**
 * Reads the configuration of the stack.
 *
 * @throws RunError that names all that contradicts, and keys that nobody reads, such as misspelt ones.
 */
export function programSettings(config = new pulumi.Config('sluice')): ProgramSettings {
  const problems = new Problems('configuration');
  refuseUnknown(problems);
  const number = (key: string) => config.getNumber(key);
  const kind = config.get('kind') ?? 'elastic';
  problems.check(['elastic', 'highAvailability', 'singleNode'].includes(kind), {
    what: 'sluice:kind',
    given: JSON.stringify(kind),
    allowed: 'elastic, highAvailability or singleNode',
    fix: 'correct it by `pulumi config set sluice:kind`',
  });
  if (kind === 'singleNode') refuseOfClusters(config, problems);
  const domain = programDomain(config, problems);
  problems.throwIfAny();
  return {
    kind,
    location: config.get('location'),
    resourceGroupName: config.get('resourceGroup'),
    domain,
    zones: config.getObject<string[]>('zones'),
    masterVmSize: config.get('masterNodesVmSize'),
    mediaNodes: {
      vmSize: config.get('mediaNodesVmSize'),
      architecture: config.get<NodeArchitecture>('mediaNodesArchitecture'),
      initialCapacity: number('mediaNodesInitialCapacity'),
      minCapacity: number('mediaNodesMinCapacity'),
      maxCapacity: number('mediaNodesMaxCapacity'),
      scaling: {
        targetLoad: number('mediaNodesTargetLoad'),
        headroomRooms: number('mediaNodesHeadroomRooms'),
      },
      drain: {
        patienceMinutes: number('drainPatienceMinutes'),
        deadlineMinutes: number('drainDeadlineMinutes'),
        onDeadline: config.get<OnDeadline>('drainOnDeadline'),
      },
    },
    logGroup: given({
      retentionDays: number('logRetentionDays'),
      existingWorkspaceId: config.get('logWorkspaceId'),
    }),
    alarms: given({
      emails: list(config, 'alarmEmails'),
      actions: list(config, 'alarmActionGroupIds'),
      fullAtCpu: number('alarmFullAtCpu'),
    }),
  };
}

/** The options, where one of them was given. */
function given<T extends object>(options: T): T | undefined {
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}

/** `a,b`, or the JSON that `pulumi config set --path 'sluice:KEY[0]' a` makes. */
function list(config: pulumi.Config, key: string): readonly string[] | undefined {
  const text = config.get(key);
  if (text === undefined) return undefined;
  if (text.startsWith('[')) return config.getObject<string[]>(key);
  return text.split(',').map((each) => each.trim());
}

function refuseUnknown(problems: Problems): void {
  const unknown = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith('sluice:'))
    .filter((key) => !Object.hasOwn(PROGRAM_KEYS, key.slice('sluice:'.length)));
  problems.check(unknown.length === 0, {
    what: 'keys',
    given: unknown.join(', '),
    allowed: `one of ${Object.keys(PROGRAM_KEYS).join(', ')}`,
    fix: 'correct it by `pulumi config rm` and `pulumi config set`',
  });
}

function refuseOfClusters(config: pulumi.Config, problems: Problems): void {
  for (const key of OF_CLUSTERS) {
    problems.check(config.get(key) === undefined, {
      what: `sluice:${key}`,
      given: String(config.get(key)),
      allowed: 'a cluster: a Single Node has no alarms',
      fix: `take it back by \`pulumi config rm sluice:${key}\`, or set sluice:kind to elastic`,
    });
  }
}
