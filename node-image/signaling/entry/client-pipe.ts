import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DisconnectReason, LeaveRequest_Action, SignalResponse } from '@livekit/protocol';
import type { LinkUpgrade } from '../../cluster/link/link';
import { leaveRequest } from '../../room/leave';
import { switchingProtocols } from './forwarded';
import { FrameTracker, serverFrame } from './frame-tracker';

/** How long one side may take to end after the other has, in ms. */
const LINGER_MS = 3000;
/** How long it may take to find out whether a node that broke off is lost, in ms. */
const LOST_MS = 1500;
/** Nodes and clients ping each other far more often: who takes nothing for so long is gone, in ms. */
const IDLE_MS = 60_000;
/** RFC 6455, section 7.4.1: the server goes away. */
const GOING_AWAY = Buffer.from([1001 >> 8, 1001 & 0xff]);

export interface ClientPipeOptions {
  readonly client: Duplex;
  /** What the client said before it was let in. */
  readonly early: Buffer;
  readonly upgrade: LinkUpgrade;
  /** Asked when the node broke off: whether it is gone with all its Rooms. Never rejects. */
  readonly isNodeLost: () => Promise<boolean>;
  /** Both sides are closed. Called once. */
  readonly onClosed: () => void;
}

/** Carries the bytes between a client that was let in and the Media Node of its Room. */
export class ClientPipe {
  readonly #client: Duplex;
  readonly #node: Duplex;
  readonly #options: ClientPipeOptions;
  readonly #toClient = new FrameTracker();
  #open = 2;
  #ending = false;
  #clientEnded = false;
  #nodeHasEnded = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(options: ClientPipeOptions) {
    const { client, early, upgrade } = options;
    const { socket: node, head } = upgrade;
    this.#options = options;
    this.#client = client;
    this.#node = node;
    // What breaks a side off closes it too.
    client.on('error', () => undefined);
    node.on('error', () => undefined);
    client.write(switchingProtocols(upgrade.rawHeaders), 'latin1');
    this.#toClient.push(head);
    if (head.length > 0) client.write(head);
    if (early.length > 0) node.write(early);
    for (const side of [client, node]) {
      if (!(side instanceof Socket)) continue;
      side.setNoDelay(true);
      side.setTimeout(side === client ? IDLE_MS : 0, () => side.destroy());
    }
    client.once('end', () => this.#onClientEnd());
    this.#watch(client, () => this.#end());
    node.once('end', () => this.#onNodeEnd());
    this.#watch(node, () => this.#onNodeEnd());
    node.on('data', (chunk: Buffer) => this.#toClient.push(chunk));
    node.pipe(client, { end: false });
    client.pipe(node, { end: false });
  }

  /** Ends it because this Master Node stops: the client resumes through another one. */
  leave(): void {
    this.#end(this.#toClient.isAtBoundary ? serverFrame('close', GOING_AWAY) : undefined);
  }

  #watch(side: Duplex, onClosed: () => void): void {
    const onClose = (): void => {
      this.#open -= 1;
      onClosed();
      if (this.#open === 0) {
        clearTimeout(this.#linger);
        this.#options.onClosed();
      }
    };
    if (side.destroyed && side.closed) process.nextTick(onClose);
    else side.once('close', onClose);
  }

  /** It says no more, but still hears what the node says to that. */
  #onClientEnd(): void {
    if (this.#ending || this.#nodeHasEnded) return;
    this.#clientEnded = true;
    this.#limit();
    this.#node.end();
  }

  #onNodeEnd(): void {
    if (this.#ending || this.#nodeHasEnded) return;
    this.#nodeHasEnded = true;
    if (this.#toClient.sawClose || this.#clientEnded) {
      this.#end();
      return;
    }
    if (!this.#toClient.isAtBoundary) {
      // Nothing can be said any more: the client finds out, and resumes.
      this.#client.destroy();
      return;
    }
    this.#part();
    void this.#tellIfLost();
  }

  /** A client that is told joins anew at once, where one that resumes would be told only then. */
  async #tellIfLost(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), LOST_MS);
    });
    const isLost = await Promise.race([this.#options.isNodeLost(), late]);
    clearTimeout(timer);
    if (isLost) this.#end(Buffer.concat([leaveFrame(), serverFrame('close', GOING_AWAY)]));
    else this.#client.destroy();
  }

  /** Ends both sides; what was said arrives, if it is taken soon. */
  #end(lastWords?: Buffer): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#part();
    this.#limit();
    for (const side of [this.#client, this.#node]) {
      // Where it was ended before, what it was sent may still be under way.
      if (side.destroyed || side.writableEnded) continue;
      if (side === this.#client && lastWords !== undefined) side.end(lastWords);
      else side.end();
    }
  }

  #limit(): void {
    this.#linger ??= setTimeout(() => {
      this.#client.destroy();
      this.#node.destroy();
    }, LINGER_MS);
  }

  #part(): void {
    this.#client.unpipe(this.#node);
    this.#node.unpipe(this.#client);
    // Read to the end and forgotten, so that the end is seen.
    this.#client.resume();
    this.#node.resume();
  }
}

function leaveFrame(): Buffer {
  const value = leaveRequest(DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT);
  return serverFrame(
    'binary',
    new SignalResponse({ message: { case: 'leave', value } }).toBinary(),
  );
}
