import { Annotations } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { type JobSizes as KnownSizes, tooLargeFor } from '../../node-image/contract';
import type { JobSizes } from '../jobs';
import { isKnown, type Problems } from './validation';
import { mostVcpusOf } from './vcpus';

/** What instance types have. */
const USUAL_VCPUS = [2, 4, 8, 16, 32, 48, 64, 96, 128, 192];

/** What the node's schema takes, in cores. */
const SIZE_BOUNDS = { min: 0, max: 256 };

/** What jobs reserve, and on which machines. */
export interface SizedJobs {
  readonly sizes: JobSizes;
  /** Kinds that nobody asked for. */
  readonly notRun: readonly string[];
  readonly instanceTypes: readonly ec2.InstanceType[];
}

/** The sizes that were given, as sluice.yaml takes them. What is wrong with them is told. */
export function checkedSizes(scope: Construct, jobs: SizedJobs, problems: Problems): KnownSizes {
  for (const [kind, cpus] of given(jobs.sizes)) {
    problems.number(`jobs.sizes.${kind}`, cpus, SIZE_BOUNDS);
  }
  warnOfSmall(scope, jobs);
  return Object.fromEntries(given(jobs.sizes));
}

const given = (sizes: JobSizes): [string, number][] =>
  Object.entries(sizes).filter(([, cpus]) => cpus !== undefined);

/** Tells what never finds place on the machines, by what each kind is called in `sizes`. */
function warnOfSmall(scope: Construct, { sizes, notRun, instanceTypes }: SizedJobs): void {
  const known = Object.fromEntries(given(sizes).filter(([, cpus]) => isKnown(cpus)));
  const unknown = given(sizes).flatMap(([kind, cpus]) => (isKnown(cpus) ? [] : [kind]));
  const ignored = [...unknown, ...notRun];
  const tooLarge = (cores: number) =>
    tooLargeFor(cores, known).filter(({ kind }) => !ignored.includes(kind));
  for (const type of instanceTypes) {
    const cores = mostVcpusOf(type);
    if (cores === undefined) continue;
    const never = tooLarge(cores);
    if (never.length === 0) continue;
    const enough = USUAL_VCPUS.find((most) => tooLarge(most).length === 0);
    const larger = enough === undefined ? '' : `take a type with ${enough} vCPUs or more, or `;
    Annotations.of(scope).addWarningV2(
      `sluice:smallForJobs-${type.toString()}`,
      `instanceType ${type.toString()} has ${cores} vCPUs, and these jobs never run there: ${never
        .map(({ kind, cpus }) => `${kind} (${cpus})`)
        .join(', ')}; ${larger}lower jobs.sizes`,
    );
  }
}
