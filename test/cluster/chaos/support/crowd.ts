import { type CallClient, type CallClients, wasDropped } from '../../../support/call-client';
import type {
  ClientEvent,
  ClientStatus,
  SmallClientOptions,
} from '../../../support/small-client-protocol';
import { joinToken, type Signer } from '../../../support/tokens';
import { sleep } from '../../../support/wait';
import type { Drop, Span, Stream } from './observations';

export interface MemberOptions {
  readonly room: string;
  readonly identity: string;
  /** Whether it publishes a picture; a tone it does in any case. */
  readonly video: boolean;
  /** Whether it receives. @default true */
  readonly subscribe?: boolean;
}

/** Frames of one client by one other, and when its tone was heard. */
type Seen = Map<string, number[]>;

/** When it was to be in the call; the last time may be open. */
interface Wanted {
  readonly fromMs: number;
  toMs: number;
  /** When its SDK had let it in; infinity: not yet. */
  joinedMs: number;
}

interface Member extends MemberOptions {
  readonly wanted: Wanted[];
  /** When its SDK connected again by itself; the last time may be open. */
  readonly again: { readonly fromMs: number; toMs: number }[];
  readonly seen: Seen;
  /** What its SDKs told, with the time, by what was told. */
  readonly story: Map<string, number>;
  client: CallClient | undefined;
  joins: number;
  readMs: number;
}

const keyOf = (kind: Stream['kind'], peer: string): string => `${kind} ${peer}`;
/**
 * A join that meets a node's end is tried again by the SDK only after so long, whatever the server
 * does: its time to get something begins then at the latest, ms.
 */
const SDK_CONNECT_MS = 15_000;
/** Frames that are read late are counted for the time when they came, ms. */
const OVERLAP_MS = 200;
const TRY_AGAIN_MS = 500;

/** Those who are in calls, come and go, and what each gets of the others. */
export class Crowd {
  readonly #members = new Map<string, Member>();
  readonly #busy = new Set<Promise<void>>();
  readonly drops: Drop[] = [];
  /** Joins that did not work at once. */
  refused = 0;
  joined = 0;

  constructor(
    private readonly clients: CallClients,
    private readonly cluster: Signer & { readonly url: string },
  ) {}

  /** Wants it in its Room from now on. Idempotent. */
  enter(options: MemberOptions): void {
    const { identity } = options;
    const member: Member = this.#members.get(identity) ?? {
      ...options,
      wanted: [],
      again: [],
      seen: new Map(),
      story: new Map(),
      client: undefined,
      joins: 0,
      readMs: 0,
    };
    this.#members.set(identity, member);
    if (this.#isWanted(member)) return;
    const ever = Number.POSITIVE_INFINITY;
    member.wanted.push({ fromMs: Date.now(), toMs: ever, joinedMs: ever });
    this.#run(this.#join(member));
  }

  /** Has it leave from now on. Idempotent. */
  exit(identity: string): void {
    const member = this.#members.get(identity);
    const last = member?.wanted.at(-1);
    if (member === undefined || last === undefined || !this.#isWanted(member)) return;
    last.toMs = Date.now();
    const { client } = member;
    member.client = undefined;
    if (client !== undefined) this.#run(this.#leave(client));
  }

  get present(): readonly string[] {
    return [...this.#members.values()]
      .filter((one) => this.#isWanted(one))
      .map(({ identity }) => identity);
  }

  /** Reads what everybody has got since the last time. */
  async read(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => this.#read(member)));
  }

  /** What everybody was to get of everybody, and got, between two moments. */
  streams({ fromMs, toMs }: Span): Stream[] {
    const members = [...this.#members.values()];
    return members.flatMap((member) =>
      members
        .filter((peer) => peer !== member && peer.room === member.room)
        .flatMap((peer) => streamsOf(member, peer, { fromMs, toMs })),
    );
  }

  /** What somebody is to get now, and has not got for a while. */
  missing(withinMs = 1_500): string[] {
    const nowMs = Date.now();
    const away = [...this.#members.values()]
      .filter((one) => this.#isWanted(one) && one.client === undefined)
      .map(({ identity }) => `${identity} is not in`);
    const silent = this.streams({ fromMs: nowMs - 1, toMs: nowMs })
      .map(({ client, peer, kind }) => {
        const lastMs = this.#members.get(client)?.seen.get(keyOf(kind, peer))?.at(-1) ?? 0;
        return { text: `${client} gets no ${kind} of ${peer}`, ageMs: nowMs - lastMs };
      })
      .filter(({ ageMs }) => ageMs >= withinMs)
      .map(({ text }) => text);
    return [...away, ...silent];
  }

  /** What everybody's SDK told since a moment, for people who look for a cause. */
  stories(sinceMs: number): string {
    return [...this.#members.values()]
      .flatMap(({ identity, story }) =>
        [...story]
          .filter(([, atMs]) => atMs >= sinceMs)
          .map(([text, atMs]) => `${new Date(atMs).toISOString()} ${identity} ${text}`),
      )
      .sort()
      .join('\n');
  }

  /** Everybody leaves. Idempotent. */
  async end(): Promise<void> {
    for (const { identity } of this.#members.values()) this.exit(identity);
    await Promise.all(this.#busy);
  }

  #isWanted({ wanted }: Member): boolean {
    return wanted.at(-1)?.toMs === Number.POSITIVE_INFINITY;
  }

  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#busy.delete(running));
    this.#busy.add(running);
  }

  /** Until it is in, or is not to be any more. */
  async #join(member: Member): Promise<void> {
    const span = member.wanted.at(-1);
    const isStill = (): boolean => member.wanted.at(-1) === span && this.#isWanted(member);
    const { room, identity, video, subscribe = true } = member;
    while (isStill()) {
      try {
        const options: SmallClientOptions = { video, subscribe, insists: true };
        const { url } = this.cluster;
        const token = await joinToken(this.cluster, room, identity);
        // Each join is another client of the same participant.
        const name = `${identity}#${member.joins++}`;
        const client = await this.clients.join(name, url, token, options);
        if (!isStill()) {
          await client.leave();
          return;
        }
        member.client = client;
        if (span !== undefined) span.joinedMs = Math.min(span.joinedMs, Date.now());
        this.joined += 1;
        return;
      } catch (error) {
        this.refused += 1;
        member.story.set(`${Date.now()} ${member.joins} refused ${String(error)}`, Date.now());
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  async #leave(client: CallClient): Promise<void> {
    // Its process is gone: that is told by the test as a whole.
    await client.leave().catch(() => undefined);
  }

  async #read(member: Member): Promise<void> {
    const { client, readMs } = member;
    if (client === undefined) return;
    const startedMs = Date.now();
    let status: ClientStatus;
    try {
      status = await client.status(readMs - OVERLAP_MS);
    } catch {
      return;
    }
    if (member.client !== client) return;
    member.readMs = startedMs;
    for (const [peer, frames] of Object.entries(status.frames)) {
      note(member.seen, keyOf('video', peer), frames);
    }
    for (const [peer, heardMs] of Object.entries(status.heardAtMs)) {
      note(member.seen, keyOf('audio', peer), [heardMs]);
    }
    for (const { name, detail, atMs } of status.events) {
      noteEvent(member, name, atMs);
      member.story.set(`${atMs} ${member.joins} ${name} ${detail}`, atMs);
    }
    if (wasDropped(status)) {
      const end = status.events.find(({ name }) => name === 'disconnected');
      const why = end?.detail ?? status.state;
      this.drops.push({ client: member.identity, atMs: end?.atMs ?? startedMs, why });
      member.client = undefined;
      this.#run(this.#leave(client));
      // Somebody has to call again, so that the run goes on.
      this.#run(this.#join(member));
    }
  }
}

function noteEvent({ again }: Member, name: ClientEvent['name'], atMs: number): void {
  const last = again.at(-1);
  const isOpen = last !== undefined && last.toMs === Number.POSITIVE_INFINITY;
  // An event may be read twice.
  if (name === 'reconnecting' && !isOpen && atMs > (last?.toMs ?? 0)) {
    again.push({ fromMs: atMs, toMs: Number.POSITIVE_INFINITY });
  } else if ((name === 'reconnected' || name === 'disconnected') && isOpen && atMs > last.fromMs) {
    last.toMs = atMs;
  }
}

const connectingOf = ({ wanted, again }: Member): Span[] => [
  ...wanted.map(({ fromMs, toMs, joinedMs }) => ({ fromMs, toMs: Math.min(toMs, joinedMs) })),
  ...again,
];

const startOf = ({ fromMs, joinedMs }: Wanted): number =>
  Math.min(joinedMs, fromMs + SDK_CONNECT_MS);

function note(seen: Seen, key: string, times: readonly number[]): void {
  const known = seen.get(key) ?? [];
  seen.set(key, known);
  for (const time of times) if (time > (known.at(-1) ?? 0)) known.push(time);
}

function streamsOf(member: Member, peer: Member, { fromMs, toMs }: Span): Stream[] {
  const kinds = peer.video ? (['audio', 'video'] as const) : (['audio'] as const);
  const { room, identity: client } = member;
  const connecting = [...connectingOf(member), ...connectingOf(peer)];
  return member.wanted.flatMap((own) =>
    peer.wanted.flatMap((other) => {
      const from = Math.max(startOf(own), startOf(other), fromMs);
      const to = Math.min(own.toMs, other.toMs, toMs);
      if (from >= to) return [];
      return kinds.map((kind) => {
        const seenMs = member.seen.get(keyOf(kind, peer.identity)) ?? [];
        const names = { room, client, peer: peer.identity };
        return { ...names, kind, seenMs, connecting, fromMs: from, toMs: to };
      });
    }),
  );
}
