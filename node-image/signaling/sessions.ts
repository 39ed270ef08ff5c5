import type { Logger } from 'pino';
import type { TokenMinter } from '../api/token-minter';
import type { VerifiedToken } from '../api/tokens';
import { MessageBudget } from '../net/message-budget';
import type { OwnDataLimits } from '../room/own-data';
import type { Participant } from '../room/participant';
import type { Room } from '../room/room';
import type { Simulations } from '../room/simulate';
import { Session } from './session';

export interface SessionsOptions {
  readonly minter: TokenMinter;
  readonly limits: OwnDataLimits;
  readonly simulations: Simulations;
  /** Messages a second from one client; 0 sets no limit. */
  readonly signalMessagesPerSecond: number;
  readonly dataMessagesPerSecond: number;
  readonly log: Logger;
}

/** How often a client is given a new token, in ms, and how often this is looked after. */
const REFRESH_MS = 5 * 60_000;
const CHECK_MS = 10_000;

interface Entry {
  readonly session: Session;
  readonly expiresAtMs: number;
  refreshedAtMs: number;
}

/** The sessions of all participants of this node, each from join to leave. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #entries = new Map<Participant, Entry>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  /** Gives every client a new token soon, as the key that signed its last one may be retired. */
  refreshAll(): void {
    for (const entry of this.#entries.values()) {
      entry.refreshedAtMs = 0;
    }
    this.#check();
  }

  get(participant: Participant): Session | undefined {
    return this.#entries.get(participant)?.session;
  }

  /** Starts a session; its client gets a fresh token at once, should the one it came with end soon. */
  start(room: Room, participant: Participant, token: VerifiedToken): Session {
    const { limits, simulations, signalMessagesPerSecond, dataMessagesPerSecond } = this.#options;
    const data = new MessageBudget({ perSecond: dataMessagesPerSecond });
    participant.takesData = () => data.take();
    const session = new Session({
      room,
      participant,
      limits,
      simulations,
      budget: new MessageBudget({ perSecond: signalMessagesPerSecond }),
    });
    const entry = { session, expiresAtMs: token.expiresAtMs, refreshedAtMs: 0 };
    this.#entries.set(participant, entry);
    participant.claimsChanged = () => this.#refresh(participant, entry);
    this.#refresh(participant, entry);
    return session;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
  }

  #check(): void {
    for (const [participant, entry] of this.#entries) {
      if (participant.closed) {
        this.#entries.delete(participant);
      } else if (Date.now() - entry.refreshedAtMs >= REFRESH_MS) {
        this.#refresh(participant, entry);
      }
    }
  }

  #refresh(participant: Participant, entry: Entry): void {
    entry.refreshedAtMs = Date.now();
    const { name, metadata, attributes, grants } = participant;
    this.#options.minter
      .refresh({ ...grants, name, metadata, attributes }, entry.expiresAtMs)
      .then((value) => participant.send({ case: 'refreshToken', value }))
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'cannot refresh the token of a participant');
      });
  }
}
