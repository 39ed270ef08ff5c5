import {
  CLOUDS,
  type Cloud,
  HOURS_OF_MONTH,
  type PlanQuestion,
  type Prices,
  type RoomShape,
  VIDEO_PROFILES,
  type VideoSize,
} from '../../capacity';
import { DEPLOYMENT_DEFAULTS, InputProblems, parseDuration, SCALING_RANGES } from '../../contract';

/** As they were typed. */
export interface PlanOptions {
  readonly rooms?: string;
  readonly participants?: string;
  readonly publishers?: string;
  readonly viewers?: string;
  readonly video?: string;
  readonly audio?: boolean;
  readonly watch?: string;
  readonly cloud?: string;
  readonly region?: string;
  readonly machine?: string;
  readonly masters?: string;
  readonly hours?: string;
  readonly stay?: string;
  readonly targetLoad?: string;
  readonly headroomRooms?: string;
}

export type AskedPlan = Omit<PlanQuestion, 'costs' | 'prices' | 'factor'>;

const MOST_ROOMS = 1_000_000;
const MOST_PARTICIPANTS = 100_000;
const SIZES = Object.keys(VIDEO_PROFILES);
const STAY = '30m';

/** What is asked for, and what is wrong with it: all of it at once. */
export function readQuestion(
  options: PlanOptions,
  prices: Prices,
): { readonly question: AskedPlan; readonly problems: InputProblems } {
  const problems = new InputProblems();
  const cloud = oneOf(problems, '--cloud', options.cloud, CLOUDS);
  const clouds = cloud === undefined ? CLOUDS : [cloud];
  const whole = (name: string, text: string | undefined, min: number, max: number) =>
    numberOf(problems, name, text, { min, max, whole: true });
  const { targetLoad, headroomRooms } = DEPLOYMENT_DEFAULTS;
  const question = {
    rooms: whole('--rooms', options.rooms, 1, MOST_ROOMS) ?? 1,
    room: roomOf(problems, options),
    clouds,
    region: options.region,
    machine: options.machine,
    masters: whole('--masters', options.masters, 0, 9) ?? 1,
    targetLoad:
      numberOf(problems, '--target-load', options.targetLoad, { min: 0.05, max: 1 }) ?? targetLoad,
    headroomRooms:
      whole('--headroom-rooms', options.headroomRooms, 0, headroomMost()) ?? headroomRooms,
    hours: whole('--hours', options.hours, 1, HOURS_OF_MONTH) ?? HOURS_OF_MONTH,
    staySeconds: staySeconds(problems, options.stay ?? STAY),
  };
  checkPlace(problems, options, clouds, prices);
  return { question, problems };
}

const headroomMost = (): number => SCALING_RANGES.headroomRooms.schema.maxValue ?? MOST_ROOMS;

function roomOf(problems: InputProblems, options: PlanOptions): RoomShape {
  const { participants, publishers, viewers, audio = false } = options;
  const count = (name: string, text: string | undefined, min: number) =>
    numberOf(problems, name, text, { min, max: MOST_PARTICIPANTS, whole: true });
  const all = count('--participants', participants, 1);
  const watching = count('--viewers', viewers, 0);
  const sending = count('--publishers', publishers, 1);
  const isLive = publishers !== undefined || viewers !== undefined;
  problems.check(participants === undefined || !isLive, {
    what: '--participants',
    given: 'together with --publishers or --viewers',
    allowed: '--participants, who all send and receive, or --publishers and --viewers',
    fix: 'leave out one of them',
  });
  problems.check(participants !== undefined || isLive, {
    what: '--participants',
    given: 'nothing',
    allowed: `a whole number from 1 to ${MOST_PARTICIPANTS}, or --viewers`,
    fix: 'say how many are in a Room',
  });
  const video = oneOf(problems, '--video', options.video, SIZES) as VideoSize | undefined;
  const watch = oneOf(problems, '--watch', options.watch, SIZES) as VideoSize | undefined;
  problems.check(options.video !== undefined || audio, {
    what: '--video and --audio',
    given: 'none of them',
    allowed: `--video ${SIZES.join('|')}, --audio, or both`,
    fix: 'say what is sent',
  });
  problems.check(options.watch === undefined || options.video !== undefined, {
    what: '--watch',
    given: 'without --video',
    allowed: 'the size in which the pictures of --video are received',
    fix: 'give --video too, or leave out --watch',
  });
  return { publishers: all ?? sending ?? 1, viewers: watching ?? 0, video, audio, watch };
}

/** Region and type have to be ones that there are prices of. */
function checkPlace(
  problems: InputProblems,
  { region, machine, cloud }: PlanOptions,
  clouds: readonly Cloud[],
  prices: Prices,
): void {
  const regions = clouds.flatMap((one) => prices[one].regions);
  if (region !== undefined) {
    problems.check(cloud !== undefined, {
      what: '--region',
      given: `${JSON.stringify(region)} without --cloud`,
      allowed: 'a region of one cloud',
      fix: `give --cloud ${CLOUDS.join(' or ')} too`,
    });
    problems.oneOf(
      '--region',
      region,
      regions.map((one) => one.region),
    );
  }
  const types = [...new Set(regions.flatMap(({ machines }) => machines.map(({ type }) => type)))];
  problems.oneOf('--machine', machine, types);
}

function oneOf<T extends string>(
  problems: InputProblems,
  name: string,
  text: string | undefined,
  values: readonly T[],
): T | undefined {
  problems.oneOf(name, text, values);
  return values.find((one) => one === text);
}

function numberOf(
  problems: InputProblems,
  name: string,
  text: string | undefined,
  bounds: { readonly min: number; readonly max: number; readonly whole?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const { min, max, whole = false } = bounds;
  const holds = value >= min && value <= max && (!whole || Number.isInteger(value));
  problems.check(holds, {
    what: name,
    given: JSON.stringify(text),
    allowed: `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`,
    fix: `give ${name} a value in these bounds`,
  });
  return holds ? value : undefined;
}

function staySeconds(problems: InputProblems, text: string): number {
  const ms = parseDuration(text) ?? 0;
  problems.check(ms >= 1_000, {
    what: '--stay',
    given: JSON.stringify(text),
    allowed: 'a duration of 1s or more with its unit, such as 90s, 15m or 1h30m',
    fix: 'say how long a participant stays on average',
  });
  return ms >= 1_000 ? ms / 1_000 : 1;
}
