/** What a worker carries, in tracks that go out. */
export interface Loaded {
  readonly load: number;
}

export interface WorkerQuestion<W extends Loaded> {
  /** Where the Room's tracks come in. */
  readonly home: W;
  /** How much of the home's load is this Room's. */
  readonly homeShare: number;
  /** Workers that the Room's tracks are brought to already. */
  readonly used: readonly W[];
  /** Workers that they are not brought to. */
  readonly unused: readonly W[];
  /** The load from which on a worker is spared; 0 keeps Rooms on their homes. */
  readonly limit: number;
}

/** A Room that has less than this part of the limit on its home gains less by pipes than they cost. */
const LEAST_SHARE = 0.5;
/** So much of the limit a worker has to carry less for a Room to be brought to it. */
const LEAST_GAIN = 0.25;

/** Which worker a Room's next subscriber receives from. Pure. */
export function chooseWorker<W extends Loaded>(question: WorkerQuestion<W>): W {
  const { home, homeShare, used, unused, limit } = question;
  if (limit <= 0 || home.load < limit) {
    return home;
  }
  const free = leastLoaded(used.filter(({ load }) => load < limit));
  if (free !== undefined) {
    return free;
  }
  const best = leastLoaded([home, ...used]) ?? home;
  const other = homeShare < limit * LEAST_SHARE ? undefined : leastLoaded(unused);
  return other !== undefined && other.load + limit * LEAST_GAIN <= best.load ? other : best;
}

/** The first one of those that carry least. */
function leastLoaded<W extends Loaded>(workers: readonly W[]): W | undefined {
  return workers.reduce<W | undefined>(
    (best, one) => (best === undefined || one.load < best.load ? one : best),
    undefined,
  );
}
