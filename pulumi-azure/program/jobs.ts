import { Jobs } from '../jobs';
import type { Problems } from '../private/validation';
import { Recordings } from '../recordings';
import type { StackConfig } from './stack-config';
import { storedSecretOf } from './stored-secret';

const KINDS = ['builtIn', 'liveKit', 'none'] as const;

/** What says something of jobs of a kind, and does nothing without them. */
const KEYS_OF = {
  builtIn: ['jobsRtmp', 'jobsQueueMinutes', 'recordingsRetentionDays', 'recordingsContainerId'],
  liveKit: [
    'egressImage',
    'ingressImage',
    'jobsRtmpUrl',
    'registryId',
    'registrySecretVaultId',
    'registrySecretName',
  ],
  none: [],
} as const;

/** The jobs that the configuration of the stack asks for. */
export function programJobs(
  config: StackConfig,
  retain: boolean,
  problems: Problems,
): Jobs | undefined {
  const given = config.oneOf('mediaNodesJobs', KINDS);
  const kind = given ?? 'none';
  const builtIn = {
    rtmp: config.flag('jobsRtmp'),
    queueMinutes: config.number('jobsQueueMinutes'),
    recordings: recordingsOf(config, retain, problems),
  };
  const keys = { vaultId: 'registrySecretVaultId', name: 'registrySecretName' };
  const registrySecret = storedSecretOf(config, keys, problems);
  for (const other of ['builtIn', 'liveKit'] as const) {
    if (other === kind) continue;
    const idle = KEYS_OF[other].filter((key) => config.text(key) !== undefined);
    problems.check(idle.length === 0, {
      what: 'sluice:mediaNodesJobs',
      given: `${given ?? 'nothing'}, and ${idle.map((key) => `sluice:${key}`).join(', ')}`,
      allowed: `${other} with them`,
      fix: `give it by \`pulumi config set sluice:mediaNodesJobs ${other}\`, or take the others back by \`pulumi config rm\``,
    });
  }
  if (kind === 'builtIn') return Jobs.builtIn(builtIn);
  if (kind === 'none') return undefined;
  return Jobs.liveKit({
    egressImage: config.text('egressImage'),
    ingressImage: config.text('ingressImage'),
    rtmpUrl: config.text('jobsRtmpUrl'),
    registryId: config.text('registryId'),
    registrySecret,
  });
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
