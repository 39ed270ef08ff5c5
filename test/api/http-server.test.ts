import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { HttpServer, type HttpServerOptions } from '../../node-image/api/http-server';
import { ListenError } from '../../node-image/api/listen-error';
import { answerOnSocket } from '../../node-image/api/raw-answer';
import { until } from '../support/wait';

const log = { debug: () => undefined, error: () => undefined };
const options = (changes: Partial<HttpServerOptions> = {}): HttpServerOptions => ({
  bindAddresses: ['127.0.0.1'],
  port: 0,
  maxBodyBytes: 1000,
  health: () => ({ status: 200, text: 'OK' }),
  validate: async () => ({ status: 200, text: 'success' }),
  upgrade: (_request, socket) => answerOnSocket(socket, 418, 'teapot'),
  log,
  closeGraceMs: 200,
  ...changes,
});

/** Sends bytes and returns everything that comes back until the server closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      got += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(got));
  });
}

const handshake = (path: string, upgrade = 'websocket'): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

describe('HttpServer', () => {
  let well = true;
  const server = new HttpServer(
    options({
      health: () => (well ? { status: 200, text: 'OK' } : { status: 406, text: 'Not Ready' }),
      validate: async (request) => {
        if (request.url?.includes('throw')) throw new Error('secret detail');
        return { status: 401, text: 'invalid API key' };
      },
      upgrade: (request, socket) => {
        if (request.url?.includes('throw')) throw new Error('secret detail');
        answerOnSocket(socket, 418, 'teapot');
      },
      routes: [
        async (app) => {
          app.post('/echo', async (request) => request.body);
        },
      ],
    }),
  );
  let url = '';
  before(async () => {
    await server.listen();
    url = `http://127.0.0.1:${server.port}`;
  });
  after(() => server.close());

  test('answers the health of the node, also behind two slashes and to HEAD', async () => {
    assert.equal(await (await fetch(url)).text(), 'OK');
    assert.equal(await (await fetch(`${url}//`)).text(), 'OK');
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
    well = false;
    assert.equal((await fetch(url)).status, 406);
    well = true;
  });

  test('answers validate as it is told, with CORS', async () => {
    for (const path of ['/rtc/validate', '//rtc/validate', '/rtc/validate?access_token=x']) {
      const response = await fetch(url + path);
      assert.equal(response.status, 401);
      assert.equal(await response.text(), 'invalid API key');
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
    }
  });

  test('answers 500 without details when validate throws', async () => {
    const response = await fetch(`${url}/rtc/validate?throw`);
    assert.equal(response.status, 500);
    assert.equal(await response.text(), 'internal error');
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
  });

  test('answers 404 with CORS to everything it does not serve', async () => {
    const paths = ['/rtc/v1', '/rtc/v1/validate', '/rtc', '/nothing', '/settings/regions', '/%zz'];
    for (const path of paths) {
      const response = await fetch(url + path);
      const expected = path === '/%zz' ? 400 : 404;
      assert.equal(response.status, expected, path);
      const text = await response.text();
      if (expected === 404) assert.equal(text, '404 page not found\n');
      assert.equal(response.headers.get('access-control-allow-origin'), '*', path);
    }
  });

  test('answers a preflight for every path', async () => {
    for (const path of ['/', '/twirp/livekit.RoomService/ListRooms', '/rtc/v1/validate']) {
      const response = await fetch(url + path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example.com',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
      assert.equal(response.status, 204);
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
      assert.equal(response.headers.get('access-control-max-age'), '86400');
      assert.equal(
        response.headers.get('access-control-allow-headers'),
        'authorization,content-type',
      );
    }
  });

  test('hands handshakes of /rtc over, and answers all others 404 with CORS', async () => {
    for (const path of ['/rtc', '//rtc', '/rtc?access_token=x', '/prefix/rtc']) {
      assert.match(await raw(server.port, handshake(path)), /^HTTP\/1\.1 418 .*teapot$/s);
    }
    for (const path of ['/rtc/v1', '/rtc/v1?join_request=x', '/', '/agent']) {
      const answer = await raw(server.port, handshake(path));
      assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/);
      assert.match(answer, /Access-Control-Allow-Origin: \*/);
      assert.match(answer, /404 page not found\n$/);
    }
  });

  test('answers 500 when the handshake handler throws', async () => {
    assert.match(await raw(server.port, handshake('/rtc?throw')), /^HTTP\/1\.1 500 /);
  });

  test('serves a request that offers h2c as HTTP/1.1', async () => {
    const text =
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n';
    const answer = await raw(server.port, text.replace(', close', ', close'));
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
  });

  test('refuses a body over the limit, declared or not, and goes on serving', async () => {
    const big = 'x'.repeat(5000);
    const headers = { 'content-type': 'text/plain' };
    const declared = await fetch(`${url}/echo`, { method: 'POST', body: big, headers });
    assert.equal(declared.status, 413);
    assert.equal(await declared.text(), 'request body too large');
    assert.equal(declared.headers.get('access-control-allow-origin'), '*');
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(
        { port: server.port, path: '/echo', method: 'POST', headers },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      for (let part = 0; part < 10; part += 1) request.write(big);
      request.end();
    });
    assert.equal(status, 413);
    assert.equal((await fetch(url)).status, 200);
  });

  test('answers what is not HTTP with 400, and headers that are too large with 431', async () => {
    assert.match(await raw(server.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
    const huge = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(1 << 20)}\r\n\r\n`;
    assert.match(await raw(server.port, huge), /^HTTP\/1\.1 431 /);
  });

  test('accepts a token of half a megabyte in the URL', async () => {
    const response = await fetch(`${url}/rtc/validate?access_token=${'a'.repeat(500_000)}`);
    assert.equal(response.status, 401);
  });

  test('survives a client that resets in the middle of a handshake', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(handshake('/rtc'));
        socket.resetAndDestroy();
        resolve();
      });
      socket.on('error', () => undefined);
    });
    assert.equal((await fetch(url)).status, 200);
  });
});

describe('HttpServer that listens', () => {
  test('serves several addresses with one app', async () => {
    const server = new HttpServer(options({ bindAddresses: ['127.0.0.1', '127.0.0.2'] }));
    await server.listen();
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      assert.equal((await fetch(`http://${host}:${server.port}/`)).status, 200);
    }
    await server.close();
    await server.close();
  });

  test('says in one sentence that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const server = new HttpServer(options({ port }));
    await assert.rejects(server.listen(), (error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(error.code, 'EADDRINUSE');
      assert.equal(
        error.message,
        `Cannot listen on port ${port} of 127.0.0.1: another program has it; stop that program, or set "port" to a free port.`,
      );
      return true;
    });
    other.close();
  });

  test('says that an address is not one of this machine, and frees the others', async () => {
    const server = new HttpServer(options({ bindAddresses: ['127.0.0.1', '203.0.113.7'] }));
    await assert.rejects(server.listen(), /no such address; correct "bind_addresses"/);
    assert.equal(server.port, 0);
  });

  test('drops a client that sends its headers too slowly', async () => {
    const server = new HttpServer(options({ headersTimeoutMs: 300 }));
    await server.listen();
    assert.match(await raw(server.port, 'GET / HTTP/1.1\r\nHost'), /^HTTP\/1\.1 408 /);
    await server.close();
  });

  test('listens nowhere where it was closed before, or meanwhile', async () => {
    const early = new HttpServer(options());
    await early.close();
    await assert.rejects(early.listen(), /closed before it listened/);
    const late = new HttpServer(options());
    const listening = late.listen();
    await Promise.all([assert.rejects(listening, /closed before it listened/), late.close()]);
    assert.deepEqual([early.port, late.port], [0, 0]);
  });

  test('that stops listening refuses who comes, and keeps who is there until it is closed', async () => {
    const upgraded: Duplex[] = [];
    const server = new HttpServer(
      options({ upgrade: (_request, socket) => void upgraded.push(socket) }),
    );
    await server.listen();
    const { port } = server;
    const client = connect(port, '127.0.0.1', () => client.write(handshake('/rtc')));
    await until('the handshake', () => upgraded.length === 1);
    server.stopListening();
    server.stopListening();
    await assert.rejects(raw(port, handshake('/rtc')), /ECONNREFUSED/);
    const got = once(client, 'data');
    upgraded[0]?.write('still here');
    assert.equal(String((await got)[0]), 'still here');
    const gone = once(client, 'close');
    await server.close();
    await gone;
  });

  test('closes with idle, hanging and upgraded connections open', async () => {
    const server = new HttpServer(
      options({ validate: () => new Promise(() => undefined), upgrade: () => undefined }),
    );
    await server.listen();
    await (await fetch(`http://127.0.0.1:${server.port}/`)).text();
    const hanging = fetch(`http://127.0.0.1:${server.port}/rtc/validate`).catch(() => 'ended');
    const upgraded = raw(server.port, handshake('/rtc')).catch(() => 'ended');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = Date.now();
    await Promise.all([server.close(), server.close()]);
    assert.ok(Date.now() - started < 1000);
    await Promise.all([hanging, upgraded]);
    await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
  });
});
