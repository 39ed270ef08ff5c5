import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, test } from 'node:test';
import { configSchema } from '../../node-image/contract';
import { externalAddress } from '../../node-image/lifecycle/external-address';
import { findExternalAddresses } from '../../node-image/lifecycle/find-external-addresses';
import { log } from '../media/support/media';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** A server that answers each request with what `answer` makes of it, in order. @returns host:port */
async function stunServer(answer: (request: Buffer, count: number) => Buffer[]): Promise<string> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  let count = 0;
  socket.on('message', (request, { address, port }) => {
    count += 1;
    for (const message of answer(request, count)) socket.send(message, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${socket.address().port}`;
}

/** A binding success, RFC 8489: the address is XORed with the magic cookie. */
function success(request: Buffer, address: string, before: readonly Buffer[] = []): Buffer {
  const mapped = Buffer.alloc(12);
  mapped.writeUInt16BE(0x0020, 0);
  mapped.writeUInt16BE(8, 2);
  mapped.writeUInt8(1, 5);
  Buffer.from(address.split('.').map(Number)).copy(mapped, 8);
  mapped.writeUInt32BE((mapped.readUInt32BE(8) ^ 0x2112a442) >>> 0, 8);
  const attributes = Buffer.concat([...before, mapped]);
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0101, 0);
  head.writeUInt16BE(attributes.length, 2);
  request.copy(head, 4, 4, 20);
  return Buffer.concat([head, attributes]);
}

/** SOFTWARE, whose 5 bytes are filled up to 8. */
const software = Buffer.from([0x80, 0x22, 0, 5, 0x61, 0x62, 0x63, 0x64, 0x65, 0, 0, 0]);

describe('the public address', () => {
  test('is what the STUN server sees', async () => {
    const server = await stunServer((request) => [success(request, '192.0.2.200')]);
    assert.equal(await externalAddress('127.0.0.1', server), '192.0.2.200');
  });

  test('is found among other attributes', async () => {
    const server = await stunServer((request) => [success(request, '192.0.2.1', [software])]);
    assert.equal(await externalAddress('127.0.0.1', server), '192.0.2.1');
  });

  test('is asked for again when an answer is lost', async () => {
    const server = await stunServer((request, count) =>
      count === 1 ? [] : [success(request, '192.0.2.1')],
    );
    assert.equal(await externalAddress('127.0.0.1', server), '192.0.2.1');
  });

  test('is not taken from answers to others, errors or noise', async () => {
    const server = await stunServer((request) => {
      const stranger = Buffer.from(request);
      stranger.fill(0, 8, 20);
      const error = success(request, '203.0.113.2');
      error.writeUInt16BE(0x0111, 0);
      const cut = success(request, '203.0.113.3').subarray(0, 26);
      return [
        success(stranger, '203.0.113.1'),
        error,
        cut,
        Buffer.from('noise'),
        Buffer.alloc(0),
        success(request, '192.0.2.1'),
      ];
    });
    assert.equal(await externalAddress('127.0.0.1', server), '192.0.2.1');
  });
});

describe('no public address', () => {
  test('is found where nobody answers in time', async () => {
    const server = await stunServer(() => []);
    await assert.rejects(
      externalAddress('127.0.0.1', server, 50),
      /no answer from the STUN server/,
    );
  });

  test('is found from an address that this machine does not have', async () => {
    await assert.rejects(externalAddress('192.0.2.1', '127.0.0.1:3478', 500));
  });

  for (const server of ['127.0.0.1:abc', '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:99999']) {
    test(`is found from "${server}", and the reason is told`, async () => {
      await assert.rejects(externalAddress('127.0.0.1', server, 500), /no STUN server/);
    });
  }
});

describe('rtc.use_external_ip', () => {
  const find = (rtc: object, ips: string[]) => {
    const config = configSchema.parse({ keys: { key: 'x'.repeat(32) }, rtc });
    return findExternalAddresses(
      config.rtc,
      ips.map((ip) => ({ ip })),
      log,
    );
  };

  test('finds the address of each IPv4 one from the first server that answers', async () => {
    const dumb = await stunServer(() => []);
    const server = await stunServer((request) => [success(request, '192.0.2.1')]);
    const found = await find({ use_external_ip: true, stun_servers: [dumb, server] }, [
      '127.0.0.1',
      '::1',
    ]);
    assert.deepEqual([...found], [['127.0.0.1', '192.0.2.1']]);
  });

  test('keeps the local address where no server can be asked', async () => {
    const rtc = { use_external_ip: true, stun_servers: ['127.0.0.1:0'] };
    assert.deepEqual([...(await find(rtc, ['127.0.0.1']))], []);
  });

  test('asks nobody where it is off', async () => {
    let asked = 0;
    const server = await stunServer(() => {
      asked += 1;
      return [];
    });
    await find({ use_external_ip: false, stun_servers: [server] }, ['127.0.0.1']);
    assert.equal(asked, 0);
  });
});
