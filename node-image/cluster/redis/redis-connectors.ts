import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  AbstractConnector,
  Redis,
  SentinelConnector,
  type StandaloneConnectionOptions,
} from 'ioredis';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Connects to one address, as the connector of ioredis does that it stands for, and listens for
 * errors as long as the socket lives. A TLS socket can have a second one after it was given up
 * (the server complains of a handshake that was broken off), and ioredis listens for the first
 * only: the second would end the process.
 */
export class TcpConnector extends AbstractConnector {
  readonly #options: StandaloneConnectionOptions;

  constructor(options: unknown) {
    const given = options as StandaloneConnectionOptions;
    super(given.disconnectTimeout ?? 2000);
    this.#options = given;
  }

  async connect(): Promise<Socket> {
    this.connecting = true;
    // Whoever asks may still set up what it listens for.
    await Promise.resolve();
    if (!this.connecting) throw new Error('Connection is closed.');
    const { tls } = this.#options;
    const address = this.address();
    const stream =
      tls === undefined ? createConnection(address) : connectTls({ ...address, ...tls });
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = stream;
    return stream;
  }

  protected address(): HostPort {
    const { host = '127.0.0.1', port = 6379 } = this.#options;
    return { host, port };
  }
}

/** A connector that tries one of the addresses after the other, beginning anywhere. */
export function connectorToAnyOf(addresses: readonly HostPort[]): typeof TcpConnector {
  return class extends TcpConnector {
    #next = Math.floor(Math.random() * addresses.length);

    protected override address(): HostPort {
      return addresses[this.#next++ % addresses.length] ?? super.address();
    }
  };
}

/** Finds the master through sentinels, with sockets that are listened to as those above. */
export class QuietSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
    // Not open to subclasses by its type: the connections to the sentinels themselves.
    const original: unknown = Reflect.get(this, 'connectToSentinel');
    if (typeof original !== 'function') return;
    Reflect.set(this, 'connectToSentinel', (endpoint: unknown, more: object = {}) => {
      const client: unknown = original.call(this, endpoint, { ...more, Connector: TcpConnector });
      // Nobody listens where it only waits for word of a fail-over, and ioredis prints errors then.
      if (client instanceof Redis) client.on('error', () => {});
      return client;
    });
  }

  override async connect(
    emitter: Parameters<SentinelConnector['connect']>[0],
  ): Promise<Awaited<ReturnType<SentinelConnector['connect']>>> {
    // What listens for a fail-over of the connection before has done its work. Were it to hear of one
    // now, it would end this search for good: ioredis takes that for a wish to be closed.
    const before: unknown = Reflect.get(this, 'failoverDetector');
    if (before instanceof Object && 'cleanup' in before && typeof before.cleanup === 'function') {
      before.cleanup();
      Reflect.set(this, 'failoverDetector', null);
    }
    const stream = await super.connect(emitter);
    stream.on('error', () => {
      // Its reader is told of the first, which is enough.
    });
    return stream;
  }
}

/** As above, and asks those that have become known since as well. */
export function sentinelConnector(known: () => readonly HostPort[]): typeof QuietSentinelConnector {
  return class extends QuietSentinelConnector {
    override connect(
      emitter: Parameters<SentinelConnector['connect']>[0],
    ): ReturnType<QuietSentinelConnector['connect']> {
      for (const address of known()) this.sentinelIterator.add(address);
      return super.connect(emitter);
    }
  };
}
