/** What waits for what in a deployment, read from a template. Pure. */
import type { ResourceJson, TemplateJson } from './golden';

/**
 * How long each type takes to create, in seconds: estimates for planning, not measured here. What is
 * not named takes LITTLE.
 */
export const CREATION_SECONDS: Readonly<Record<string, number>> = {
  'AWS::CertificateManager::Certificate': 120,
  'AWS::EC2::InternetGateway': 15,
  'AWS::EC2::Volume': 15,
  'AWS::ElastiCache::ReplicationGroup': 420,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 150,
  'AWS::IAM::InstanceProfile': 90,
  'AWS::IAM::Policy': 15,
  'AWS::IAM::Role': 20,
  'AWS::Route53::RecordSet': 60,
};
const LITTLE = 5;

/** A machine from its start until a call through it works, in seconds: an estimate, too. */
export const BOOT_SECONDS = 150;

/** A resource, when its creation begins and ends, in seconds, and what it waited for last. */
export interface Step {
  readonly id: string;
  readonly type: string;
  readonly begin: number;
  readonly end: number;
  readonly after: string | undefined;
}

/**
 * What machines wait for while they boot, though the template does not make their group wait: by id
 * of the group. Their configuration names the Redis, whose address is known when it is there.
 */
export type BootWaits = Readonly<Record<string, readonly string[]>>;

/** Every resource with its times, as if CloudFormation began each as soon as it can. */
export function schedule(template: TemplateJson, bootWaits: BootWaits = {}): Map<string, Step> {
  const steps = new Map<string, Step>();
  const visit = (id: string, trail: readonly string[]): Step => {
    const known = steps.get(id);
    if (known) return known;
    if (trail.includes(id)) throw new Error(`a circle: ${[...trail, id].join(' -> ')}`);
    const resource = template.Resources[id];
    if (!resource) throw new Error(`${id} is not in the template`);
    const before = dependencies(resource, template).map((each) => visit(each, [...trail, id]));
    const last = latest(before);
    const begin = last?.end ?? 0;
    let step: Step = {
      id,
      type: resource.Type,
      begin,
      end: begin + (CREATION_SECONDS[resource.Type] ?? LITTLE),
      after: last?.id,
    };
    if (waitsForSignals(resource)) {
      const awaited = latest((bootWaits[id] ?? []).map((each) => visit(each, [...trail, id])));
      const booted = step.end + BOOT_SECONDS;
      // A machine that has booted before its configuration is there needs a few seconds more.
      const late = awaited && awaited.end + LITTLE > booted;
      step = late
        ? { ...step, end: awaited.end + LITTLE, after: awaited.id }
        : { ...step, end: booted };
    }
    steps.set(id, step);
    return step;
  };
  for (const id of Object.keys(template.Resources)) visit(id, []);
  return steps;
}

/** The chain of steps that ends last, from its beginning. */
export function criticalPath(steps: ReadonlyMap<string, Step>): Step[] {
  const path: Step[] = [];
  for (let step = latest([...steps.values()]); step; step = steps.get(step.after ?? '')) {
    path.unshift(step);
  }
  return path;
}

/** What a resource refers to or names in DependsOn. */
export function dependencies(resource: ResourceJson, template: TemplateJson): string[] {
  const found = new Set<string>([resource.DependsOn ?? []].flat());
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'Ref') found.add(String(inner));
      else if (key === 'Fn::GetAtt') found.add(String(Array.isArray(inner) ? inner[0] : inner));
      else if (key === 'Fn::Sub') for (const name of substituted(inner)) found.add(name);
      visit(inner);
    }
  };
  visit(resource.Properties);
  return [...found].filter((id) => Object.hasOwn(template.Resources, id)).sort();
}

function substituted(value: unknown): string[] {
  const text = String(Array.isArray(value) ? value[0] : value);
  return [...text.matchAll(/\$\{([A-Za-z0-9]+)(?:\.[^}]+)?\}/g)].map(([, id = '']) => id);
}

function waitsForSignals({ Type, ['CreationPolicy']: policy }: ResourceJson): boolean {
  return Type === 'AWS::AutoScaling::AutoScalingGroup' && policy !== undefined;
}

function latest(steps: readonly Step[]): Step | undefined {
  return steps.reduce<Step | undefined>(
    (last, step) => (last === undefined || step.end > last.end ? step : last),
    undefined,
  );
}

/** What machines of a template wait for while they boot: the parameter with their configuration. */
export function bootWaitsOf({ Resources }: TemplateJson): BootWaits {
  const ids = Object.keys(Resources);
  const ofType = (type: string) => ids.filter((id) => Resources[id]?.Type === type);
  const configurations = ofType('AWS::SSM::Parameter');
  return Object.fromEntries(
    ofType('AWS::AutoScaling::AutoScalingGroup').map((group) => {
      const owner = /^(.*)GroupASG[0-9A-F]{8}$/.exec(group)?.[1] ?? group;
      return [group, configurations.filter((id) => id.startsWith(`${owner}Config`))];
    }),
  );
}

/** The path as docs/aws.md has it: when each step begins and ends, in minutes and seconds. */
export function drawn(path: readonly Step[]): string {
  return path
    .map(({ id, type, begin, end }) => {
      const what = id.replace(/[0-9A-F]{8}$/, '').replace(/^Sluice/, '');
      return `${clock(begin)} - ${clock(end)}  ${type.replace(/^AWS::/, '')} ${what}`;
    })
    .join('\n');
}

const clock = (seconds: number) =>
  `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
