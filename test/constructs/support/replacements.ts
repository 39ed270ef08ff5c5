/** What an update from one template to another takes away or makes anew. Pure. */
import type { ResourceJson, TemplateJson } from './golden';

/** Properties by type that can be set at creation only; nested ones with dots. */
export type CreateOnly = Readonly<Record<string, readonly string[]>>;

/** What loses data, an address that people know, or a secret that others hold, when replaced. */
export const STATEFUL: readonly string[] = [
  'AWS::EC2::EIP',
  'AWS::EC2::Volume',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::KMS::Key',
  'AWS::Logs::LogGroup',
  'AWS::Route53::HostedZone',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
];

/**
 * What the schemas do not say, though AWS does: a volume stays in its zone, and a secret whose rule
 * of generation changes is generated anew.
 */
const UNTOLD: CreateOnly = {
  'AWS::EC2::Volume': ['AvailabilityZone', 'AvailabilityZoneId', 'SnapshotId'],
  'AWS::SecretsManager::Secret': ['GenerateSecretString'],
};

export interface Replacement {
  readonly id: string;
  readonly type: string;
  /** `removed`, or the property that changed. */
  readonly because: string;
}

/** Every resource of `before` that `after` does not keep, in order of logical ids. */
export function replacements(
  before: TemplateJson,
  after: TemplateJson,
  createOnly: CreateOnly,
): Replacement[] {
  const found = new Map<string, Replacement>();
  // What refers to a replaced resource in such a property is replaced with it, and so on.
  for (let known = -1; known < found.size; ) {
    known = found.size;
    for (const [id, resource] of Object.entries(before.Resources)) {
      if (found.has(id)) continue;
      const because = whyReplaced(resource, after.Resources[id], createOnly, found);
      if (because) found.set(id, { id, type: resource.Type, because });
    }
  }
  return [...found.values()].sort((a, b) => a.id.localeCompare(b.id));
}

function whyReplaced(
  before: ResourceJson,
  after: ResourceJson | undefined,
  createOnly: CreateOnly,
  replaced: ReadonlyMap<string, Replacement>,
): string | undefined {
  if (!after) return 'removed';
  if (after.Type !== before.Type) return `is now ${after.Type}`;
  const properties = [...(createOnly[before.Type] ?? []), ...(UNTOLD[before.Type] ?? [])];
  return properties.find((path) => {
    const [old, fresh] = [valueAt(before, path), valueAt(after, path)];
    return JSON.stringify(old) !== JSON.stringify(fresh) || refersTo(fresh, replaced);
  });
}

function valueAt(resource: ResourceJson, path: string): unknown {
  let value: unknown = resource.Properties;
  for (const name of path.split('.')) {
    // An element of a list: the whole list counts.
    if (name === '*') return value;
    value = isRecord(value) ? value[name] : undefined;
  }
  return value;
}

/** A reference in `value` by Ref, Fn::GetAtt or Fn::Sub. */
function refersTo(value: unknown, ids: ReadonlyMap<string, unknown>): boolean {
  if (ids.size === 0 || value === undefined) return false;
  const text = JSON.stringify(value);
  return [...ids.keys()].some(
    (id) =>
      text.includes(`{"Ref":"${id}"}`) ||
      text.includes(`{"Fn::GetAtt":["${id}",`) ||
      text.includes(`\${${id}}`) ||
      text.includes(`\${${id}.`),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
