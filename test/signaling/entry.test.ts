import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { serverFrame } from '../../node-image/signaling/entry/frame-tracker';
import { joinToken } from '../support/tokens';
import { sleep, until } from '../support/wait';
import { closeAll, closers, join, master, media, nothingLeft } from './entry-clients';
import { SIGNER } from './entry-support';

afterEach(closeAll);

describe('a client of a Master Node', () => {
  test('is passed on with its own headers and address, and none that it made up', async () => {
    const node = await media();
    const one = await master(node);
    const client = await join(
      one,
      '&sdk=js',
      {},
      {
        'X-Forwarded-For': '203.0.113.9',
        'X-Sluice-Client': '198.51.100.1',
        'X-SLUICE-Other': 'x',
        'User-Agent': 'Tester/1',
      },
    );
    await client.isIn();
    const [request] = node.requests;
    assert.match(request?.url ?? '', /^\/rtc\?access_token=.*&sdk=js$/);
    assert.equal(request?.headers['x-sluice-client'], '203.0.113.9');
    assert.equal(request?.headers['x-sluice-other'], undefined);
    assert.equal(request?.headers['user-agent'], 'Tester/1');
    assert.deepEqual(one.routes.placings, ['room']);
  });

  test('hears and says everything, however much', async () => {
    const node = await media();
    const client = await (await join(await master(node))).isIn();
    const parts = Array.from({ length: 20 }, (_, at) => Buffer.alloc(300_000, at));
    for (const part of parts) client.socket.send(part);
    await until('all of it back', () => client.heard.length === 21);
    assert.deepEqual(client.heard.slice(1), parts);
  });

  test('may speak with its handshake', async () => {
    const node = await media();
    const one = await master(node);
    const token = await joinToken(SIGNER, 'room', 'someone');
    const socket = connect(one.port, '127.0.0.1').on('error', () => undefined);
    closers.push(async () => socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.write(
      `GET /rtc?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    // "hi" in a masked frame.
    socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    await until('the echo', () => heard.endsWith('hi'));
  });

  test('ends in order at both ends, whoever ends it', async () => {
    const node = await media();
    const one = await master(node);
    const first = await (await join(one)).isIn();
    first.socket.close(4001);
    await until('the end', () => first.closed === 4001);
    const second = await (await join(one)).isIn();
    let ended = 0;
    node.sockets[1]?.on('close', (code) => {
      ended = code;
    });
    node.sockets[1]?.close(4002);
    await until('the end', () => second.closed === 4002 && ended === 4002);
    await nothingLeft(one, node);
    assert.deepEqual(one.routes.failures, []);
  });

  test('that vanishes is gone for the node at once', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    client.socket.terminate();
    await until('the node to see it', () => node.sockets[0]?.readyState === WebSocket.CLOSED);
    await nothingLeft(one, node);
  });

  test('that half-closes still gets what the node says to that', async () => {
    const node = await media();
    node.instead = (_request, socket) => {
      socket.on('end', () => socket.end(serverFrame('binary', Buffer.from('bye'))));
      socket.write(`HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);
      socket.write(serverFrame('binary', Buffer.from('hello')));
      socket.resume();
    };
    const one = await master(node);
    const token = await joinToken(SIGNER, 'room', 'someone');
    const socket = connect(one.port, '127.0.0.1');
    socket.write(
      `GET /rtc?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    await until('the first word', () => heard.endsWith('hello'));
    socket.end();
    await until('the last word', () => heard.endsWith('bye') && socket.closed);
    await nothingLeft(one, node);
    assert.deepEqual(one.routes.failures, []);
  });

  test('that reads too slowly slows the node down, and holds nothing in the master', async () => {
    const node = await media();
    const one = await master(node);
    const client = await (await join(one)).isIn();
    client.socket.pause();
    const socket = node.sockets[0];
    const chunk = Buffer.alloc(1 << 20);
    for (let count = 0; count < 64; count += 1) socket?.send(chunk);
    await sleep(500);
    assert.ok((socket?.bufferedAmount ?? 0) > 32 << 20, `${socket?.bufferedAmount} bytes wait`);
    client.socket.resume();
    await until('all of it', () => client.heard.length === 65, { timeoutMs: 20_000 });
  });
});
