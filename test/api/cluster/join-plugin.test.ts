import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { JOIN_PATH, joinPlugin } from '../../../node-image/api/cluster/join-plugin';
import { HttpServer } from '../../../node-image/api/http-server';
import {
  type JoinAnswer,
  type JoinGrant,
  JoinReader,
  type JoinRequest,
  newReplyKey,
  openAnswer,
  sealRequest,
} from '../../../node-image/cluster/join-channel';
import { JoinTokens } from '../../../node-image/cluster/join-tokens';
import { LINK_PROTOCOL } from '../../../node-image/cluster/link/link';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import { BootError } from '../../../node-image/lifecycle/boot/boot-error';
import { askToJoin, masterUrl } from '../../../node-image/lifecycle/own-machines/join-request';
import { nodeRecord } from '../../cluster/support/registry-facts';

const CLUSTER_SECRET = 'the secret that all nodes of the cluster have';
const GRANT: JoinGrant = {
  clusterName: 'sluice',
  clusterSecret: CLUSTER_SECRET,
  keys: { APIone: 'the-secret-of-the-api-key' },
  redis: {
    address: '10.0.0.5:6379',
    username: '',
    password: '',
    db: 0,
    tls: false,
    sentinelMasterName: '',
    sentinelAddresses: [],
    clusterAddresses: [],
  },
  redisPasswordIsDerived: true,
  turnDomain: '',
};
const ENTRY = { kind: 'pem', domain: 'meet.example.com', pem: 'certificate and key' } as const;
const JOSE = { 'content-type': 'application/jose' };

describe('POST /sluice/v1/join', () => {
  let registry: MemoryRegistry;
  let tokens: JoinTokens;
  let reader: JoinReader;
  let server: HttpServer;
  let url = '';
  let address = '192.0.2.1';
  let takesMasters = false;
  const lines: string[] = [];

  beforeEach(async () => {
    registry = new MemoryRegistry();
    tokens = new JoinTokens({ registry, clusterSecret: CLUSTER_SECRET });
    reader = new JoinReader(CLUSTER_SECRET);
    lines.length = 0;
    takesMasters = false;
    const keep = (fields: unknown, text?: unknown) =>
      void lines.push(`${JSON.stringify(fields)} ${String(text)}`);
    const log = { debug: keep, info: keep, warn: keep, error: keep };
    server = new HttpServer({
      bindAddresses: ['127.0.0.1'],
      port: 0,
      health: () => ({ status: 200, text: 'OK' }),
      validate: async () => ({ status: 200, text: 'success' }),
      upgrade: (_request, socket) => void socket.destroy(),
      routes: [
        joinPlugin({
          reader,
          tokens,
          registry,
          nodeId: 'ND_master',
          grant: (role) => (role === 'master' ? { ...GRANT, entry: ENTRY } : GRANT),
          get takesMasters() {
            return takesMasters;
          },
          addressOf: () => address,
          log,
        }),
      ],
      log,
    });
    await server.listen();
    url = `http://127.0.0.1:${server.port}`;
  });
  afterEach(() => server.close());

  const token = async () => ({ ...(await tokens.create(60_000)), publicKey: reader.publicKey });
  const requestFor = (made: { id: string; secret: string }): JoinRequest => ({
    id: made.id,
    secret: made.secret,
    claim: randomBytes(32).toString('base64url'),
    replyKey: newReplyKey(),
    machine: 'media-1',
    role: 'media',
    version: '1.2.3',
    linkProtocol: LINK_PROTOCOL,
    nowMs: Date.now(),
  });
  const post = (body: string, headers: Record<string, string> = JOSE) =>
    fetch(`${url}${JOIN_PATH}`, { method: 'POST', headers, body });
  const ask = async (request: JoinRequest): Promise<JoinAnswer> => {
    const response = await post(await sealRequest(request, reader.publicKey));
    assert.equal(response.status, 200);
    return openAnswer(await response.text(), request);
  };
  const refusal = async (request: JoinRequest): Promise<string> => {
    const answer = await ask(request);
    return answer.outcome === 'refused' ? answer.message : assert.fail('it was let in');
  };
  const isOpen = async (): Promise<boolean> => (await tokens.list())[0]?.state === 'open';

  test('gives a machine with a token what a node needs, and writes that down', async () => {
    const made = await token();
    const request = requestFor(made);
    const response = await post(await sealRequest(request, reader.publicKey));
    const text = await response.text();
    for (const secret of [CLUSTER_SECRET, 'the-secret-of-the-api-key']) {
      assert.ok(!text.includes(secret) && !lines.join().includes(secret));
    }
    assert.deepEqual(await openAnswer(text, request), { outcome: 'granted', grant: GRANT });
    const [entry] = await registry.auditTrail(1);
    assert.equal(entry?.text, `media-1 (192.0.2.1) joins by token ${made.id}`);
    assert.ok(!lines.join().includes(made.secret));
  });

  test('tells a further Master Node of the entry, by a token that is for one', async () => {
    takesMasters = true;
    const { publicKey } = reader;
    const ofMedia = await token();
    assert.match(
      await refusal({ ...requestFor(ofMedia), role: 'master' }),
      /^This token makes a Media Node, and this machine asked to be a Master Node: make a new one on a Master Node with `sluice token create --role master`\.$/,
    );
    const ofMaster = { ...(await tokens.create(60_000, 'master')), publicKey };
    assert.match(
      await refusal(requestFor(ofMaster)),
      /^This token makes a Master Node, .* `sluice token create --role media`\.$/,
    );
    const answer = await ask({ ...requestFor(ofMaster), machine: 'master-2', role: 'master' });
    assert.deepEqual(answer, { outcome: 'granted', grant: { ...GRANT, entry: ENTRY } });
    const [entry] = await registry.auditTrail(1);
    assert.match(
      entry?.text ?? '',
      /^master-2 \(192\.0\.2\.1\) joins by token \w+ as a Master Node$/,
    );
    assert.equal((await ask(requestFor(ofMedia))).outcome, 'granted');
  });

  test('lets one of many machines in that come with one token', async () => {
    const made = await token();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => ask({ ...requestFor(made), machine: `m${i}` })),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'granted').length, 1);
  });

  test('says what may be mended before it takes the token', async () => {
    const made = await token();
    const request = requestFor(made);
    assert.match(
      await refusal({ ...request, role: 'king' }),
      /asked to be "king": give --role media or --role master\.$/,
    );
    assert.match(
      await refusal({ ...request, role: 'master' }),
      /^This cluster was made without High Availability, .* `sluice init --high-availability`\.$/,
    );
    assert.match(await refusal({ ...request, linkProtocol: 999 }), /speaks version 999/);
    const nowMs = Date.now() - 180_000;
    assert.match(await refusal({ ...request, nowMs }), /is 180 s behind the cluster's/);
    const later = Date.now() + 3_600_000;
    assert.match(await refusal({ ...request, nowMs: later }), /is 3600 s ahead of the cluster's/);
    await registry.heartbeat({ ...nodeRecord('ND_1'), machineId: 'media-1' }, []);
    assert.match(await refusal(request), /a machine called media-1 already \(ND_1\)/);
    assert.ok(await isOpen());
  });

  test('says of a token what is wrong with it, in words that help', async () => {
    const made = await token();
    assert.match(await refusal({ ...requestFor(made), secret: 'x' }), /has no such token: make a/);
    assert.ok(await isOpen());
    await ask(requestFor(made));
    assert.match(await refusal(requestFor(made)), /was used by media-1, and is good for one/);
    await tokens.revoke(made.id);
    assert.match(await refusal(requestFor(made)), /was revoked: make a new one/);
  });

  test('answers a stranger with 403, whatever it sends, and touches nothing', async () => {
    const made = await token();
    const sealed = await sealRequest(requestFor(made), reader.publicKey);
    const other = new JoinReader('the secret of another cluster, as long as ours');
    const bodies = [
      ...['', '{}', 'a.b.c.d.e', '....', 'eyJhbGciOiJub25lIn0....', sealed.slice(1)],
      sealed.replace(/^[^.]+/, Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')),
      await sealRequest(requestFor(made), other.publicKey),
      await sealRequest({ ...requestFor(made), machine: 'a\nb' }, reader.publicKey),
      await sealRequest({ ...requestFor(made), replyKey: 'short' }, reader.publicKey),
    ];
    for (const body of bodies) {
      address = `192.0.2.${bodies.indexOf(body)}`;
      const response = await post(body);
      assert.equal(response.status, 403, body);
      assert.match(await response.text(), /is no request to join/);
    }
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (body) => {
        await assert.rejects(reader.open(body), { name: 'JoinChannelError' });
      }),
    );
    assert.ok(await isOpen());
  });

  test('takes no more than a request is long, and no other type', async () => {
    assert.equal((await post('x'.repeat(5000))).status, 413);
    assert.equal((await post('{}', { 'content-type': 'application/json' })).status, 415);
    assert.equal((await fetch(`${url}${JOIN_PATH}`)).status, 404);
    // A length that is a lie.
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `POST ${JOIN_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/jose\r\ncontent-length: 999999999999\r\n\r\nx`,
    );
    const [head] = await new Promise<string[]>((resolve) =>
      socket.once('data', (data: Buffer) => resolve(data.toString().split('\r\n'))),
    );
    socket.destroy();
    assert.match(head ?? '', / 413 /);
  });

  test('hears one address 20 times a minute, and others all the same', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 22; i += 1) statuses.push((await post('x')).status);
    assert.deepEqual(statuses, [...Array(20).fill(403), 429, 429]);
    const refused = await post('x');
    assert.equal(refused.headers.get('retry-after'), '60');
    address = '192.0.2.2';
    assert.equal((await post('x')).status, 403);
  });

  test('says when the registry is away', async () => {
    const made = await token();
    await registry.close();
    const response = await post(await sealRequest(requestFor(made), reader.publicKey));
    assert.equal(response.status, 503);
  });

  describe('asked by sluice join', () => {
    const claim = 'c'.repeat(43);
    const join = (given: { id: string; secret: string; publicKey: string }, master = url) =>
      askToJoin({ master: masterUrl(master), token: given, claim, machine: 'media-1' });
    const says = (sentence: RegExp) => (error: unknown) => {
      assert.ok(error instanceof BootError, String(error));
      assert.match(error.message, sentence);
      return true;
    };

    test('gives what there is, and again to who has lost the answer', async () => {
      const made = await token();
      assert.deepEqual(await join(made), GRANT);
      assert.deepEqual(await join(made), GRANT);
    });

    test('is no use to who pretends to be the Master Node', async () => {
      const made = await token();
      const publicKey = new JoinReader('the secret of another cluster, as long as ours').publicKey;
      await assert.rejects(
        join({ ...made, publicKey }),
        says(/is of another cluster than the token/),
      );
      const replay = await sealRequest(requestFor(made), reader.publicKey);
      const liar = new HttpServer({
        bindAddresses: ['127.0.0.1'],
        port: 0,
        health: () => ({ status: 200, text: 'OK' }),
        validate: async () => ({ status: 200, text: 'success' }),
        upgrade: (_request, socket) => void socket.destroy(),
        routes: [
          async (app) => {
            app.addContentTypeParser('application/jose', (_request, _body, done) => done(null));
            app.post(JOIN_PATH, async () => replay);
          },
        ],
        log: { debug: () => {}, error: () => {} },
      });
      await liar.listen();
      try {
        const there = `http://127.0.0.1:${liar.port}`;
        await assert.rejects(join(made, there), says(/is not the cluster that the token is of/));
      } finally {
        await liar.close();
      }
    });

    test('is told where nobody is, or somebody else', async () => {
      const made = await token();
      await server.close();
      await assert.rejects(join(made), says(/^No Master Node answers at .* ECONNREFUSED/));
      for (const wrong of ['', 'ftp://x', 'https://a:b@c', 'host/path', 'a b']) {
        assert.throws(() => masterUrl(wrong), says(/is no Master Node: give its name/));
      }
      assert.equal(masterUrl('10.0.0.5').href, 'https://10.0.0.5/');
      assert.equal(masterUrl('[fd00::5]:8443').origin, 'https://[fd00::5]:8443');
    });
  });
});
