import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LinkAddress } from '../node-record';

/** What is spoken over the node link. Nodes of another one turn each other away. */
export const LINK_PROTOCOL = 1;

/** What a Media Node answers on its node link. */
export interface LinkHandlers {
  request(request: IncomingMessage, response: ServerResponse): void;
  /** Takes the WebSocket handshake of a client that a Master Node passes on, and owns the socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface LinkRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** Until the whole answer is there, ms. */
  readonly timeoutMs: number;
}

export interface LinkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A handshake that the Media Node accepted: what it says to the client, and the connection. */
export interface LinkUpgrade {
  /** Name, value, name, value, as the node wrote them. */
  readonly rawHeaders: readonly string[];
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * `alive`: it answered. `refused`: nothing listens there any more, though the machine answers.
 * `silent`: no answer in time. `stranger`: whoever answers has another secret.
 */
export type ProbeResult = 'alive' | 'refused' | 'silent' | 'stranger';

/** A Media Node could not be reached, or broke off. */
export class LinkError extends Error {
  override readonly name = 'LinkError';

  constructor(
    readonly reason: Exclude<ProbeResult, 'alive'> | 'reset',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The Master Node's side of the node link; Media Nodes use it among themselves to hand over Rooms. */
export interface LinkClient {
  /** @throws LinkError */
  request(to: LinkAddress, request: LinkRequest): Promise<LinkAnswer>;
  /**
   * Passes a client's handshake on.
   *
   * @param rawHeaders - name, value, name, value
   * @returns the node's refusal where it does not accept.
   * @throws LinkError
   */
  upgrade(
    to: LinkAddress,
    handshake: {
      readonly path: string;
      readonly rawHeaders: readonly string[];
      /** Until the node has accepted or refused, ms. */
      readonly timeoutMs: number;
      /** Gives up when it is aborted. */
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<LinkUpgrade | LinkAnswer>;
  /** Whether the node with this id answers there. Never rejects. */
  probe(to: LinkAddress, nodeId: string, timeoutMs: number): Promise<ProbeResult>;
  /**
   * Cuts all connections to a node that was found dead: nothing else tells of one that is silent.
   */
  destroyAll(to: LinkAddress): void;
  /** Idempotent; ends what is under way. */
  close(): void;
}
