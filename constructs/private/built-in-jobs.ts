import { Annotations, Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import {
  jobSettings,
  jobUrls,
  type JobSizes as KnownSizes,
  tooLargeFor,
} from '../../node-image/contract';
import type { BuiltInJobsOptions, JobSizes } from '../jobs';
import { NodeSettings } from '../node-config';
import type { JobsConfig, JobsSurroundings } from './jobs-config';
import { isKnown, numberText, type Problems } from './validation';
import { mostVcpusOf } from './vcpus';

/** What instance types have. */
const USUAL_VCPUS = [2, 4, 8, 16, 32, 48, 64, 96, 128, 192];

/** What the node's schema takes, in cores. */
const SIZE_BOUNDS = { min: 0, max: 256 };

/** Egress and Ingress that the node runs itself. */
export function bindBuiltIn(
  scope: Construct,
  options: BuiltInJobsOptions,
  { entry, instanceTypes }: JobsSurroundings,
  problems: Problems,
): JobsConfig {
  const { queue, sizes = {}, rtmp = false } = options;
  problems.duration('jobs.queue', queue, { min: Duration.seconds(0), max: Duration.hours(24) });
  for (const [kind, cpus] of given(sizes)) {
    problems.number(`jobs.sizes.${kind}`, cpus, SIZE_BOUNDS);
  }
  warnOfSmall(scope, options, instanceTypes);
  const recordings = options.recordings?._bind(scope);
  return {
    installOptions: ['--jobs'],
    ...(recordings && { recordings }),
    settings: (role) =>
      (recordings?.settings ?? NodeSettings.none()).with(
        NodeSettings.fromObject(
          jobSettings(role, {
            urls: entry ? jobUrls(entry.host, entry.tls) : {},
            rtmp,
            rtmpsOnMachine: entry?.rtmpByHaproxy ?? false,
            ...(queue && { queue: `${numberText(queue.toSeconds())}s` }),
            sizes: Object.fromEntries(given(sizes)) as KnownSizes,
          }),
        ),
      ),
  };
}

const given = (sizes: JobSizes): [string, number][] =>
  Object.entries(sizes).filter(([, cpus]) => cpus !== undefined);

/** Tells what never finds place on the machines, by what each kind is called in `sizes`. */
function warnOfSmall(
  scope: Construct,
  { sizes = {}, rtmp = false }: BuiltInJobsOptions,
  types: JobsSurroundings['instanceTypes'],
): void {
  const known = Object.fromEntries(given(sizes).filter(([, cpus]) => isKnown(cpus)));
  const unknown = given(sizes).flatMap(([kind, cpus]) => (isKnown(cpus) ? [] : [kind]));
  const ignored = [...unknown, ...(rtmp ? [] : ['rtmp'])];
  const tooLarge = (cores: number) =>
    tooLargeFor(cores, known).filter(({ kind }) => !ignored.includes(kind));
  for (const type of types) {
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
