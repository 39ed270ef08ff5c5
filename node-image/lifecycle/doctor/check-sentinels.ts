import { askSentinel, type KnownToSentinel } from '../../cluster/redis/sentinel-question';
import { reasonOf } from '../../findings/reason';
import { ownSentinel, SENTINEL_PORT } from '../own-machines/own-sentinel';
import type { Check, DoctorContext } from './context';
import { type DoctorFinding, reportOf } from './problems';

const { ok, unchecked, problem } = reportOf('Sentinel');

/** With so many that live, each can be lost. */
const ENOUGH = 3;

/** What one Sentinel said, or why it said nothing. */
interface Answer {
  readonly address: string;
  /** undefined: it did not answer. */
  readonly others: readonly KnownToSentinel[] | undefined;
  readonly why: string;
}

/** The Sentinels of the cluster's Redis: each may be the only one left that knows where that is. */
export const checkSentinels: Check = async (context) => {
  const { config, sentinels } = context;
  if (config.sluice.role === 'single' || sentinels.length === 0) return [];
  const told = await askAll(context, sentinels);
  const known = told.flatMap(({ others = [] }) => others);
  // What the others know says which there are: the configuration may name machines that are gone.
  const further = known
    .map(({ address }) => address)
    .filter((address) => !sentinels.includes(address));
  const answers = [...told, ...(await askAll(context, [...new Set(further)]))];
  const up = answers.filter(({ others }) => others !== undefined).map(({ address }) => address);
  if (up.length === 0) return [unchecked('none answers; see Redis')];
  const own = ownSentinel(config);
  const findings: DoctorFinding[] = [];
  for (const { address, others, why } of answers) {
    if (others !== undefined) continue;
    if (address === own) {
      findings.push(
        problem(
          'sentinel-away',
          `the Sentinel of this machine does not answer at ${address}: ${why}`,
          'See why: systemctl status sluice-sentinel; journalctl -u sluice-sentinel --since -10min',
        ),
      );
    } else if (known.some((one) => one.address === address && !one.isDown)) {
      findings.push(
        problem(
          'sentinel-away',
          `${address} runs, as another Sentinel says, and is not reached from here: ${why}`,
          `Let this machine through there, to TCP ${SENTINEL_PORT}: it is the one to ask for Redis when the others are lost.`,
        ),
      );
    }
  }
  if (findings.length > 0) return findings;
  if (up.length < ENOUGH) return [few(up, known)];
  return [ok(`${up.length} answer: ${[...up].sort().join(', ')}`)];
};

function few(up: readonly string[], known: readonly KnownToSentinel[]): DoctorFinding {
  const lost = known.map(({ address }) => address).filter((address) => !up.includes(address));
  const gone = lost.length === 0 ? '' : `, and not ${[...new Set(lost)].sort().join(', ')}`;
  return problem(
    'sentinel-few',
    `${up.length} of the ${ENOUGH} that it takes ${up.length === 1 ? 'answers' : 'answer'}${gone}: when another Master Node is lost there are no new Rooms`,
    'Start the machine that is missing, or make another one a Master Node: sluice token create --role master, and there sluice join --role master',
  );
}

const askAll = (
  { config: { redis } }: DoctorContext,
  addresses: readonly string[],
): Promise<Answer[]> =>
  Promise.all(
    addresses.map((address) =>
      askSentinel({ redis, address }, (sentinel) => sentinel.others()).then(
        (others) => ({ address, others, why: '' }),
        (error: unknown) => ({ address, others: undefined, why: reasonOf(error) }),
      ),
    ),
  );
