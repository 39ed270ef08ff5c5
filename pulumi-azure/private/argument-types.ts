import * as pulumi from '@pulumi/pulumi';
import { asJson } from '../../node-image/contract';
import type { Problems } from './validation';

/** What a value has to be. */
interface Kind {
  /** In words. */
  readonly allowed: string;
  holds(value: unknown): boolean;
  /** Of what is in it. */
  readonly members?: Kinds;
  /** It is a secret, and not shown. */
  readonly isSecret?: boolean;
}

/** By option. Numbers and plain texts are not here: whoever checks their bounds says what they are. */
type Kinds = Readonly<Record<string, Kind>>;

type Values = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isLater = (value: unknown) => pulumi.Output.isInstance(value) || value instanceof Promise;

/** Options, each with its own kind. */
const options = (members: Kinds): Kind => ({ allowed: 'options, { … }', holds: isObject, members });

/** What has these properties; another copy of the package makes it as well. */
const part = (allowed: string, ...properties: readonly string[]): Kind => ({
  allowed,
  holds: (value) => isObject(value) && properties.every((each) => each in value),
});

const input = (type: 'string' | 'number', allowed: string): Kind => ({
  allowed: `${allowed}, or an Input of it`,
  holds: (value) => typeof value === type || isLater(value),
});

const TEXT = input('string', 'a text');
const SECRET: Kind = { ...TEXT, isSecret: true };
const BOOLEAN: Kind = {
  allowed: 'true or false',
  holds: (value) => typeof value === 'boolean',
};
const TEXTS: Kind = {
  allowed: 'a list of texts',
  holds: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
};
const TAGS: Kind = {
  allowed: 'an object with a text for each tag, or an Input of it',
  holds: (value) =>
    isLater(value) || (isObject(value) && Object.values(value).every((tag) => TEXT.holds(tag))),
};
const IMAGE = part('a NodeImage such as NodeImage.fromImage(id)', '_bind');
const SETTINGS = part('NodeSettings such as NodeSettings.fromObject({ … })', 'values', 'with');
const IDENTITY = part(
  'an identity with id, principalId and clientId',
  'id',
  'principalId',
  'clientId',
);

const JOBS = part('Jobs such as Jobs.builtIn()', '_bind', '_check');

const MACHINE: Kinds = {
  image: IMAGE,
  settings: SETTINGS,
  networkSecurityGroupId: TEXT,
  identity: IDENTITY,
  encryptionAtHost: BOOLEAN,
  sshPublicKey: TEXT,
  zones: TEXTS,
};

const COMMON: Kinds = {
  domain: part('a Domain such as Domain.dnsZone() or Domain.none()', '_bind'),
  resourceGroupName: TEXT,
  location: TEXT,
  tags: TAGS,
  existingNetwork: options({
    virtualNetworkId: TEXT,
    mediaSubnetId: TEXT,
    masterSubnetId: TEXT,
    dataSubnetId: TEXT,
  }),
  network: part('a Network', 'virtualNetworkId', 'mediaSubnetId', 'masterSubnetId'),
  secrets: options({
    existingVault: options({ vaultId: TEXT }),
    apiKey: options({ key: TEXT, secret: SECRET }),
    clusterSecret: SECRET,
  }),
  turn: part('a Turn such as Turn.onMediaNodes()', '_bind'),
  image: IMAGE,
  settings: SETTINGS,
  logGroup: options({ existingWorkspaceId: TEXT }),
};

/** Of a Single Node. */
export const SINGLE_NODE: Kinds = { ...COMMON, ...MACHINE, publicIpAddressId: TEXT, jobs: JOBS };

/** Of an Elastic and a High Availability cluster. */
export const CLUSTER: Kinds = {
  ...COMMON,
  entry: part('a ClusterEntry such as ClusterEntry.loadBalancer()', '_bind', '_takesSeveral'),
  redis: {
    ...options({
      host: TEXT,
      port: input('number', 'a number'),
      tls: BOOLEAN,
      username: TEXT,
      password: SECRET,
      clusterMode: BOOLEAN,
    }),
    allowed: 'a Redis with a host: { host, … }',
    holds: (value) => isObject(value) && 'host' in value,
  },
  masterNodes: options(MACHINE),
  mediaNodes: options({
    ...MACHINE,
    spot: options({}),
    drain: options({}),
    scaling: options({}),
    jobs: JOBS,
  }),
  mediaResourceGroupName: TEXT,
  dataVolume: options({ retain: BOOLEAN, resourceGroupName: TEXT }),
};

/**
 * Tells of options that are of another type than they have to be, as TypeScript does where it is asked.
 *
 * @returns The others, for checks of what they say.
 */
export function wellTyped<T extends object>(
  args: T,
  kinds: Kinds,
  problems: Problems,
  path = '',
): T {
  const rest: Record<string, unknown> = Object.fromEntries(Object.entries(args ?? {}));
  for (const [key, kind] of Object.entries(kinds)) {
    const value = rest[key];
    if (value === undefined) continue;
    if (kind.holds(value)) {
      if (kind.members && isObject(value)) {
        rest[key] = wellTyped(value, kind.members, problems, `${path}${key}.`);
      }
      continue;
    }
    problems.add({
      what: `${path}${key}`,
      given: kind.isSecret ? 'a secret (not shown)' : shown(value),
      allowed: kind.allowed,
      fix: `give ${path}${key} that, or leave it out`,
    });
    delete rest[key];
  }
  return rest as T;
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return isLater(value) ? 'an Input' : asJson(value);
}
