/** How a server is chosen among those who want a call. Source: livekit/psrpc, pkg/client/rpc.go. */
export interface ChoiceRules {
  /** So long those who want it are waited for at most, ms. */
  readonly withinMs: number;
  /** So long after the first that wants it, ms. @default - withinMs counts alone */
  readonly afterFirstMs?: number;
  /** Who wants it so much has it at once. 0: the first who wants it at all. @default - nobody has */
  readonly enough?: number;
}

export interface Claim {
  readonly serverId: string;
  /** Above 0. */
  readonly affinity: number;
}

/** Gathers who wants a call, and chooses. */
export class Choice {
  /** Who has it; undefined: nobody wants it. */
  readonly made: Promise<string | undefined>;
  readonly #rules: ChoiceRules;
  readonly #timers: NodeJS.Timeout[] = [];
  #decide: (serverId: string | undefined) => void = () => {};
  #best: Claim | undefined;

  constructor(rules: ChoiceRules) {
    this.#rules = rules;
    this.made = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.#timers.push(setTimeout(() => this.end(), rules.withinMs));
  }

  take(claim: Claim): void {
    const { enough, afterFirstMs } = this.#rules;
    if (!(claim.affinity > 0)) return;
    const isFirst = this.#best === undefined;
    if (this.#best === undefined || claim.affinity > this.#best.affinity) this.#best = claim;
    if (enough !== undefined && claim.affinity >= enough) this.end();
    else if (isFirst && afterFirstMs !== undefined) {
      this.#timers.push(setTimeout(() => this.end(), afterFirstMs));
    }
  }

  /** Now, with those that there are. Idempotent. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#decide(this.#best?.serverId);
  }
}
