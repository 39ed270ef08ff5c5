import { connect, createServer, type Socket } from 'node:net';
import { resetSocket } from './cluster-reset';

/** One node's way to Redis, which a test can spoil for this node alone. */
export interface RedisLink {
  /** `host:port`, for `redis.address`. */
  readonly address: string;
  /** As if packets were dropped: what is open hangs, and new connections are accepted and hang. */
  stop(): void;
  /** Open connections are reset and new ones too: a Redis that has crashed. */
  refuse(): void;
  /** Each piece of an answer comes so much later, ms. */
  delay(ms: number): void;
  /** Answers arrive as bytes that mean nothing. */
  garble(): void;
  /** All is well again; what hung is let go. */
  mend(): void;
  /** Idempotent. */
  close(): Promise<void>;
}

type Mode = 'open' | 'stopped' | 'refusing' | 'garbling';

export interface RedisLinkOptions {
  /** Of the real Redis, on 127.0.0.1. */
  readonly port: number;
  /** Where the node finds this link. @default 127.0.0.1 */
  readonly host?: string;
}

/** Relays one node's connections to Redis. */
export async function startRedisLink(options: RedisLinkOptions): Promise<RedisLink> {
  const { port, host = '127.0.0.1' } = options;
  const sockets = new Set<Socket>();
  let mode: Mode = 'open';
  let delayMs = 0;

  const reset = (): void => {
    for (const socket of sockets) resetSocket(socket);
  };
  const keep = (socket: Socket, other?: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      other?.destroy();
    });
  };
  const toNode = (node: Socket, chunk: Buffer): void => {
    if (mode === 'garbling') node.write(Buffer.alloc(chunk.length, '\u0007!'));
    else if (mode === 'open') node.write(chunk);
  };
  const server = createServer((node) => {
    if (mode === 'refusing') {
      node.on('error', () => undefined);
      resetSocket(node);
      return;
    }
    const redis = connect(port, '127.0.0.1');
    keep(node, redis);
    keep(redis, node);
    node.on('data', (chunk) => {
      if (mode !== 'stopped') redis.write(chunk);
    });
    // What is slow comes late, and still in order.
    let lastMs = 0;
    redis.on('data', (chunk) => {
      const nowMs = performance.now();
      lastMs = Math.max(lastMs, nowMs + delayMs);
      if (lastMs <= nowMs) toNode(node, chunk);
      else setTimeout(() => toNode(node, chunk), lastMs - nowMs);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const bound = server.address();
  return {
    address: `${host}:${typeof bound === 'object' && bound !== null ? bound.port : 0}`,
    stop: () => {
      mode = 'stopped';
    },
    refuse: () => {
      mode = 'refusing';
      reset();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    garble: () => {
      mode = 'garbling';
    },
    mend: () => {
      // What was swallowed leaves a connection out of step: it is of no use any more.
      if (mode !== 'open') reset();
      mode = 'open';
      delayMs = 0;
    },
    close: async () => {
      // Without a reset: Node.js 24 never ends where one meets a connection that is just closing.
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
