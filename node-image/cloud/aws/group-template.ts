import type {
  AutoScalingGroup as GroupFacts,
  Instance,
  LaunchTemplateSpecification,
} from '@aws-sdk/client-auto-scaling';

/** A launch template at one version; what the group says may be `$Latest` or `$Default`. */
export interface TemplateVersion {
  readonly id: string;
  readonly version: string;
}

/** What a group makes machines from. */
export interface GroupTemplate {
  readonly standard: TemplateVersion;
  /** Instance types that it may take; undefined: the one that the launch template says. */
  readonly types?: readonly string[] | undefined;
  /** Types that have a launch template of their own. */
  readonly byType: ReadonlyMap<string, TemplateVersion>;
}

/** @returns undefined where the group makes its machines from none. */
export function templateOf(group: GroupFacts): GroupTemplate | undefined {
  const mixed = group.MixedInstancesPolicy?.LaunchTemplate;
  const standard = versionOf(group.LaunchTemplate ?? mixed?.LaunchTemplateSpecification);
  if (standard === undefined) return undefined;
  const overrides = mixed?.Overrides ?? [];
  const types = overrides.flatMap(({ InstanceType }) => InstanceType ?? []);
  const byType = new Map<string, TemplateVersion>();
  for (const { InstanceType, LaunchTemplateSpecification } of overrides) {
    const own = versionOf(LaunchTemplateSpecification);
    if (InstanceType !== undefined && own !== undefined) byType.set(InstanceType, own);
  }
  // Where types are chosen by what they have, it cannot be told which these are.
  const isByName = types.length > 0 && types.length === overrides.length;
  return { standard, types: isByName ? types : undefined, byType };
}

/** All launch templates that the group names, each once. */
export const templateIds = ({ standard, byType }: GroupTemplate): string[] => [
  ...new Set([standard, ...byType.values()].map(({ id }) => id)),
];

/** Which number `$Latest` and `$Default` stand for, by the id of a launch template. */
export type NewestVersions = ReadonlyMap<
  string,
  { readonly latest: string; readonly default: string }
>;

/** Whether a version is none by itself, so that it has to be asked which it is. */
export const isSymbolic = ({ version }: TemplateVersion): boolean => version.startsWith('$');

/** The same with numbers only. What is not known stays as it is. */
export function resolved(template: GroupTemplate, newest: NewestVersions): GroupTemplate {
  const numbered = (one: TemplateVersion): TemplateVersion => {
    const known = newest.get(one.id);
    if (!isSymbolic(one) || known === undefined) return one;
    return { id: one.id, version: one.version === '$Latest' ? known.latest : known.default };
  };
  return {
    ...template,
    standard: numbered(template.standard),
    byType: new Map([...template.byType].map(([type, one]) => [type, numbered(one)])),
  };
}

/**
 * Whether a machine is of another launch template or version than the group would take now, or of an
 * instance type that it takes no more. Where that cannot be told, it is not.
 */
export function isOutdated(machine: Instance, template: GroupTemplate): boolean {
  const { InstanceType: type = '' } = machine;
  if (template.types !== undefined && !template.types.includes(type)) return true;
  const wanted = template.byType.get(type) ?? template.standard;
  if (isSymbolic(wanted)) return false;
  const has = versionOf(machine.LaunchTemplate);
  // A group that had a launch configuration before: its machines say no launch template.
  return has === undefined || has.id !== wanted.id || has.version !== wanted.version;
}

/** A text that is another one with each change of what machines are made from. */
export const templateName = ({ standard, types, byType }: GroupTemplate): string =>
  [
    standard,
    ...[...byType].map(([type, one]) => ({ ...one, id: `${type}=${one.id}` })),
    ...(types ?? []).map((type) => ({ id: type, version: '' })),
  ]
    .map(({ id, version }) => (version === '' ? id : `${id}:${version}`))
    .join(' ');

function versionOf(given: LaunchTemplateSpecification | undefined): TemplateVersion | undefined {
  if (given?.LaunchTemplateId === undefined) return undefined;
  // Source: LaunchTemplateSpecification, Version: the default version where it is left out.
  return { id: given.LaunchTemplateId, version: given.Version ?? '$Default' };
}
