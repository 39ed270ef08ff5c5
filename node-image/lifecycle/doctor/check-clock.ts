import { askTime, type SntpAnswer } from '../../net/sntp';
import type { Check } from './context';
import { type DoctorFinding, reportOf } from './problems';

const ANSWER_MS = 3000;
/** Tokens are taken that are off by so much; behind that nobody can join, ms. */
const WRONG_MS = 60_000;
/** A clock that somebody looks after is never off by so much, ms. */
const OFF_MS = 1000;
const { ok, problem } = reportOf('Clock');
const HOW = 'Keep it by systemd-timesyncd or chrony: timedatectl set-ntp true';

/** Asks a time server; where none is reached, the system, which may know one that is. */
export const checkClock: Check = async ({ question: { timeServer }, system }) => {
  const [, host = timeServer, port = '123'] = /^\[?(.*?)\]?:(\d+)$/.exec(timeServer) ?? [];
  const question = { host, port: Number(port), timeoutMs: ANSWER_MS, now: system.now };
  const answer = await askTime(question).catch(() => undefined);
  if (answer !== undefined) return [judge(answer, timeServer)];
  const said = await system.run('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  return [
    said?.output.trim() === 'yes'
      ? ok('it is kept right, says timedatectl')
      : problem(
          'clock-unknown',
          `the time server ${timeServer} does not answer, and timedatectl knows of no other`,
          `Let UDP out to port 123, or name a server that is reached with --time-server. ${HOW}`,
        ),
  ];
};

function judge({ offsetMs, roundTripMs }: SntpAnswer, timeServer: string): DoctorFinding {
  // What it may be off at least, as the way there and back is not known one by one.
  const offMs = Math.max(0, Math.abs(offsetMs) - roundTripMs / 2);
  const found = `it is ${inSeconds(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead of'} ${timeServer}`;
  if (offMs > WRONG_MS) {
    return problem('clock-wrong', `${found}: tokens are refused that are good`, HOW);
  }
  return offMs > OFF_MS
    ? problem('clock-off', found, HOW)
    : ok(`right by ${timeServer}, to ${inSeconds(Math.abs(offsetMs) + roundTripMs / 2)}`);
}

const inSeconds = (ms: number): string => `${(Math.abs(ms) / 1000).toFixed(3)} s`;

/** @param redisMs - as Redis has it. @param nowMs - as this machine had it at that moment */
export function judgeRedisClock(redisMs: number, nowMs: number): readonly DoctorFinding[] {
  const offMs = redisMs - nowMs;
  if (Math.abs(offMs) <= OFF_MS) return [];
  return [
    problem(
      'redis-clock',
      `it is ${inSeconds(offMs)} ${offMs > 0 ? 'behind' : 'ahead of'} the machine of Redis`,
      `One of both is wrong. ${HOW}`,
    ),
  ];
}
