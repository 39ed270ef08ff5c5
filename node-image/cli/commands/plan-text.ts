import type { Candidate, Costs, Limit, Plan, Prices, RoomShape, TooSmall } from '../../capacity';
import { DEPLOYMENT_DEFAULTS } from '../../contract';
import { tableOf } from '../table';
import { counted, percent } from '../words';
import type { AskedPlan } from './plan-question';

/** What is told with the figures. */
export interface PlanFacts {
  readonly question: AskedPlan;
  readonly plan: Plan;
  readonly costs: Costs;
  readonly prices: Prices;
  /** Of the machines, against that of the costs; undefined where nobody has calibrated. */
  readonly factor: number | undefined;
  readonly columns: number;
}

const CLOUD_NAMES = { aws: 'AWS', azure: 'Azure' } as const;
const LIMIT_NAMES: Readonly<Record<Limit, string>> = {
  cpu: 'CPU',
  network: 'network',
  memory: 'memory',
  worker: 'worker',
};
const TOO_SMALL: Readonly<Record<Limit, string>> = {
  cpu: 'too few cores for one Room',
  network: 'too little network for one Room',
  memory: 'too little memory for one Room',
  worker:
    'what is sent in one Room is more than one worker takes in, which is one core, and more cores do not help',
};

export function planInWords(facts: PlanFacts): string {
  const { question, plan } = facts;
  const parts = [loadInWords(question, plan)];
  for (const cloud of question.clouds) {
    const found = plan.candidates.filter((one) => one.cloud === cloud);
    const [best] = found;
    if (best !== undefined) {
      parts.push(bestInWords(best, question), candidatesTable(found, facts.columns));
    }
    const small = plan.tooSmall.filter((one) => one.cloud === cloud);
    if (small.length > 0) parts.push(smallInWords(small, question, best === undefined));
  }
  return `${[...parts, notes(facts)].join('\n')}`;
}

function loadInWords({ rooms, room }: AskedPlan, { traffic }: Plan): string {
  const packets = traffic.forwardedVideo + traffic.forwardedAudio;
  return `${counted(rooms, 'Room')} of ${roomInWords(room)}: ${counted(
    traffic.participants,
    'participant',
  )}, ${counted(traffic.subscriptions, 'subscription')}.
In ${rate(traffic.bitsInPerSecond)}, out ${rate(traffic.bitsOutPerSecond)}, ${thousands(packets)} packets a second to participants.
`;
}

function roomInWords({ publishers, viewers, video, audio, watch }: RoomShape): string {
  const sent = [...(video ? [`video up to ${video}`] : []), ...(audio ? ['audio'] : [])];
  const size = watch === undefined || watch === video ? '' : `, received in ${watch}`;
  const who = viewers > 0 ? `${publishers} who send and ${viewers} who view` : `${publishers}`;
  return `${who} (${sent.join(' and ')}${size})`;
}

function bestInWords(best: Candidate, { masters, targetLoad }: AskedPlan): string {
  const { cloud, region, machine, nodes, usd, usdBounds, load, limit } = best;
  const machines =
    masters === 0
      ? `a Single Node on ${machine.type}`
      : `${counted(nodes.expected, 'Media Node')} of ${machine.type}`;
  const above =
    Math.max(load.cpu, load.network) > targetLoad + 1e-9
      ? 'A Room alone makes more than the target load, so each has a machine for itself.\n'
      : '';
  const most = Number.isFinite(nodes.high) ? nodes.high : nodes.expected;
  const capacity =
    masters > 0 && most > DEPLOYMENT_DEFAULTS.maxCapacity
      ? `Give the cluster \`mediaNodes.maxCapacity\` ${most} or more: it is ${DEPLOYMENT_DEFAULTS.maxCapacity} by default.\n`
      : '';
  const parts = [
    ['machines of media', usd.mediaNodes],
    ['Master Nodes', usd.masterNodes],
    ['traffic out', usd.traffic],
    ['load balancer', usd.loadBalancer],
    ['Redis', usd.redis],
    ['addresses, disks, secrets', usd.rest],
  ] as const;
  return `${CLOUD_NAMES[cloud]}, ${region}: ${machines}${between(nodes)}, at ${percent(load.cpu)} of the CPU, ${percent(load.network)} of the network, ${percent(load.memory)} of the memory; what ends first is the ${LIMIT_NAMES[limit]}.
${above}${capacity}About ${money(usd.together)} USD a month${moneyBetween(usdBounds)}: ${parts
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => `${name} ${money(amount)}`)
    .join(', ')}.`;
}

function between({ low, expected, high }: Candidate['nodes']): string {
  if (low === expected && high === expected) return '';
  return Number.isFinite(high)
    ? ` (${low} to ${high})`
    : ` (${low} or more; it may be that a Room does not fit)`;
}

/** Where it makes a difference in what is shown. */
function moneyBetween({ low, high }: Candidate['usdBounds']): string {
  if (!Number.isFinite(high)) return `, or more`;
  return money(low) === money(high) ? '' : ` (${money(low)} to ${money(high)})`;
}

/** The same in a cell. */
function range({ low, expected, high }: Candidate['nodes']): string {
  if (low === expected && high === expected) return '';
  return Number.isFinite(high) ? ` (${low}-${high})` : ` (${low}-?)`;
}

const candidatesTable = (candidates: readonly Candidate[], columns: number): string =>
  tableOf(
    [
      { title: 'machine' },
      ...['vCPUs', 'GiB', 'Gbit/s', 'nodes', 'Rooms each', 'limit', 'CPU', 'USD a month'].map(
        (title) => ({ title, align: 'right' as const }),
      ),
    ],
    candidates.map(({ machine, nodes, roomsOfNode, limit, load, usdBounds }) => [
      machine.type,
      `${machine.vcpus}`,
      `${machine.memoryGib}`,
      `${machine.networkGbps}`,
      `${nodes.expected}${range(nodes)}`,
      `${roomsOfNode}`,
      LIMIT_NAMES[limit],
      percent(load.cpu),
      money(usdBounds.expected),
    ]),
    columns,
  );

function smallInWords(
  small: readonly TooSmall[],
  { targetLoad }: AskedPlan,
  isAll: boolean,
): string {
  const reasons = new Map<string, string[]>();
  for (const one of small) {
    const reason = reasonOf(one, targetLoad);
    reasons.set(reason, [...(reasons.get(reason) ?? []), one.machine.type]);
  }
  const lines = [...reasons].map(([reason, types]) => `- ${types.join(', ')}: ${reason}.`);
  const { cloud } = small[0] ?? { cloud: 'aws' };
  const head = isAll ? `${CLOUD_NAMES[cloud]}: no machine carries it.\n` : '';
  return `${head}${lines.join('\n')}\n`;
}

function reasonOf({ limit, rooms, largest }: TooSmall, targetLoad: number): string {
  if (rooms.full > 0) {
    return `one machine alone carries ${counted(rooms.atTarget, 'Room')} below ${percent(targetLoad)} load, ${rooms.full} when it is full: give --masters 1 for more Media Nodes`;
  }
  const most =
    largest === undefined ? 'none fits' : `the largest that fits has ${sizeInWords(largest)}`;
  return `${TOO_SMALL[limit]}; ${most}`;
}

const sizeInWords = ({ publishers, viewers }: RoomShape): string =>
  viewers > 0 ? counted(viewers, 'viewer') : counted(publishers, 'participant');

function notes({ question, plan, costs, prices, factor }: PlanFacts): string {
  const { machine, measuredAt, doubts } = costs;
  const calibrated =
    factor === undefined
      ? `Not calibrated: machines are taken to be as fast as the one of the measurement. Run \`sluice plan --calibrate\` on one of the type.`
      : `Calibrated: a packet costs ${factor.toFixed(2)} times what it did on the machine of the measurement.`;
  return [
    `Media Nodes stay below ${percent(question.targetLoad)} load, with place for ${counted(question.headroomRooms, 'Room')} more. The range in brackets is for a CPU that needs ${percent(plan.error)} less or more: so far predictions were off at most, in scenarios that the costs were not made of.`,
    `Costs measured ${measuredAt.slice(0, 10)} on ${machine.cores} cores of ${machine.processor}, mediasoup ${costs.versions.mediasoup}. ${calibrated}`,
    ...doubts.map((doubt) => `To be doubted: ${doubt}.`),
    `List prices of ${prices.asOf}, without tax and discounts, for ${question.hours} hours of this load a month; look them up before you order.`,
    '',
  ].join('\n');
}

const thousands = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Three digits say as much as is known. */
const money = (usd: number): string =>
  usd < 1_000 ? usd.toFixed(0) : thousands(Number(usd.toPrecision(3)));

function rate(bits: number): string {
  return bits >= 1e9 ? `${(bits / 1e9).toFixed(2)} Gbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`;
}
