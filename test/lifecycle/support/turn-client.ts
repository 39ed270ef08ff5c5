import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

const COOKIE = 0x2112a442;
const METHOD = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  permission: 0x008,
  send: 0x016,
} as const;
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  peer: 0x0012,
  lifetime: 0x000d,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  relayed: 0x0016,
  transport: 0x0019,
} as const;

export interface Credentials {
  readonly username: string;
  readonly credential: string;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** An answer of the TURN server that says no, such as 401 or 403. */
export class TurnRefusal extends Error {
  constructor(readonly code: number) {
    super(`TURN error ${code}`);
  }
}

/** What carries messages to a TURN server, and back. */
export interface TurnTransport {
  send(message: Buffer): void;
  /** @returns ends that. */
  onMessage(listener: (message: Buffer) => void): () => void;
  close(): void;
}

function overUdp({ address, port }: Endpoint): TurnTransport {
  const socket: Socket = createSocket('udp4');
  return {
    send: (message) => socket.send(message, port, address),
    onMessage: (listener) => {
      socket.on('message', listener);
      return () => socket.removeListener('message', listener);
    },
    close: () => socket.close(),
  };
}

/** As much of a TURN client as tests need. Source: RFC 5389, RFC 5766. */
export class TurnClient {
  readonly #transport: TurnTransport;
  readonly #credentials: Credentials;
  #realm = '';
  #nonce: Buffer = Buffer.alloc(0);

  /** @param server - reached over UDP, or else what reaches it */
  constructor(server: Endpoint | TurnTransport, credentials: Credentials) {
    this.#transport = 'send' in server ? server : overUdp(server);
    this.#credentials = credentials;
  }

  /**
   * @param wishSeconds - the life that is asked for. @default - none is
   * @returns the relayed address, and the life that is given. @throws TurnRefusal
   */
  async allocate(wishSeconds?: number): Promise<Endpoint & { lifetimeSeconds: number }> {
    const udp = attribute(ATTRIBUTE.transport, Buffer.of(17, 0, 0, 0));
    const challenge = await this.#request(METHOD.allocate, [udp], false);
    this.#realm = (challenge.get(ATTRIBUTE.realm) ?? Buffer.alloc(0)).toString();
    this.#nonce = challenge.get(ATTRIBUTE.nonce) ?? Buffer.alloc(0);
    const wish = Buffer.alloc(4);
    wish.writeUInt32BE(wishSeconds ?? 0);
    const life = wishSeconds === undefined ? [] : [attribute(ATTRIBUTE.lifetime, wish)];
    const answer = await this.#authorized(METHOD.allocate, [udp, ...life]);
    const lifetimeSeconds = answer.get(ATTRIBUTE.lifetime)?.readUInt32BE(0) ?? 0;
    return { ...endpointOf(answer.get(ATTRIBUTE.relayed)), lifetimeSeconds };
  }

  /** @throws TurnRefusal 403 when this peer may not be relayed to. */
  async permit(peer: Endpoint): Promise<void> {
    await this.#authorized(METHOD.permission, [attribute(ATTRIBUTE.peer, peerValue(peer))]);
  }

  send(peer: Endpoint, data: Buffer): void {
    const body = [attribute(ATTRIBUTE.peer, peerValue(peer)), attribute(ATTRIBUTE.data, data)];
    const message = packet(METHOD.send | 0x0010, randomBytes(12), body);
    this.#transport.send(message);
  }

  close(): void {
    this.#transport.close();
  }

  /** Keeps the allocation. @throws TurnRefusal where it is gone. */
  async refresh(): Promise<void> {
    await this.#authorized(METHOD.refresh, []);
  }

  async #authorized(method: number, body: readonly Buffer[]): Promise<Map<number, Buffer>> {
    const { username } = this.#credentials;
    const identity = [
      attribute(ATTRIBUTE.username, Buffer.from(username)),
      attribute(ATTRIBUTE.realm, Buffer.from(this.#realm)),
      attribute(ATTRIBUTE.nonce, this.#nonce),
    ];
    const answer = await this.#request(method, [...body, ...identity], true);
    const error = answer.get(ATTRIBUTE.error);
    if (error !== undefined) {
      throw new TurnRefusal((error[2] ?? 0) * 100 + (error[3] ?? 0));
    }
    return answer;
  }

  #request(method: number, body: readonly Buffer[], sign: boolean): Promise<Map<number, Buffer>> {
    const transaction = randomBytes(12);
    const message = sign
      ? this.#signed(method, transaction, body)
      : packet(method, transaction, body);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer from TURN')), 3000);
      const onMessage = (answer: Buffer): void => {
        if (!answer.subarray(8, 20).equals(transaction)) return;
        clearTimeout(timer);
        stop();
        resolve(attributesOf(answer));
      };
      const stop = this.#transport.onMessage(onMessage);
      this.#transport.send(message);
    });
  }

  #signed(method: number, transaction: Buffer, body: readonly Buffer[]): Buffer {
    const { username, credential } = this.#credentials;
    const key = createHash('md5').update(`${username}:${this.#realm}:${credential}`).digest();
    const unsigned = packet(method, transaction, [
      ...body,
      attribute(ATTRIBUTE.integrity, Buffer.alloc(20)),
    ]);
    const covered = unsigned.subarray(0, unsigned.length - 24);
    createHmac('sha1', key)
      .update(covered)
      .digest()
      .copy(unsigned, unsigned.length - 20);
    return unsigned;
  }
}

function packet(type: number, transaction: Buffer, body: readonly Buffer[]): Buffer {
  const attributes = Buffer.concat(body);
  const header = Buffer.alloc(20);
  // The class bits lie between the bits of the method; ours are small enough not to cross them.
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(attributes.length, 2);
  header.writeUInt32BE(COOKIE, 4);
  transaction.copy(header, 8);
  return Buffer.concat([header, attributes]);
}

function attribute(type: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function attributesOf(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2);
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return found;
}

function peerValue({ address, port }: Endpoint): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt8(1, 1);
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  value.writeUInt32BE((bits ^ COOKIE) >>> 0, 4);
  return value;
}

function endpointOf(value: Buffer | undefined): Endpoint {
  if (value === undefined) throw new Error('no address in the answer');
  const bits = (value.readUInt32BE(4) ^ COOKIE) >>> 0;
  const address = [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
  return { address, port: value.readUInt16BE(2) ^ (COOKIE >>> 16) };
}
