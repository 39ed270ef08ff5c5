import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import { Domain } from '../domain';
import type { MediaNodesOptions } from '../media-nodes-options';
import type { NodeArchitecture } from '../node-architecture';
import type { OnDeadline } from '../node-drain';

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
};

/**
 * Reads the configuration of the stack.
 *
 * @throws Error where it has keys that nobody reads, such as misspelt ones.
 */
export function programSettings(config = new pulumi.Config('sluice')): ProgramSettings {
  refuseUnknown();
  const number = (key: string) => config.getNumber(key);
  return {
    kind: config.get('kind') ?? 'elastic',
    location: config.get('location'),
    resourceGroupName: config.get('resourceGroup'),
    domain: domainOf(config),
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
  };
}

function domainOf(config: pulumi.Config): Domain {
  const domainName = config.get('domainName');
  if (domainName === undefined) return Domain.none();
  const zoneName = config.get('dnsZone');
  const resourceGroupName = config.get('dnsZoneResourceGroup');
  const zone = zoneName === undefined ? undefined : { zoneName, resourceGroupName };
  const pem = config.getSecret('certificatePem');
  if (pem !== undefined) return Domain.ownCertificate(domainName, pem, { zone });
  return Domain.letsEncrypt(domainName, {
    zone,
    termsAgreed: config.getBoolean('letsEncryptTermsAgreed') ?? false,
    email: config.get('letsEncryptEmail'),
  });
}

function refuseUnknown(): void {
  const unknown = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith('sluice:'))
    .map((key) => key.slice('sluice:'.length))
    .filter((key) => !Object.hasOwn(PROGRAM_KEYS, key));
  if (unknown.length === 0) return;
  throw new Error(
    `configuration: got ${unknown.map((key) => `sluice:${key}`).join(', ')}, allowed is one of ${Object.keys(PROGRAM_KEYS).join(', ')}; correct it by \`pulumi config rm\` and \`pulumi config set\``,
  );
}
