import { nodesOn } from '../../node-image/cloud/machine-nodes';
import type { EventClient } from './azure-event-rules';
import type { EventWorld } from './azure-event-world';
import { LOOK_MS } from './drain-world';

/** What whoever writes a client for Scheduled Events gets wrong. */
export type EventMistake =
  | 'asks without the header'
  | 'asks by a version that knows no Terminate'
  | 'approves at once'
  | 'approves whatever it sees'
  | 'drains for whatever it sees'
  | 'approves when its own node is empty'
  | 'never approves'
  | 'gives every event a final order'
  | 'never takes an order back'
  | 'drains for a short pause'
  | 'takes as long as a drain may take'
  | 'orders what can be cancelled'
  | 'orders at each look'
  | 'takes silence for the end of it'
  | 'waits for an empty node only'
  | 'takes a node that is not listed for gone';

interface Seen {
  readonly EventId: string;
  readonly EventType: string;
  readonly Resources: readonly string[];
  readonly NotBefore: string;
  readonly DurationInSeconds: number;
}

const HOUR_MS = 3_600_000;

/** A simple client for Scheduled Events, which may make one mistake. */
export class NaiveEvents implements EventClient {
  readonly #world: EventWorld;
  readonly #mistake: EventMistake | undefined;
  readonly #timer: NodeJS.Timeout;
  #orders = 0;
  #isBusy = false;

  constructor(world: EventWorld, mistake?: EventMistake) {
    this.#world = world;
    this.#mistake = mistake;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await this.#heed().catch(() => undefined);
    this.#isBusy = false;
  }

  async #heed(): Promise<void> {
    const { machineId } = this.#world;
    const all = await this.#events();
    const isGreedy =
      this.#mistake === 'approves whatever it sees' ||
      this.#mistake === 'drains for whatever it sees';
    const mine = all.filter(({ Resources }) => isGreedy || Resources.includes(machineId));
    const isPause = ({ EventType, DurationInSeconds }: Seen) =>
      EventType === 'Freeze' &&
      DurationInSeconds < 5 &&
      this.#mistake !== 'drains for a short pause';
    for (const event of mine) {
      if (!isPause(event) && this.#mistake !== 'approves whatever it sees')
        await this.#order(event);
      if (isPause(event) || (await this.#isReady(event))) await this.#approve(event);
    }
    if (mine.length === 0 && this.#mistake !== 'never takes an order back') {
      for (const { record, order } of nodesOn(await this.#world.registry.snapshot(), machineId)) {
        if (order?.final === undefined) await this.#world.registry.cancelOrder(record.id);
      }
    }
  }

  async #order({ EventType, NotBefore }: Seen): Promise<void> {
    const { registry, machineId } = this.#world;
    const snapshot = await registry.snapshot();
    const isEnd = EventType === 'Terminate' || EventType === 'Preempt';
    const isFinal =
      this.#mistake === 'gives every event a final order' ||
      (isEnd && this.#mistake !== 'orders what can be cancelled');
    const allMs =
      this.#mistake === 'takes as long as a drain may take'
        ? HOUR_MS
        : Date.parse(NotBefore) - Date.now() - 10_000;
    for (const { record, order } of nodesOn(snapshot, machineId)) {
      const isAgain = this.#mistake === 'orders at each look';
      if (order !== undefined && !isAgain) continue;
      this.#orders += 1;
      await registry.order(record.id, {
        id: `DR_${this.#orders}`,
        reason: EventType,
        patienceUntilMs: snapshot.nowMs + Math.max(0, allMs - 120_000),
        // An order that ends earlier takes the place of one that stands.
        deadlineMs: snapshot.nowMs + Math.max(0, allMs) - (isAgain ? 100 * this.#orders : 0),
        onDeadline: 'force',
        ...(isFinal ? { final: 'Azure says so' } : {}),
      });
    }
  }

  async #isReady({ Resources }: Seen): Promise<boolean> {
    const mistake = this.#mistake;
    if (mistake === 'never approves') return false;
    if (mistake === 'approves at once' || mistake === 'approves whatever it sees') return true;
    const { registry, machineId, node } = this.#world;
    const snapshot = await registry.snapshot();
    const isEmpty = (name: string) => {
      const nodes = nodesOn(snapshot, name);
      if (nodes.length === 0 && mistake === 'takes a node that is not listed for gone') return true;
      if (name === machineId && !node.isAlive && mistake !== 'waits for an empty node only') {
        return true;
      }
      return nodes.length > 0 && nodes.every(({ record }) => record.state === 'drained');
    };
    const own = mistake === 'approves when its own node is empty' ? [machineId] : Resources;
    return own.every(isEmpty);
  }

  async #events(): Promise<readonly Seen[]> {
    const version =
      this.#mistake === 'asks by a version that knows no Terminate' ? '2017-11-01' : '2020-07-01';
    const answer = await this.#ask(version);
    if (!answer.ok && this.#mistake !== 'takes silence for the end of it') {
      throw new Error(`it answers ${answer.status}`);
    }
    return answer.ok ? ((await answer.json()) as { Events: Seen[] }).Events : [];
  }

  async #approve({ EventId }: Seen): Promise<void> {
    await this.#ask('2020-07-01', JSON.stringify({ StartRequests: [{ EventId }] }));
  }

  #ask(version: string, body?: string): Promise<Response> {
    return fetch(`${this.#world.metadata.url}/metadata/scheduledevents?api-version=${version}`, {
      headers: this.#mistake === 'asks without the header' ? {} : { Metadata: 'true' },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
  }
}
