import type { Logger } from 'pino';
import type { Registry } from '../registry';
import type { ProvisionAnswer, Provisioner, ProvisionRequest } from './provisioner';
import type { Asked } from './provisioning';

const BACK_OFF_MS = 2000;
const LONGEST_BACK_OFF_MS = 300_000;

export interface RequestsOptions {
  readonly provisioner: Provisioner;
  readonly registry: Pick<Registry, 'audit'>;
  readonly nodeId: string;
  /** After a no, ms. */
  readonly retryAfterMs: number;
  readonly log: Logger;
  readonly now: () => number;
  /** Between the first two tries, ms; doubled with each. @default 2000 */
  readonly backOffMs?: number | undefined;
  /** Writes down what came of it. */
  readonly done: (
    asked: Asked,
    answer: { readonly outcome: 'done' } | { readonly outcome: 'no'; readonly forMs: number },
  ) => Promise<void>;
}

/** Makes requests, each until it is answered, at longer and longer intervals. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #end = new AbortController();
  readonly #underWay = new Map<string, Promise<void>>();
  /** By id: how often it has failed, and when it may be made again. */
  readonly #failed = new Map<string, { readonly times: number; readonly notBeforeMs: number }>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /**
   * Makes those that are due, all at once. Returns without waiting for them.
   *
   * @param isWanted - others wait until the next time
   */
  send(all: readonly Asked[], isWanted: (one: Asked) => boolean): void {
    for (const id of this.#failed.keys()) {
      if (!all.some((one) => one.id === id)) this.#failed.delete(id);
    }
    if (this.#end.signal.aborted) return;
    for (const asked of all) {
      const isDue = (this.#failed.get(asked.id)?.notBeforeMs ?? 0) <= this.#options.now();
      if (asked.told || this.#underWay.has(asked.id) || !isDue || !isWanted(asked)) continue;
      const work = this.#make(asked)
        .catch((error: unknown) => {
          // The registry is away: it is asked for again, and was done already.
          this.#options.log.debug({ err: error, id: asked.id }, 'an answer is not written down');
        })
        .finally(() => this.#underWay.delete(asked.id));
      this.#underWay.set(asked.id, work);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#underWay.values());
  }

  async #make(asked: Asked): Promise<void> {
    const { provisioner, log, done } = this.#options;
    const request = requestOf(asked);
    const answer = await provisioner.ask(request, this.#end.signal);
    if (this.#end.signal.aborted && answer.outcome !== 'done') return;
    const told = { provisioner: provisioner.name, ...request };
    switch (answer.outcome) {
      case 'done':
        log.info(told, 'the provisioner does what it was asked for');
        return done(asked, answer);
      case 'no':
        return this.#refused(asked, answer);
      case 'failed': {
        const times = (this.#failed.get(asked.id)?.times ?? 0) + 1;
        const inMs = this.#backOffMs(times);
        this.#postpone(asked, inMs, times);
        log.warn(
          { ...told, why: answer.why, failed: times, againInMs: inMs },
          'the provisioner could not be asked; it is asked again for the same',
        );
      }
    }
  }

  async #refused(asked: Asked, answer: ProvisionAnswer & { outcome: 'no' }): Promise<void> {
    const { provisioner, registry, nodeId, retryAfterMs, log, done } = this.#options;
    const forMs = answer.retryAfterMs ?? retryAfterMs;
    this.#postpone(asked, forMs, 0);
    log.warn(
      { provisioner: provisioner.name, ...requestOf(asked), why: answer.why, againInMs: forMs },
      'the provisioner says no; it is asked again later',
    );
    await done(asked, { outcome: 'no', forMs });
    const what =
      asked.action === 'add' ? `no ${asked.count} more machines` : `no end of ${asked.machine}`;
    const text = `${what} for ${Math.round(forMs / 1000)} s: ${provisioner.name}: ${answer.why}`;
    await registry.audit({ by: nodeId, text });
  }

  #postpone({ id }: Asked, ms: number, times: number): void {
    this.#failed.set(id, { times, notBeforeMs: this.#options.now() + ms });
  }

  #backOffMs(times: number): number {
    const { backOffMs = BACK_OFF_MS } = this.#options;
    return Math.min(LONGEST_BACK_OFF_MS, backOffMs * 2 ** Math.min(times - 1, 20));
  }
}

function requestOf(asked: Asked): ProvisionRequest {
  const { id } = asked;
  return asked.action === 'add'
    ? { action: 'add', id, count: asked.count }
    : { action: 'remove', id, node: asked.node, machine: asked.machine, reason: asked.reason };
}
