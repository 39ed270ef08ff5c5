import type { Finding } from '../../findings/finding';
import { runChecks } from '../../findings/run-checks';
import { checkAddress } from './check-address';
import { checkCertificates } from './check-certificate';
import { checkClock } from './check-clock';
import { checkConfig } from './check-config';
import { checkDisk } from './check-disk';
import { checkDns } from './check-dns';
import { checkEntry } from './check-entry';
import { checkJobs } from './check-jobs';
import { checkKernel } from './check-kernel';
import { checkConntrack, checkOpenFiles } from './check-limits';
import { checkMemory } from './check-memory';
import { checkNode } from './check-node';
import { checkPorts } from './check-ports';
import { checkRedis } from './check-redis';
import { checkSentinels } from './check-sentinels';
import { checkTurn } from './check-turn';
import { checkWorker } from './check-worker';
import type { Check, DoctorQuestion, DoctorSystem } from './context';
import { readEntry } from './entry-facts';
import { askNode } from './node-facts';
import { askOutside } from './outside';
import type { DoctorFinding } from './problems';
import { readSentinels } from './sentinel-facts';
import { linuxSystem } from './system';

/** Each one waits a few seconds for answers by itself. */
const LIMIT_MS = 15_000;

/** In the order in which they are told. */
const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  ['Configuration', checkConfig],
  ['Node', checkNode],
  ['Ports', checkPorts],
  ['Entry', checkEntry],
  ['Public address', checkAddress],
  ['TURN', checkTurn],
  ['DNS', checkDns],
  ['Certificates', checkCertificates],
  ['Redis', checkRedis],
  ['Sentinel', checkSentinels],
  ['Clock', checkClock],
  ['Kernel', checkKernel],
  ['Open files', checkOpenFiles],
  ['Connection tracking', checkConntrack],
  ['Disk', checkDisk],
  ['Memory', checkMemory],
  ['Media worker', checkWorker],
  ['Jobs', checkJobs],
];

export interface DoctorOptions {
  readonly question: DoctorQuestion;
  /** @default - this machine */
  readonly system?: DoctorSystem;
  /** For each check, ms. @default 15000 */
  readonly limitMs?: number;
}

export interface DoctorReport {
  /** Whether a node of this configuration answers here. */
  readonly isRunning: boolean;
  readonly findings: readonly (DoctorFinding | Finding)[];
}

/**
 * Says whether this machine can serve. Changes nothing on it. Never rejects: what cannot be found out
 * is a finding too.
 */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { question, system = linuxSystem(), limitMs = LIMIT_MS } = options;
  const { config } = question;
  const [node, entry, outside, sentinels] = await Promise.all([
    askNode(config),
    readEntry(system),
    askOutside(config, system.interfaces),
    readSentinels(question, system),
  ]);
  const context = { question, config, system, node, entry, outside, sentinels };
  const findings = await runChecks(
    CHECKS.map(([title, check]) => ({ title, run: () => check(context) })),
    limitMs,
  );
  return { isRunning: node.kind === 'node', findings };
}
