/** Who is asked for machines: a real web server, and real programs. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { TokenVerifier, WebhookReceiver } from 'livekit-server-sdk';
import { pino } from 'pino';
import { KeyRing } from '../../../node-image/api/key-ring';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import { NodeWatch } from '../../../node-image/cluster/node-watch';
import { ExecProvisioner } from '../../../node-image/cluster/provisioner/exec-provisioner';
import type {
  ProvisionAnswer,
  ProvisionRequest,
} from '../../../node-image/cluster/provisioner/provisioner';
import { WebhookProvisioner } from '../../../node-image/cluster/provisioner/webhook-provisioner';
import { configSchema } from '../../../node-image/contract';
import { provisionedGroup } from '../../../node-image/lifecycle/provisioned-group';
import { until } from '../../support/wait';
import { FakeLink, quiet } from '../core-support';

const KEY = 'APItest';
const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const ADD: ProvisionRequest = { action: 'add', id: 'PR_1', count: 2 };
const REMOVE: ProvisionRequest = {
  action: 'remove',
  id: 'PR_2',
  node: 'ND_x',
  machine: 'media-2',
  reason: 'dead',
};
const watch = new NodeWatch({
  registry: new MemoryRegistry(),
  link: new FakeLink(),
  log: quiet,
});
const never = new AbortController().signal;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('a web server that is asked for machines', () => {
  let server: Server;
  let url = '';
  let received: Received[] = [];
  let answer: (response: ServerResponse) => void;
  beforeEach(async () => {
    received = [];
    answer = (response) => response.end('fine');
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/machines?key=hidden`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const webhook = (timeoutMs = 5000) =>
    new WebhookProvisioner({ url, timeoutMs, clusterName: 'meet', sign: async () => 'token' });
  const status = (code: number, headers = {}, text = '') => {
    answer = (response) => response.writeHead(code, headers).end(text);
  };

  it('gets what it is asked for, signed as webhooks are, with an id', async () => {
    const { sluice } = configSchema.parse({
      sluice: { scaling: { group: 'webhook', group_url: url, group_api_key: KEY } },
    });
    const config = { ...configSchema.parse({}), sluice };
    const keys = new KeyRing({ configured: { [KEY]: SECRET } });
    const registry = new MemoryRegistry();
    const parts = { registry, keys, watch };
    const group = provisionedGroup({ config, nodeId: 'M1', parts, log: pino({ level: 'silent' }) });
    assert.ok(group);
    await group.grow(3);
    await until('the request', () => received.length === 1);
    await group.close();
    const [{ headers, body }] = received as [Received];
    const { id, ...what } = JSON.parse(body);
    assert.deepEqual(what, { action: 'add', cluster: 'sluice', count: 3 });
    assert.match(id, /^PR_/);
    assert.equal(headers['idempotency-key'], id);
    // As an application checks it, with LiveKit's SDK; and by hand.
    const receiver = new WebhookReceiver(KEY, SECRET);
    await assert.rejects(receiver.receive(`${body} `, headers.authorization), /sha256/i);
    await receiver.receive(body, headers.authorization);
    const claims = await new TokenVerifier(KEY, SECRET).verify(headers.authorization ?? '');
    assert.equal(typeof claims.sha256, 'string');
    keys.close();
  });

  it('is not asked where the key that shall sign is not there', async () => {
    const { sluice } = configSchema.parse({
      sluice: { scaling: { group: 'webhook', group_url: url, group_api_key: 'APIother' } },
    });
    const config = { ...configSchema.parse({}), sluice };
    const keys = new KeyRing({ configured: { [KEY]: SECRET } });
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => lines.push(line) });
    const parts = { registry: new MemoryRegistry(), keys, watch };
    const group = provisionedGroup({ config, nodeId: 'M1', parts, log });
    await group?.grow(1);
    await until('a line of the log', () => lines.length > 0);
    await group?.close();
    assert.match(lines.join(''), /group_api_key is \\"APIother\\", which is none of the API keys/);
    assert.deepEqual(received, []);
    keys.close();
  });

  const answers: readonly [number, ProvisionRequest, ProvisionAnswer['outcome']][] = [
    [200, ADD, 'done'],
    [202, REMOVE, 'done'],
    [204, REMOVE, 'done'],
    [404, REMOVE, 'done'],
    [410, REMOVE, 'done'],
    [404, ADD, 'no'],
    [409, ADD, 'no'],
    [507, ADD, 'no'],
    [401, REMOVE, 'no'],
    [302, ADD, 'no'],
    [408, ADD, 'failed'],
    [429, ADD, 'failed'],
    [500, REMOVE, 'failed'],
    [503, ADD, 'failed'],
  ];
  for (const [code, request, outcome] of answers) {
    it(`that answers ${code} to ${request.action} is understood as ${outcome}`, async () => {
      status(code, { location: 'https://elsewhere.example.com/' }, code === 204 ? '' : 'because');
      const got = await webhook().ask(request, never);
      assert.equal(got.outcome, outcome);
      if (got.outcome !== 'done') assert.match(got.why, new RegExp(`^it answers ${code}: because`));
    });
  }

  it('says for how long it is not to be asked', async () => {
    for (const [given, understood] of [
      ['90', 90_000],
      ['0', 1000],
      ['999999999', 3_600_000],
      ['tomorrow', undefined],
    ] as const) {
      status(507, { 'retry-after': given });
      const got = await webhook().ask(ADD, never);
      assert.equal(got.outcome === 'no' && got.retryAfterMs, understood, given);
    }
  });

  it('that writes without end, a lot, or nothing, holds up nobody', async () => {
    answer = (response) => {
      response.writeHead(409);
      response.write('many\nwords '.repeat(1000));
    };
    const got = await webhook().ask(ADD, never);
    assert.ok(got.outcome === 'no');
    assert.ok(got.why.length < 600 && !got.why.includes('\n'), got.why);
    answer = () => undefined;
    const late = await webhook(1000).ask(ADD, never);
    assert.deepEqual(late, { outcome: 'failed', why: 'it does not answer within 1 s' });
  });

  it('that is not there is told in words, without what may be secret in its URL', async () => {
    server.close();
    server.closeAllConnections();
    const asked = webhook();
    const got = await asked.ask(ADD, never);
    assert.ok(got.outcome === 'failed');
    assert.match(got.why, /ECONNREFUSED/);
    assert.doesNotMatch(`${asked.name} ${got.why}`, /hidden/);
  });
});

describe('a program that is asked for machines', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-exec-'));
  after(() => rmSync(folder, { recursive: true }));
  const script = (text: string): string => {
    const file = join(folder, 'provision');
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const ask = (
    text: string,
    request: ProvisionRequest = ADD,
    timeoutMs = 10_000,
    args: readonly string[] = [],
  ) =>
    new ExecProvisioner({
      command: [script(text), ...args],
      timeoutMs,
      clusterName: 'meet',
    }).ask(request, never);

  it('is told by arguments that no shell has read, and by few variables', async () => {
    process.env['SLUICE_TEST_SECRET'] = 'hidden';
    const out = join(folder, 'out');
    const odd: ProvisionRequest = { ...REMOVE, node: '$(id)', machine: 'a b;`id`"' };
    const got = await ask(`printf '%s|' "$@" >"${out}"; env >>"${out}"`, odd, 10_000, ['--pool']);
    delete process.env['SLUICE_TEST_SECRET'];
    assert.deepEqual(got, { outcome: 'done' });
    const [args = '', ...env] = readFileSync(out, 'utf8').split('|').join('|').split('\n');
    assert.ok(args.startsWith('--pool|remove|$(id)|a b;`id`"|dead|'), args);
    const names = [args.split('|').at(-1) ?? '', ...env].map((line) => line.split('=')[0]);
    const known = ['LANG', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'SLUICE_CLUSTER', 'SLUICE_REQUEST_ID'];
    for (const name of names) assert.ok(['', '_', ...known].includes(name ?? ''), name);
    assert.ok(env.includes('SLUICE_REQUEST_ID=PR_2') || args.endsWith('SLUICE_REQUEST_ID=PR_2'));
  });

  it('answers by its exit code, and what it writes is told, within a bound', async () => {
    assert.deepEqual(await ask('test "$1 $2" = "add 2"'), { outcome: 'done' });
    assert.deepEqual(await ask('echo the rack is full; exit 75'), {
      outcome: 'no',
      why: 'it ends with 75: the rack is full',
    });
    const failed = await ask('seq 1 100000 >&2; exit 3');
    assert.ok(failed.outcome === 'failed');
    assert.match(failed.why, /^it ends with 3: 1 2 3 /);
    assert.ok(failed.why.length < 600);
    const killed = await ask('kill -9 $$');
    assert.deepEqual(killed, { outcome: 'failed', why: 'it ends with SIGKILL' });
  });

  it('that does not end is ended, with all that it has started', async () => {
    const out = join(folder, 'late');
    const got = await ask(`(sleep 30; touch "${out}") & echo waiting; wait`, ADD, 1000);
    assert.deepEqual(got, { outcome: 'failed', why: 'it does not end within 1 s: waiting' });
    assert.equal(existsSync(out), false);
  });

  it('that leaves something running behind itself is waited for no longer', async () => {
    const begun = Date.now();
    assert.deepEqual(await ask('sleep 5 &'), { outcome: 'done' });
    assert.ok(Date.now() - begun < 4500);
  });

  it('that is not there, or no program, is told in words', async () => {
    const gone = new ExecProvisioner({
      command: [join(folder, 'gone')],
      timeoutMs: 1000,
      clusterName: 'meet',
    });
    const got = await gone.ask(ADD, never);
    assert.ok(got.outcome === 'failed');
    assert.match(got.why, /cannot be run: .*ENOENT/);
    const end = new AbortController();
    end.abort();
    const file = script('sleep 30');
    const ended = await new ExecProvisioner({
      command: [file],
      timeoutMs: 60_000,
      clusterName: 'meet',
    }).ask(ADD, end.signal);
    assert.equal(ended.outcome, 'failed');
  });
});

describe('the keys of sluice.scaling for them', () => {
  const problems = (scaling: object): string[] => {
    const read = configSchema.safeParse({ sluice: { scaling } });
    return read.success ? [] : read.error.issues.map(({ path }) => path.join('.'));
  };
  const of = (name: string): string => `sluice.scaling.${name}`;

  it('have to name a URL that nobody on the way can answer for, and a key', () => {
    const webhook = { group: 'webhook', group_api_key: KEY };
    for (const bad of [
      '',
      'machines',
      'http://10.0.0.5/',
      'ftp://127.0.0.1/',
      'http://127.evil.com/',
    ])
      assert.deepEqual(problems({ ...webhook, group_url: bad }), [of('group_url')], bad);
    for (const good of ['https://ops.example.com/x', 'http://127.0.0.1:8080/', 'http://[::1]:1/'])
      assert.deepEqual(problems({ ...webhook, group_url: good }), [], good);
    const url = { group: 'webhook', group_url: 'https://ops.example.com' };
    assert.deepEqual(problems(url), [of('group_api_key')]);
    const hurried = { ...webhook, ...url, group_timeout: '10ms' };
    assert.deepEqual(problems(hurried), [of('group_timeout')]);
    const rash = { ...webhook, ...url, group_dead_after: '59s' };
    assert.deepEqual(problems(rash), [of('group_dead_after')]);
  });

  it('have to name a program by its path', () => {
    for (const bad of [[], ['provision'], ['./provision'], ['sh', '-c', 'x']])
      assert.deepEqual(problems({ group: 'exec', group_command: bad }), [of('group_command')]);
    assert.deepEqual(problems({ group: 'exec', group_command: ['/usr/bin/provision', 'a'] }), []);
  });
});
