import { type Finding, type FindingStatus, findingsOf } from '../../findings/finding';

/**
 * All that can be wrong with a machine, and how bad it is. Each is induced by a test: one that is new
 * here is a type error there.
 */
export const PROBLEMS = {
  'config-warned': 'warning',

  'node-not-ready': 'failed',
  'node-silent': 'failed',
  'port-taken': 'failed',
  'port-address': 'failed',
  'port-unheard': 'failed',
  'metrics-other': 'warning',
  'entry-silent': 'failed',
  'entry-no-node': 'failed',

  'address-none': 'failed',
  'address-unknown': 'failed',
  'address-hidden': 'warning',
  'address-wrong': 'warning',
  'address-nat': 'warning',

  'kernel-buffers': 'warning',
  'kernel-queues': 'warning',
  'kernel-ports': 'warning',
  'kernel-files': 'warning',
  'files-few': 'warning',
  'files-full': 'failed',
  'conntrack-full': 'failed',
  'conntrack-media': 'warning',

  'clock-wrong': 'failed',
  'clock-off': 'warning',
  'clock-unknown': 'warning',

  'dns-none': 'failed',
  'dns-silent': 'warning',
  'dns-elsewhere': 'warning',

  'certificate-missing': 'failed',
  'certificate-unreadable': 'failed',
  'certificate-key': 'failed',
  'certificate-expired': 'failed',
  'certificate-early': 'failed',
  'certificate-ends': 'warning',
  'certificate-name': 'failed',
  'certificate-chain': 'failed',
  'certificate-untrusted': 'warning',
  'certificate-unseen': 'warning',

  'redis-away': 'failed',
  'redis-login': 'failed',
  'redis-replica': 'failed',
  'redis-old': 'failed',
  'redis-evicts': 'warning',
  'redis-slow': 'warning',
  'redis-clock': 'warning',
  'sentinel-away': 'failed',
  'sentinel-few': 'warning',

  'turn-missing': 'failed',
  'turn-silent': 'failed',
  'turn-refuses': 'failed',
  'turn-server-silent': 'warning',
  'turn-server-refuses': 'warning',

  'disk-missing': 'failed',
  'disk-full': 'failed',
  'disk-files': 'failed',
  'disk-read-only': 'failed',
  'disk-low': 'warning',

  'memory-small': 'warning',
  'memory-short': 'warning',
  'worker-missing': 'failed',

  'jobs-ffmpeg': 'failed',
  'jobs-browser': 'warning',
  'jobs-sandbox': 'warning',
  'jobs-folder': 'failed',
  'jobs-disk': 'warning',
  'jobs-storage': 'failed',
  'jobs-signaling': 'failed',
  'jobs-rtmps': 'failed',
} as const satisfies Readonly<Record<string, Exclude<FindingStatus, 'ok' | 'unchecked'>>>;

export type Problem = keyof typeof PROBLEMS;

/** What one check of a machine has found. */
export interface DoctorFinding extends Finding {
  /** Its name for programs; there for all that failed or is warned of. */
  readonly problem?: Problem;
}

/** Makes the findings of one check. */
export const reportOf = (check: string) => {
  const { ok, unchecked } = findingsOf(check);
  return {
    ok,
    unchecked,
    problem: (problem: Problem, found: string, todo: string): DoctorFinding => ({
      check,
      status: PROBLEMS[problem],
      found,
      todo,
      problem,
    }),
  };
};
