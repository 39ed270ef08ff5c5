/** Which run comes next: servers alternate, and everything is run once before anything is run again. */
import type { Measurement } from './measure';
import type { Scenario } from './scenarios';
import type { ServerKind } from './servers';

/** More than this of the packets lost, and a server is not given larger scenarios of the series. */
export const LOSS_LIMIT = 0.005;
/** What a run takes beside its load: start, end, floor; seconds. */
const AROUND = 6;

export interface Turn {
  /** From 1. */
  readonly pass: number;
  readonly scenario: Scenario;
  readonly server: ServerKind;
}

/** All turns, where nothing stops them. */
export function turnsOf(
  scenarios: readonly Scenario[],
  servers: readonly ServerKind[],
  repeat: number,
): readonly Turn[] {
  return Array.from({ length: repeat }, (_, i) => i + 1).flatMap((pass) =>
    scenarios
      .filter(({ isSearch }) => isSearch !== true || pass === 1)
      .flatMap((scenario) =>
        // Neither is always the first.
        (pass % 2 === 1 ? servers : servers.toReversed()).map((server) => ({
          pass,
          scenario,
          server,
        })),
      ),
  );
}

export const secondsOf = (scenario: Scenario, seconds: number): number =>
  Math.min(seconds, scenario.seconds ?? seconds);

/** How long turns take, seconds, where none is left out. */
export const durationOf = (turns: readonly Turn[], seconds: number): number =>
  turns.reduce((sum, { scenario }) => sum + secondsOf(scenario, seconds) + AROUND, 0);

/** The largest size of a series that a server carried, and why it was given no larger one. */
export interface Ceiling {
  readonly series: string;
  readonly server: ServerKind;
  /** Undefined where even the smallest was too much. */
  readonly carried: number | undefined;
  /** The size that was too much; undefined where the largest was carried. */
  readonly failed?: number;
  readonly why: string;
}

/** Knows what was too much for whom. */
export class Limits {
  readonly #carried = new Map<string, number>();
  readonly #failed = new Map<string, { readonly size: number; readonly why: string }>();

  note({ scenario, server }: Pick<Turn, 'scenario' | 'server'>, run: Measurement): void {
    const key = `${scenario.series} ${server}`;
    const why = whyTooMuch(run);
    if (why === undefined) {
      this.#carried.set(key, Math.max(this.#carried.get(key) ?? 0, scenario.size));
      return;
    }
    // Where a size is asked for by itself, a doubt is a mark; where the largest is sought, an end.
    const ends = scenario.isSearch === true || run.lostShare > LOSS_LIMIT;
    const before = this.#failed.get(key);
    if (ends && (before === undefined || before.size > scenario.size)) {
      this.#failed.set(key, { size: scenario.size, why });
    }
  }

  /** Whether a smaller one of the series was too much. */
  allows({ scenario, server }: Pick<Turn, 'scenario' | 'server'>): boolean {
    const failed = this.#failed.get(`${scenario.series} ${server}`);
    return failed === undefined || scenario.size <= failed.size;
  }

  /** Of the series that look for the largest size. */
  ceilings(scenarios: readonly Scenario[], servers: readonly ServerKind[]): readonly Ceiling[] {
    const searched = new Set(
      scenarios.filter(({ isSearch }) => isSearch).map(({ series }) => series),
    );
    return [...searched].flatMap((series) =>
      servers.flatMap((server) => {
        const key = `${series} ${server}`;
        const [carried, failed] = [this.#carried.get(key), this.#failed.get(key)];
        if (carried === undefined && failed === undefined) return [];
        return [
          {
            series,
            server,
            carried,
            ...(failed === undefined ? {} : { failed: failed.size }),
            why: failed?.why ?? 'the largest that was tried',
          },
        ];
      }),
    );
  }
}

function whyTooMuch(run: Measurement): string | undefined {
  const lost =
    run.lostShare > LOSS_LIMIT
      ? `${(run.lostShare * 100).toFixed(2)} % of packets lost`
      : undefined;
  const { isBottleneck, why } = run.load.self;
  const slow = isBottleneck ? `the load source is the bottleneck: ${why.join(', ')}` : undefined;
  return lost !== undefined && slow !== undefined ? `${lost}, but ${slow}` : (lost ?? slow);
}
