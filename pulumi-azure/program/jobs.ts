import { Jobs } from '../jobs';
import type { Problems } from '../private/validation';
import { Recordings } from '../recordings';
import type { StackConfig } from './stack-config';

/** What says something of jobs, and does nothing without them. */
const OF_JOBS = [
  'jobsRtmp',
  'jobsQueueMinutes',
  'recordingsRetentionDays',
  'recordingsContainerId',
] as const;

/** The jobs that the configuration of the stack asks for. */
export function programJobs(
  config: StackConfig,
  retain: boolean,
  problems: Problems,
): Jobs | undefined {
  const kind = config.oneOf('mediaNodesJobs', ['builtIn', 'none']);
  const rtmp = config.flag('jobsRtmp');
  const queueMinutes = config.number('jobsQueueMinutes');
  const recordings = recordingsOf(config, retain, problems);
  if (kind === 'builtIn') return Jobs.builtIn({ rtmp, queueMinutes, recordings });
  const idle = OF_JOBS.filter((key) => config.text(key) !== undefined);
  problems.check(idle.length === 0, {
    what: 'sluice:mediaNodesJobs',
    given: `${kind ?? 'nothing'}, and ${idle.map((key) => `sluice:${key}`).join(', ')}`,
    allowed: 'builtIn with them',
    fix: 'give it by `pulumi config set sluice:mediaNodesJobs builtIn`, or take the others back by `pulumi config rm`',
  });
  return undefined;
}

function recordingsOf(config: StackConfig, retain: boolean, problems: Problems): Recordings {
  const retentionDays = config.number('recordingsRetentionDays');
  const containerId = config.text('recordingsContainerId');
  problems.atMostOne({
    'sluice:recordingsRetentionDays': retentionDays,
    'sluice:recordingsContainerId': containerId,
  });
  return containerId === undefined
    ? Recordings.create({ retentionDays, retain })
    : Recordings.existing({ containerId });
}
