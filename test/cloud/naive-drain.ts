import { LifecycleHook } from '../../node-image/cloud/aws/lifecycle-hook';
import type { DrainClient } from './drain-rules';
import { type DrainWorld, HOOK, HOOK_MS, LOOK_MS } from './drain-world';

/** What one can get wrong in a drain, in a client that is right otherwise. */
export type Mistake =
  | 'asks the metadata without a token'
  | 'takes silence for an end'
  | 'completes at once'
  | 'sends no heartbeat'
  | 'sends heartbeats between its looks only'
  | 'gives up at the first error'
  | 'orders at each look'
  | 'orders a drain without patience'
  | 'orders what can be cancelled'
  | 'acts only on a change that it has seen'
  | 'waits for an empty node only'
  | 'takes a node that is not listed for gone'
  | 'completes with ABANDON';

/** A drain client as one would write it in an afternoon, with one mistake, or with none. */
export class NaiveDrain implements DrainClient {
  readonly #world: DrainWorld;
  readonly #mistake: Mistake | undefined;
  readonly #hook: LifecycleHook;
  readonly #timers: NodeJS.Timeout[];
  #wasInService = false;
  #isEnding = false;
  #isBroken = false;
  #isDone = false;
  #isLooking = false;
  #goneSinceMs: number | undefined;

  constructor(world: DrainWorld, mistake?: Mistake) {
    this.#world = world;
    this.#mistake = mistake;
    const client = world.aws.clients.autoScaling;
    this.#hook = new LifecycleHook({ client, group: world.group.name, hook: HOOK });
    const every = (ms: number, what: () => Promise<void>) => setInterval(() => void what(), ms);
    const isBetween = mistake === 'sends heartbeats between its looks only';
    this.#timers = [
      every(LOOK_MS, () => this.#look()),
      ...(isBetween ? [] : [every(HOOK_MS / 9, () => this.#beat())]),
    ];
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#isDone = true;
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#isDone || this.#isBroken) return;
    this.#isLooking = true;
    try {
      await this.#work();
    } catch {
      if (this.#mistake === 'gives up at the first error') this.#isBroken = true;
    } finally {
      this.#isLooking = false;
    }
  }

  async #beat(): Promise<void> {
    if (!this.#isEnding || this.#isDone || this.#isBroken) return;
    if (this.#mistake === 'sends no heartbeat') return;
    await this.#hook.heartbeat(this.#world.machineId).catch(() => {
      if (this.#mistake === 'gives up at the first error') this.#isBroken = true;
    });
  }

  async #work(): Promise<void> {
    const { registry, machineId, node } = this.#world;
    const target = await this.#target();
    if (target === 'InService') this.#wasInService = true;
    if (target !== 'Terminated') return;
    if (this.#mistake === 'acts only on a change that it has seen' && !this.#wasInService) return;
    this.#isEnding = true;
    if (this.#mistake === 'completes at once') return this.#complete();
    const { nodes, nowMs } = await registry.snapshot();
    const found = nodes.find(({ record }) => record.machineId === machineId);
    if (found !== undefined && this.#isToOrder(found.order?.final)) await this.#order(nowMs);
    if (this.#mistake === 'sends heartbeats between its looks only') await this.#beat();
    if (found?.record.state === 'drained') return this.#complete();
    if (this.#mistake === 'waits for an empty node only') return;
    const isGone =
      found === undefined &&
      (this.#mistake === 'takes a node that is not listed for gone' || !node.isAlive);
    if (!isGone) this.#goneSinceMs = undefined;
    else if (this.#goneSinceMs === undefined) this.#goneSinceMs = performance.now();
    else if (performance.now() - this.#goneSinceMs > HOOK_MS) await this.#complete();
  }

  #isToOrder(final: string | undefined): boolean {
    if (this.#mistake === 'orders at each look') return true;
    if (this.#mistake === 'orders what can be cancelled') {
      return this.#world.node.order === undefined;
    }
    return final === undefined;
  }

  async #order(nowMs: number): Promise<void> {
    const patienceMs = this.#mistake === 'orders a drain without patience' ? 0 : 60_000;
    // Who orders again says so in the end: until then, and not a moment longer.
    const hurryMs =
      this.#mistake === 'orders at each look' ? this.#world.node.orders.length + 1 : 0;
    const isFinal = this.#mistake !== 'orders what can be cancelled';
    await this.#world.registry.order('N1', {
      id: `DR_${nowMs}_${hurryMs}`,
      reason: 'AWS ends the machine',
      patienceUntilMs: nowMs + patienceMs,
      deadlineMs: nowMs + 3_600_000 - 60_000 * hurryMs,
      onDeadline: 'force',
      ...(isFinal ? { final: 'AWS has been told to terminate the machine' } : {}),
    });
  }

  async #complete(): Promise<void> {
    const result = this.#mistake === 'completes with ABANDON' ? 'ABANDON' : 'CONTINUE';
    if (await this.#hook.complete(this.#world.machineId, result)) this.#isDone = true;
  }

  async #target(): Promise<string | undefined> {
    const { url } = this.#world.metadata;
    const signal = AbortSignal.timeout(300);
    const ask = async (path: string, init: RequestInit): Promise<Response> =>
      fetch(new URL(path, url), { ...init, signal });
    const isSilenceAnEnd = this.#mistake === 'takes silence for an end';
    try {
      const token =
        this.#mistake === 'asks the metadata without a token'
          ? undefined
          : await (
              await ask('/latest/api/token', {
                method: 'PUT',
                headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
              })
            ).text();
      const answer = await ask('/latest/meta-data/autoscaling/target-lifecycle-state', {
        headers: token === undefined ? {} : { 'X-aws-ec2-metadata-token': token },
      });
      return answer.ok ? await answer.text() : isSilenceAnEnd ? 'Terminated' : undefined;
    } catch {
      return isSilenceAnEnd ? 'Terminated' : undefined;
    }
  }
}
