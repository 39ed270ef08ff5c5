/** API keys and configuration of a running cluster: the command line, the routes, and two masters. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { adminPlugin } from '../../node-image/api/cluster/admin-plugin';
import { configRoutes } from '../../node-image/api/cluster/config-routes';
import { keysRoutes } from '../../node-image/api/cluster/keys-routes';
import { HttpServer } from '../../node-image/api/http-server';
import { KeyRing } from '../../node-image/api/key-ring';
import { TokenMinter } from '../../node-image/api/token-minter';
import { TokenVerifier } from '../../node-image/api/tokens';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { SharedConfig } from '../../node-image/cluster/shared-config';
import { SharedKeys } from '../../node-image/cluster/shared-keys';
import { checkSharedConfig } from '../../node-image/lifecycle/config';
import { nodeNamed } from '../cluster/placement-nodes';
import { fakeLog } from '../cluster/shared-support';
import { until } from '../support/wait';
import { type RunOptions, sluice } from './run-sluice';

const CONFIGURED = { first: 'secret-of-the-first-key-of-the-file' };
const CLUSTER_SECRET = 'the secret that all nodes of the cluster have';

interface Master {
  readonly url: string;
  readonly keys: KeyRing;
  readonly shared: SharedKeys;
  readonly tokens: TokenVerifier;
  readonly log: ReturnType<typeof fakeLog>;
}

let registry: MemoryRegistry;
let closers: (() => unknown)[];
beforeEach(() => {
  registry = new MemoryRegistry();
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

/** The parts of a Master Node that have to do with keys and configuration. */
async function master(
  given: { webhookKey?: string; clusterSecret?: string } = {},
): Promise<Master> {
  const log = fakeLog();
  const { webhookKey, clusterSecret = CLUSTER_SECRET } = given;
  const shared = new SharedKeys({ registry, clusterSecret, log });
  const keys = new KeyRing({ configured: CONFIGURED, shared });
  const tokens = new TokenVerifier({ keys });
  const audit = (text: string) => registry.audit({ by: 'ND_1', text });
  const server = new HttpServer({
    bindAddresses: ['127.0.0.1'],
    port: 0,
    health: () => ({ status: 200, text: 'OK' }),
    validate: async () => ({ status: 200, text: 'success' }),
    upgrade: (_request, socket) => void socket.destroy(),
    routes: [
      adminPlugin({
        routes: [
          ...keysRoutes({ keys, shared, lasting: true, webhookKey, audit }),
          ...configRoutes({
            shared: new SharedConfig({ registry, log }),
            registry,
            check: (yaml) =>
              checkSharedConfig(
                { argv: [], env: { LIVEKIT_KEYS: 'first: x' }, cores: 2 },
                { yaml, apiKeys: keys.list().map(({ apiKey }) => apiKey) },
              ),
            audit,
          }),
        ],
        tokens,
        log,
      }),
    ],
    log,
  });
  await server.listen();
  closers.push(
    () => server.close(),
    () => shared.close(),
  );
  return { url: `http://127.0.0.1:${server.port}`, keys, shared, tokens, log };
}

const FIRST = { LIVEKIT_API_KEY: 'first', LIVEKIT_API_SECRET: CONFIGURED.first };
const run = ({ url }: Master, argv: string, options: RunOptions = {}) =>
  sluice([...argv.split(' '), '--url', url], { env: FIRST, ...options });

async function joinsWith({ tokens }: Master, apiKey: string, secret: string): Promise<boolean> {
  const token = new AccessToken(apiKey, secret, { identity: 'ada' });
  token.addGrant({ roomJoin: true, room: 'r' });
  return tokens.verify(await token.toJwt()).then(
    () => true,
    () => false,
  );
}

const auditOf = async (): Promise<string> =>
  (await registry.auditTrail(10)).map(({ text }) => text).join('\n');

describe('API keys of a running cluster', () => {
  test('are changed without any node starting anew: added, used, and the old one retired', async () => {
    const [one, other] = [await master(), await master()];
    const added = JSON.parse((await run(one, 'keys add --json')).output);
    assert.match(added.apiKey, /^API\w{12}$/);
    assert.match(added.secret, /^\w{43}$/);
    await until('the other master takes the new key', () =>
      joinsWith(other, added.apiKey, added.secret),
    );
    assert.ok(await joinsWith(one, added.apiKey, added.secret));

    const asNew = {
      env: { LIVEKIT_API_KEY: added.apiKey, LIVEKIT_API_SECRET: added.secret },
    };
    const retired = await run(other, 'keys retire first', asNew);
    assert.deepEqual([retired.code, retired.output], [0, 'first is retired.\n'], retired.errors);
    await until('the key of the file is refused', async () => {
      return !(await joinsWith(one, 'first', CONFIGURED.first));
    });
    assert.equal(await joinsWith(other, 'first', CONFIGURED.first), false);

    const { code, errors } = await run(one, 'keys list');
    assert.deepEqual([code, errors], [1, 'invalid API key\n']);
    const { output } = await run(one, 'keys list --json', asNew);
    const { keys, problem, lasting } = JSON.parse(output);
    assert.deepEqual(
      keys.map(({ apiKey, source, state }: Record<string, string>) => [apiKey, source, state]),
      [
        ['first', 'configuration', 'retired'],
        [added.apiKey, 'cluster', 'usable'],
      ],
    );
    assert.deepEqual([problem, lasting], ['', true]);
    assert.equal(
      (await run(one, 'keys retire first', asNew)).output,
      'first was retired before.\n',
    );

    const audit = await auditOf();
    assert.match(audit, new RegExp(`API key first retired; asked with API key ${added.apiKey}`));
    assert.match(audit, new RegExp(`API key ${added.apiKey} added; asked with API key first`));
    for (const told of [audit, output, one.log.lines.join(), other.log.lines.join()]) {
      assert.ok(!told.includes(added.secret) && !told.includes(CONFIGURED.first));
    }
  });

  test('keep the last one, also where two are retired at the same moment', async () => {
    const [one, other] = [await master(), await master()];
    const last = await run(one, 'keys retire first');
    assert.equal(last.code, 1);
    assert.match(last.errors, /^first is the only API key that can be used: add another one first/);

    const { apiKey } = JSON.parse((await run(one, 'keys add --json')).output);
    await until('both know', () => other.keys.secretOf(apiKey) !== undefined);
    const both = await Promise.all([
      run(one, `keys retire ${apiKey}`),
      run(other, 'keys retire first'),
    ]);
    assert.deepEqual(both.map(({ code }) => code).sort(), [0, 1]);
    assert.equal(one.keys.list().filter(({ state }) => state === 'usable').length, 1);
  });

  test('keep the one that signs webhooks', async () => {
    const one = await master({ webhookKey: 'first' });
    await run(one, 'keys add');
    const { code, errors } = await run(one, 'keys retire first');
    assert.equal(code, 1);
    assert.match(errors, /^first signs the webhooks: set webhook.api_key to another key first/);
  });

  test('are not retired where there is none of that name', async () => {
    const { code, errors } = await run(await master(), 'keys retire devkye');
    assert.equal(code, 1);
    assert.match(errors, /^There is no API key "devkye": sluice keys list shows/);
  });

  test('are not changed by a master with another cluster secret', async () => {
    const [one, stranger] = [
      await master(),
      await master({ clusterSecret: 'another secret, mistyped' }),
    ];
    await run(one, 'keys add');
    const { code, errors } = await run(stranger, 'keys add');
    assert.equal(code, 1);
    assert.match(errors, /cannot be changed: .*another cluster secret.*same cluster secret\?/);
    assert.match((await run(stranger, 'keys list')).output, /keys of the cluster cannot be used/);
  });

  test('need a token of a cluster admin', async () => {
    const { url } = await master();
    assert.equal((await fetch(`${url}/sluice/v1/keys`)).status, 401);
    const token = new AccessToken('first', CONFIGURED.first);
    token.addGrant({ roomCreate: true, roomList: true, roomAdmin: true });
    const headers = { authorization: `Bearer ${await token.toJwt()}` };
    for (const method of ['GET', 'POST', 'DELETE']) {
      const path = method === 'DELETE' ? 'keys/first' : 'keys';
      const { status } = await fetch(`${url}/sluice/v1/${path}`, { method, headers });
      assert.equal(status, 403, method);
    }
    const put = { method: 'PUT', headers, body: 'room: {}' };
    assert.equal((await fetch(`${url}/sluice/v1/config`, put)).status, 403);
  });
});

describe('the configuration of a running cluster', () => {
  const YAML = 'room: {max_participants: 7} # for the exam\n';
  const files = { 'exam.yaml': YAML };

  test('is checked, announced, shown, and followed node by node', async () => {
    const one = await master();
    assert.match((await run(one, 'config status')).output, /^Nothing is announced\.\n$/);
    assert.equal((await run(one, 'config set --check exam.yaml', { files })).code, 0);
    assert.match((await run(one, 'config show')).output, /^# Nothing/);

    const set = await run(one, 'config set exam.yaml', { files });
    assert.match(set.output, /^Announced as version 1\./);
    assert.equal((await run(await master(), 'config show')).output, YAML);
    assert.match(await auditOf(), /configuration announced: version 1; asked with API key first/);

    const { record } = nodeNamed('ND_old');
    await registry.heartbeat(record, []);
    await registry.heartbeat({ ...record, id: 'ND_new', configVersion: 1 }, []);
    const { nodes } = JSON.parse((await run(one, 'config status --json')).output);
    assert.deepEqual(
      nodes.map((node: { id: string; configVersion: number }) => [node.id, node.configVersion]),
      [
        ['ND_old', 0],
        ['ND_new', 1],
      ],
    );
    const shared = new SharedConfig({ registry, log: one.log });
    await shared.noteRoll({ version: 1, waits: 'node ND_x is draining' });
    const inWords = (await run(one, 'config status')).output;
    assert.match(inWords, /1 node has an older one\. It waits: node ND_x is draining\.\n/);
    // Of another version that says nothing.
    await shared.noteRoll({ version: 2, waits: 'node ND_x is draining' });
    assert.doesNotMatch((await run(one, 'config status')).output, /It waits/);
  });

  test('is refused with all problems, by line, and then nothing is announced', async () => {
    const one = await master();
    const wrong = {
      'exam.yaml': 'room:\n  max_partcipants: 7\nport: 7980\nlimit: {num_tracks: x}\n',
    };
    const { code, errors } = await run(one, 'config set exam.yaml', { files: wrong });
    assert.equal(code, 2);
    assert.deepEqual(
      errors.split('\n').map((line) => /^exam.yaml:(\d+)/.exec(line)?.[1]),
      ['2', '3', '4', undefined],
      errors,
    );
    assert.match(errors, /did you mean max_participants\?/);
    assert.match((await run(one, 'config show')).output, /^# Nothing/);
  });

  test('is not announced over one that its author has not seen', async () => {
    const one = await master();
    await run(one, 'config set exam.yaml', { files });
    const { code, errors } = await run(one, 'config set exam.yaml --replaces 0', { files });
    assert.equal(code, 1);
    assert.match(errors, /^Version 1 of the configuration is announced by now, not 0\./);
    const wrong = await run(one, 'config set exam.yaml --replaces x', { files });
    assert.equal(wrong.code, 2);
  });

  test('may name a key of the cluster for webhooks', async () => {
    const one = await master();
    const { apiKey } = JSON.parse((await run(one, 'keys add --json')).output);
    const yaml = (key: string) => ({
      'exam.yaml': `webhook: {urls: ["https://example.com/"], api_key: ${key}}`,
    });
    assert.equal((await run(one, 'config set exam.yaml', { files: yaml(apiKey) })).code, 0);
    const { errors } = await run(one, 'config set exam.yaml', { files: yaml('APInone') });
    assert.match(errors, /^exam.yaml:1:\d+: webhook.api_key is given as "APInone"/);
  });

  test('may be sent as plain text, and nothing else than text', async () => {
    const { url, keys } = await master();
    const claims = { sluice: { clusterAdmin: true } };
    const token = await new TokenMinter({ keys: CONFIGURED }).mint('first', claims, 60);
    const authorization = `Bearer ${token}`;
    const put = (body: string, type: string) =>
      fetch(`${url}/sluice/v1/config`, {
        method: 'PUT',
        headers: { authorization, 'content-type': type },
        body,
      });
    assert.equal((await put(YAML, 'text/plain')).status, 200);
    for (const body of ['{}', '{"yaml": 5}', '[]', '{"yaml": "", "other": 1}']) {
      assert.equal((await put(body, 'application/json')).status, 400, body);
    }
    assert.equal(keys.list().length, 1);
  });
});
