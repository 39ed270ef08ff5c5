import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type HaproxyConfig, renderHaproxyConfig } from '../../node-image/image/haproxy-config';
import { freeTcpPort } from '../support/ports';
import { until, within } from '../support/wait';

const STUN = Buffer.from('000100002112a442736c756963652d70726f6265', 'hex');

const base: HaproxyConfig = {
  port: 443,
  redirect: true,
  masters: ['127.0.0.1:7880'],
  turn: [],
  adminSocket: '/run/sluice/haproxy/admin.sock',
};

let folder = '';
let certificate = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
  certificate = join(folder, 'entry.pem');
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const args =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  execFileSync('openssl', [...args.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  writeFileSync(certificate, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const VARIANTS: Readonly<Record<string, () => HaproxyConfig>> = {
  'with TLS, TURN and other masters': () => ({
    ...base,
    certificate,
    masters: ['127.0.0.1:7880', '10.0.0.6:7880', '[2001:db8::7]:7880'],
    turn: ['127.0.0.1:3478'],
  }),
  'behind a load balancer': () => ({
    ...base,
    port: 7443,
    proxyProtocol: true,
    healthPort: 7444,
    turnSlots: 200,
  }),
  'with proofs for an authority of certificates': () => ({
    ...base,
    certificate,
    challenges: '/run/sluice/certificates/challenges.sock',
  }),
  'with such proofs, and nothing else on port 80': () => ({
    ...base,
    certificate,
    redirect: false,
    challenges: '/run/sluice/certificates/challenges.sock',
  }),
  'with RTMP in TLS': () => ({
    ...base,
    certificate,
    rtmps: { port: 1936, node: '127.0.0.1:7935' },
  }),
  'with RTMP behind a load balancer': () => ({
    ...base,
    port: 7443,
    proxyProtocol: true,
    rtmps: { port: 1936, node: '127.0.0.1:7935' },
  }),
  'plain, on a machine of its own': () => ({ ...base, port: 80 }),
};

for (const [name, config] of Object.entries(VARIANTS)) {
  test(`HAProxy takes its configuration ${name}`, () => {
    const file = join(folder, 'check.cfg');
    writeFileSync(file, renderHaproxyConfig(config()));
    const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-f', file], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /WARNING|ALERT/i);
  });
}

test('what could change the meaning of the file is refused', () => {
  assert.throws(
    () => renderHaproxyConfig({ ...base, masters: ['host:1\n  bind :1'] }),
    /give host:port/,
  );
  assert.throws(() => renderHaproxyConfig({ ...base, turn: ['host'] }), /give host:port/);
  assert.throws(() => renderHaproxyConfig({ ...base, certificate: '/a b' }), /cannot use the path/);
});

interface Web {
  readonly server: Server;
  readonly address: string;
}

async function listen(t: TestContext, server: Server): Promise<Web> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A master that says what it was told of its client, and takes WebSockets. */
const master = (t: TestContext, name = 'own'): Promise<Web> => {
  const server = createServer(({ headers }, response) => {
    response.end(
      JSON.stringify({
        name,
        for: headers['x-forwarded-for'],
        proto: headers['x-forwarded-proto'],
      }),
    );
  });
  server.on('upgrade', (_request, socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
    socket.pipe(socket);
  });
  t.after(() => server.closeAllConnections());
  return listen(t, server);
};

/** Answers with its name whatever it is sent. */
const turn = (t: TestContext, name: string): Promise<Web> =>
  listen(
    t,
    createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(name));
    }),
  );

async function start(t: TestContext, config: HaproxyConfig): Promise<void> {
  const file = join(folder, `${config.port}.cfg`);
  writeFileSync(file, renderHaproxyConfig(config));
  const child: ChildProcess = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  // One after the other.
  for (const port of [config.port, ...(config.rtmps ? [config.rtmps.port] : [])]) {
    await until('HAProxy to listen', () => canConnect(port));
  }
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const get = (
  port: number,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, headers, rejectUnauthorized: false, agent: false };
    secureRequest(options, (response) =>
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject),
    )
      .on('error', reject)
      .end();
  });

const firstAnswer = (port: number, first: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
      socket.write(first),
    );
    socket.once('data', (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(''));
  });

/** Every configuration has the one name for its inner socket: one HAProxy at a time. */
describe('the entry that runs', { concurrency: 1 }, () => {
  test('one port takes HTTPS, WebSockets and TURN/TLS, told apart by the first byte', async (t) => {
    const [web, relay] = [await master(t), await turn(t, 'relay')];
    const port = await freeTcpPort();
    const config = {
      ...base,
      port,
      certificate,
      redirect: false,
      masters: [web.address],
      turn: [relay.address],
    } as const;
    await start(t, { ...config, adminSocket: join(folder, 'a.sock') });

    const { status, body } = await get(port, { 'x-forwarded-for': '192.0.2.1' });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { name: 'own', for: '127.0.0.1', proto: 'https' });
    assert.equal(await firstAnswer(port, STUN), 'relay');
    const upgrade =
      'GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    assert.match(await firstAnswer(port, Buffer.from(upgrade)), /^HTTP\/1\.1 101 /);
  });

  test('where the node of this machine is not ready, another master takes its clients', async (t) => {
    const other = await master(t, 'other');
    const port = await freeTcpPort();
    const gone = `127.0.0.1:${await freeTcpPort()}`;
    const config = {
      ...base,
      port,
      certificate,
      redirect: false,
      masters: [gone, other.address],
    } as const;
    await start(t, { ...config, adminSocket: join(folder, 'b.sock') });
    await until('the other master', async () => (await get(port)).status === 200);
    assert.equal(JSON.parse((await get(port)).body).name, 'other');
  });

  test('behind a load balancer the node is told who the client is, and its health is passed on', async (t) => {
    const web = await master(t);
    const [port, healthPort] = [await freeTcpPort(), await freeTcpPort()];
    const adminSocket = join(folder, 'c.sock');
    await start(t, {
      ...base,
      port,
      healthPort,
      proxyProtocol: true,
      masters: [web.address],
      adminSocket,
    });

    const socket = connect(port, '127.0.0.1');
    socket.write('PROXY TCP4 192.0.2.7 10.0.0.5 5000 443\r\nGET / HTTP/1.0\r\n\r\n');
    assert.match(await text(socket), /"for":"192\.0\.2\.7","proto":"http"/);

    const health = (): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port: healthPort, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on('error', reject)
          .end();
      });
    assert.equal(await health(), 200);
    web.server.close();
    await until('the health to say so', async () => (await health()) === 503);
  });

  /** The first of what comes with an RTMP stream, from the node's side. */
  async function passedOn(t: TestContext) {
    let passOn: (bytes: Buffer) => void = () => {};
    const given = new Promise<Buffer>((resolve) => {
      passOn = resolve;
    });
    const server = createTcpServer((socket) => {
      let all = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (part) => {
        all = Buffer.concat([all, part]);
        if (all.includes('C0C1')) passOn(all);
      });
    });
    return { given, node: (await listen(t, server)).address };
  }

  test('RTMP in TLS goes to the node, which is told who the client is', async (t) => {
    const web = await master(t);
    const [port, rtmps] = [await freeTcpPort(), await freeTcpPort()];
    const { given, node } = await passedOn(t);
    await start(t, {
      ...base,
      port,
      certificate,
      redirect: false,
      masters: [web.address],
      rtmps: { port: rtmps, node },
      adminSocket: join(folder, 'e.sock'),
    });
    const socket = connectTls({ host: '127.0.0.1', port: rtmps, rejectUnauthorized: false }, () =>
      socket.write('C0C1'),
    );
    t.after(() => socket.destroy());
    const header = await within('the stream', given);
    // Source: the PROXY protocol, 2.2: signature, version 2 and PROXY, TCP over IPv4, its addresses.
    assert.equal(header.subarray(0, 14).toString('hex'), '0d0a0d0a000d0a515549540a2111');
    assert.deepEqual([...header.subarray(16, 20)], [127, 0, 0, 1]);
    assert.equal(header.readUInt16BE(26), rtmps);
  });

  test('RTMP from a load balancer goes to the node, which is told whom that speaks for', async (t) => {
    const web = await master(t);
    const [port, rtmps] = [await freeTcpPort(), await freeTcpPort()];
    const { given, node } = await passedOn(t);
    await start(t, {
      ...base,
      port,
      proxyProtocol: true,
      masters: [web.address],
      rtmps: { port: rtmps, node },
      adminSocket: join(folder, 'f.sock'),
    });
    const socket = connect(rtmps, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write('PROXY TCP4 192.0.2.7 10.0.0.5 5000 1936\r\nC0C1');
    const header = await within('the stream', given);
    assert.deepEqual([...header.subarray(16, 20)], [192, 0, 2, 7]);
    assert.equal(header.readUInt16BE(26), 1936);
  });

  test('TURN servers can be named while it runs, and taken away', async (t) => {
    const [web, relay] = [await master(t), await turn(t, 'late')];
    const port = await freeTcpPort();
    const adminSocket = join(folder, 'd.sock');
    const config = {
      ...base,
      port,
      certificate,
      redirect: false,
      masters: [web.address],
      turnSlots: 3,
    } as const;
    await start(t, { ...config, adminSocket });
    assert.equal(await firstAnswer(port, STUN), '', 'there is none yet');

    const [host, relayPort] = relay.address.split(':');
    const admin = async (commands: string): Promise<string> => {
      const socket = connect(adminSocket);
      socket.end(`${commands}\n`);
      return text(socket);
    };
    await admin(
      `set server turn/slot1 addr ${host} port ${relayPort}; enable server turn/slot1; enable health turn/slot1`,
    );
    await until(
      'the server that was named',
      async () => (await firstAnswer(port, STUN)) === 'late',
    );
  });
});
