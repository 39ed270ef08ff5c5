import * as pulumi from '@pulumi/pulumi';
import { JOB_SIZES, type TooLarge, tooLargeFor } from '../../node-image/contract';
import type { JobSizes } from '../jobs';
import type { Problems } from './validation';

type Kind = keyof typeof JOB_SIZES;

const KINDS = Object.keys(JOB_SIZES) as readonly Kind[];

/** The machines that jobs are for. */
export interface JobMachines {
  readonly vmSize: string;
  /** Whether there is a Redis, over which services of LiveKit are spoken to. */
  readonly hasRedis: boolean;
}

/** The machines, and what they run. */
export interface SizedMachines {
  readonly vmSize: string;
  /** Kinds of jobs that nobody asked for. */
  readonly notRun: readonly string[];
}

/** What is wrong with the sizes of jobs, also that a machine has too few cores for what was asked for. */
export function checkSizes(
  sizes: JobSizes = {},
  machines: SizedMachines,
  problems: Problems,
): void {
  const known: Partial<Record<Kind, number>> = {};
  for (const kind of KINDS) {
    const cpus = sizes[kind];
    problems.number(`jobs.sizes.${kind}`, cpus, { min: 0, max: 256 });
    if (typeof cpus === 'number') known[kind] = cpus;
  }
  const unknown = Object.keys(sizes).filter((each) => !KINDS.some((kind) => kind === each));
  problems.check(unknown.length === 0, {
    what: 'jobs.sizes',
    given: unknown.join(', '),
    allowed: `one of ${KINDS.join(', ')}`,
    fix: 'correct the name',
  });
  for (const { kind, cpus } of tooLarge(known, machines)) {
    if (!Object.hasOwn(known, kind)) continue;
    problems.add({
      what: `jobs.sizes.${kind}`,
      given: `${cpus} on a ${machines.vmSize}, which has ${coresOf(machines.vmSize)} cores`,
      allowed: 'what one machine has; of that an Ingress leaves 30 % free',
      fix: 'give a smaller size, or a larger vmSize',
    });
  }
}

/** Tells of jobs that nobody has asked for by their size, and that never find place. */
export function warnOfSizes(sizes: JobSizes = {}, machines: SizedMachines): void {
  const { vmSize } = machines;
  const named = tooLarge(sizes, machines).map(({ kind, cpus }) => `${kind} (${cpus})`);
  if (named.length === 0) return;
  void pulumi.log.warn(
    `vmSize ${vmSize} has ${coresOf(vmSize)} cores: no machine ever takes jobs that reserve more, which are ${named.join(', ')}; give a larger vmSize, or smaller jobs.sizes`,
  );
}

function tooLarge(sizes: JobSizes, { vmSize, notRun }: SizedMachines): readonly TooLarge[] {
  const cores = coresOf(vmSize);
  if (cores === undefined) return [];
  return tooLargeFor(cores, sizes).filter(({ kind }) => !notRun.includes(kind));
}

/**
 * The cores that a size names; undefined where its name does not say.
 *
 * Source: learn.microsoft.com, "Azure virtual machine sizes naming conventions".
 */
export function coresOf(vmSize: string): number | undefined {
  // Sizes of before that convention count something else.
  if (/^Standard_(?:DS?\d+(?:-\d+)?_v2|DS?\d+|A\d+|G\w+)(?:_Promo)?$/.test(vmSize))
    return undefined;
  const [, cores, constrained] = /^Standard_[A-Z]+(\d+)(?:-(\d+))?[a-z]*(?:_|$)/.exec(vmSize) ?? [];
  const found = Number(constrained ?? cores);
  return Number.isInteger(found) && found > 0 ? found : undefined;
}
