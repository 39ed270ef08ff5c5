import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { writeAmf } from '../../../node-image/jobs/ingress/rtmp/amf0';
import {
  ChunkReader,
  RtmpError,
  writeMessage,
} from '../../../node-image/jobs/ingress/rtmp/chunk-reader';
import {
  countedAddress,
  readProxyHeader,
} from '../../../node-image/jobs/ingress/rtmp/proxy-header';
import { RtmpServer } from '../../../node-image/jobs/ingress/rtmp/rtmp-server';
import { until } from '../../support/wait';
import { proxyHeader } from './proxy-header';

const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);

/** As encoders say it: which stream they publish. */
const publish = (key: string): Buffer =>
  writeMessage(
    3,
    {
      ...{ type: 20, streamId: 1, timestamp: 0 },
      body: writeAmf('publish', 1, null, key, 'live'),
    },
    128,
  );

describe('strangers at the port of RTMP', () => {
  let server: RtmpServer;
  let port = 0;
  let behindProxy = 0;
  const refused: { address: string; reason: string }[] = [];
  const sockets: Socket[] = [];
  /** Lets keys be looked up. */
  let letGo: () => void = () => {};
  const asked: string[] = [];

  beforeEach(async () => {
    const lookedUp = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    server = new RtmpServer({
      publish: async (key) => {
        asked.push(key);
        await lookedUp;
        throw new Error('redis://secret@10.0.0.1 does not answer');
      },
      publishTimeoutMs: 60_000,
      log: {
        info: (fields: object) => refused.push(fields as { address: string; reason: string }),
        error: () => {},
      } as unknown as ConstructorParameters<typeof RtmpServer>[0]['log'],
    });
    port = await server.listen(['127.0.0.1'], 0);
    behindProxy = await server.listenBehindProxy(0);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    refused.splice(0);
    asked.splice(0);
  });

  const open = (to = port): Socket => {
    const socket = connect(to, '127.0.0.1');
    socket.on('error', () => {}).resume();
    sockets.push(socket);
    return socket;
  };
  const closed = async (socket: Socket): Promise<void> => {
    if (!socket.destroyed) await once(socket, 'close');
  };
  const isRefused = (reason: RegExp): Promise<unknown> =>
    until(`a refusal ${reason}`, async () => refused.some((one) => reason.test(one.reason)));

  it('are hung up on once they have sent more than an encoder says before its key', async () => {
    const socket = open();
    socket.write(HANDSHAKE);
    // Acknowledgements: not commands, of which there may be a few, and not media.
    const one = { type: 3, streamId: 0, timestamp: 0, body: Buffer.alloc(4000) };
    for (let i = 0; i < 80; i += 1) socket.write(writeMessage(2, one, 128));
    await closed(socket);
    await isRefused(/no stream key yet/);
  });

  it('have no media kept while their key is looked up, however small its pieces are', async () => {
    const socket = open();
    socket.write(Buffer.concat([HANDSHAKE, publish('guessed')]));
    await until('the key to be asked for', async () => asked.length === 1);
    const piece = { type: 8, streamId: 1, timestamp: 0, body: Buffer.from([0]) };
    socket.write(Buffer.concat(Array.from({ length: 600 }, () => writeMessage(4, piece, 128))));
    await closed(socket);
    await isRefused(/sends before it may/);
  });

  it('are told nothing of what is wrong within', async () => {
    const socket = open();
    const heard: Buffer[] = [];
    socket.on('data', (data: Buffer) => heard.push(data));
    socket.write(Buffer.concat([HANDSHAKE, publish('guessed')]));
    letGo();
    await closed(socket);
    const text = Buffer.concat(heard).toString('latin1');
    assert.match(text, /it cannot be taken now/);
    assert.doesNotMatch(text, /redis|secret/);
  });

  it('keep no encoder out, however many of them there are', async () => {
    const many = Array.from({ length: 300 }, (_, i) => {
      const socket = open(behindProxy);
      // 16 of each address at most are let wait.
      socket.write(proxyHeader(`10.0.0.${Math.floor(i / 15)}`));
      return socket;
    });
    await Promise.all(many.map(async (one) => one.connecting && (await once(one, 'connect'))));
    const encoder = open(behindProxy);
    encoder.write(Buffer.concat([proxyHeader('192.0.2.1'), HANDSHAKE, publish('good')]));
    await until('the encoder to be asked for its key', async () => asked.includes('good'));
    assert.equal(encoder.destroyed, false);
    await until('some to give way', async () => many.filter((one) => one.destroyed).length > 30);
  });

  it('are counted by the address that the proxy says, which has to say one', async () => {
    const many = Array.from({ length: 20 }, () => {
      const socket = open(behindProxy);
      socket.write(proxyHeader('2001:db8::7'));
      return socket;
    });
    await until('four to be refused', async () => many.filter((one) => one.destroyed).length === 4);
    const other = open(behindProxy);
    other.write(Buffer.concat([proxyHeader('2001:db8:1::7'), Buffer.from('GET ')]));
    await closed(other);
    assert.deepEqual(
      refused.map(({ address }) => address),
      ['2001:db8:1::7'],
    );
    const silent = open(behindProxy);
    silent.write(HANDSHAKE);
    await closed(silent);
    await isRefused(/PROXY header/);
  });
});

describe('a PROXY header', () => {
  it('is read wherever it is cut, with what comes after it', () => {
    for (const address of ['192.0.2.7', '2001:db8::7']) {
      const all = Buffer.concat([proxyHeader(address), Buffer.from('rest')]);
      const length = all.length - 4;
      for (let cut = 0; cut < length; cut += 1) {
        assert.equal(readProxyHeader(all.subarray(0, cut)), undefined);
      }
      const read = readProxyHeader(all);
      assert.equal(read?.address, address);
      assert.equal(read?.rest.toString(), 'rest');
    }
    assert.equal(readProxyHeader(proxyHeader(undefined))?.address, undefined);
    assert.throws(() => readProxyHeader(Buffer.from('\u0003')), RtmpError);
    const huge = proxyHeader('192.0.2.7');
    huge.writeUInt16BE(60_000, 14);
    assert.throws(() => readProxyHeader(huge), RtmpError);
  });

  it('has whoever has a network of IPv6 counted as one', () => {
    assert.equal(countedAddress('2001:db8:0:1::1'), countedAddress('2001:db8:0:1:ffff::2'));
    assert.notEqual(countedAddress('2001:db8:0:1::1'), countedAddress('2001:db8:0:2::1'));
    assert.equal(countedAddress('::ffff:192.0.2.1'), '192.0.2.1');
  });
});

describe('messages in pieces', () => {
  it('cost no more than the bytes they have, in all', () => {
    const reader = new ChunkReader();
    reader.maxMessageBytes = 64 << 10;
    reader.read(writeMessage(2, sized(1), 128));
    const before = process.memoryUsage();
    // Chunks of one byte, on many streams, none of which ever is whole.
    assert.throws(() => {
      for (let id = 3; id < 30; id += 1) {
        const head = writeMessage(id, { ...piece, body: Buffer.alloc(60_000) }, 60_000);
        reader.read(head.subarray(0, 12 + 1));
        for (let i = 0; i < 50_000; i += 1) reader.read(Buffer.from([0xc0 | id, 0]));
      }
    }, /not whole/);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const grown = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
    assert.ok(grown < 32 << 20, `${grown} bytes more`);
  });
});

const piece = { type: 8, streamId: 1, timestamp: 0 };
/** From now on chunks have so many bytes. */
const sized = (bytes: number) => {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(bytes);
  return { type: 1, streamId: 0, timestamp: 0, body };
};
