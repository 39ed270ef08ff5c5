import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { pino } from 'pino';
import { Metrics, MetricsServer } from '../../node-image/telemetry';

const { registry } = new Metrics({ nodeId: 'ND_1', process: false });
const log = pino({ level: 'silent' });
const open = { port: 0, username: '', password: '' };
const closed = { port: 0, username: 'prom', password: 'pass:word' };

const started: MetricsServer[] = [];
async function start(prometheus: typeof open, addresses = ['127.0.0.1']) {
  const server = await MetricsServer.listen({ registry, prometheus, addresses, log });
  started.push(server);
  return {
    server,
    get: (path = '/metrics', authorization?: string) =>
      fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: authorization === undefined ? {} : { authorization },
      }),
  };
}
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the metrics server', () => {
  after(() => Promise.all(started.map((server) => server.close())));

  it('answers on any path, in the format of Prometheus', async () => {
    const { get } = await start(open);
    for (const path of ['/', '/metrics', '/any/thing?x=1']) {
      const answer = await get(path);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
      assert.match(
        await answer.text(),
        /^livekit_room_total\{node_id="ND_1",node_type="SERVER"\} 0$/m,
      );
    }
  });

  it('asks for the user name and password where they are set', async () => {
    const { get } = await start(closed);
    const refused = [
      'prom:wrong',
      'prom',
      ':',
      'other:pass:word',
      `prom:pass:word${'x'.repeat(1000)}`,
    ];
    for (const authorization of [undefined, '', 'Basic', 'Bearer x', ...refused.map(basic)]) {
      const answer = await get('/metrics', authorization);
      assert.equal(answer.status, 401, authorization);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic/);
      assert.equal(await answer.text(), '');
    }
    assert.equal((await get('/metrics', basic('prom:pass:word'))).status, 200);
  });

  it('listens on every address it is given, on one port', async () => {
    const { server } = await start(open, ['127.0.0.1', '127.0.0.2']);
    assert.equal((await fetch(`http://127.0.0.2:${server.port}/`)).status, 200);
  });

  it('says so when the port is taken, and holds on to nothing', async () => {
    const { server } = await start(open);
    const taken = { ...open, port: server.port };
    await assert.rejects(start(taken, ['127.0.0.3', '127.0.0.1']), { code: 'EADDRINUSE' });
    await (await start(taken, ['127.0.0.3'])).server.close();
  });

  it('can be closed more than once', async () => {
    const { server, get } = await start(open);
    await Promise.all([server.close(), server.close()]);
    await server.close();
    await assert.rejects(get());
  });
});
