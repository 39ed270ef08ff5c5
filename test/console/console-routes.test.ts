import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { TokenVerifier } from 'livekit-server-sdk';
import { registerConsole } from '../../node-image/console/console-routes';
import { buildPage } from './page-server';

const KEY = 'devkey';
const SECRET = 'a-secret-of-the-tests-that-is-long-enough';

async function appWith(options: {
  development?: boolean;
  pageFolder?: string;
}): Promise<FastifyInstance> {
  const app = fastify();
  await registerConsole(app, { apiKey: KEY, apiSecret: SECRET, ...options });
  return app;
}

describe('the routes of the page', () => {
  let development: FastifyInstance;
  let production: FastifyInstance;
  before(async () => {
    buildPage();
    development = await appWith({ development: true });
    production = await appWith({});
  });
  after(async () => {
    await development.close();
    await production.close();
  });

  const askToken = (app: FastifyInstance, payload: unknown) =>
    app.inject({
      method: 'POST',
      url: '/meet/token',
      headers: { 'content-type': 'application/json' },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });

  test('GET /meet answers the page, which says whether the server gives tokens', async () => {
    for (const url of ['/meet', '/meet/', '/meet?room=demo']) {
      const answer = await development.inject({ url });
      assert.equal(answer.statusCode, 200);
      assert.match(answer.headers['content-type'] as string, /^text\/html/);
      assert.equal(answer.headers['cache-control'], 'no-cache');
      assert.match(answer.body, /data-development="true"/);
    }
    assert.match((await production.inject({ url: '/meet' })).body, /data-development="false"/);
  });

  test('the page allows scripts and styles of its own files only', async () => {
    const page = await production.inject({ url: '/meet' });
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /style-src 'self'(;|$)/);
    assert.match(policy, /connect-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.doesNotMatch(page.body, /<script(?![^>]*\ssrc="\/meet\/assets\/)/);
    assert.doesNotMatch(page.body, /https?:\/\//);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    assert.equal(page.headers['referrer-policy'], 'no-referrer');
  });

  test('what the page is made of is served, to be cached for ever where its name has a hash', async () => {
    const page = await production.inject({ url: '/meet' });
    const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    assert.equal(assets.length, 3);
    for (const url of assets) {
      const asset = await production.inject({ url });
      assert.equal(asset.statusCode, 200, url);
      assert.match(
        String(asset.headers['cache-control']),
        url.endsWith('.svg') ? /no-cache/ : /immutable/,
      );
      assert.ok(asset.headers['content-security-policy']);
    }
    const licenses = await production.inject({ url: '/meet/assets/licenses.txt' });
    for (const name of ['livekit-client', '@livekit/components-react', 'react-dom']) {
      assert.ok(licenses.body.includes(`\n${name} `), `${name} has no licence in licenses.txt`);
    }
  });

  test('no path leads out of the folder of assets', async () => {
    for (const path of [
      '../index.html',
      '..%2findex.html',
      '%2e%2e/index.html',
      '..%5cindex.html',
      '....//index.html',
      '/etc/passwd',
      '%00',
      'icon.svg%00.js',
      '.env',
    ]) {
      const answer = await production.inject({ url: `/meet/assets/${path}` });
      assert.ok([400, 403, 404].includes(answer.statusCode), `${path}: ${answer.statusCode}`);
      assert.doesNotMatch(answer.body, /<!doctype|root:/);
    }
  });

  test('in development POST /meet/token gives a token that joins the room asked for, as a new identity', async () => {
    const verifier = new TokenVerifier(KEY, SECRET);
    const identities = new Set<string>();
    for (let time = 0; time < 2; time += 1) {
      const answer = await askToken(development, { room: ' demo ', name: 'Ada Łovelace' });
      assert.equal(answer.statusCode, 200);
      assert.equal(answer.headers['cache-control'], 'no-store');
      const claims = await verifier.verify(answer.json<{ token: string }>().token);
      assert.equal(claims.video?.room, 'demo');
      assert.equal(claims.video?.roomJoin, true);
      assert.equal(claims.video?.roomAdmin, undefined);
      assert.equal(claims.name, 'Ada Łovelace');
      assert.match(claims.sub ?? '', /^Ada Łovelace-[\w-]{6}$/);
      identities.add(claims.sub ?? '');
    }
    assert.equal(identities.size, 2);
  });

  test('outside development POST /meet/token gives nothing, and says how to join instead', async () => {
    const answer = await askToken(production, { room: 'demo', name: 'Ada' });
    assert.equal(answer.statusCode, 404);
    assert.match(answer.json<{ error: string }>().error, /--dev.*\/meet#token=/);
    assert.ok(!answer.body.includes(SECRET));
  });

  test('a bad request for a token is answered 400 with what is allowed', async () => {
    const cases: [unknown, RegExp][] = [
      [{ name: 'Ada' }, /^room: must be a text of 1 to 128 characters/],
      [{ room: 'demo' }, /^name: must be a text of 1 to 64 characters/],
      [{ room: '   ', name: 'Ada' }, /^room: /],
      [{ room: 'r'.repeat(129), name: 'Ada' }, /^room: /],
      [{ room: 'demo', name: 'n'.repeat(65) }, /^name: /],
      [{ room: 'de\u0000mo', name: 'Ada' }, /^room: .*control characters/],
      [{ room: 7, name: ['Ada'] }, /^room: .*; name: /],
      ['[]', /send a JSON object/],
      ['null', /send a JSON object/],
      ['{"room":', /JSON/],
    ];
    for (const [body, expected] of cases) {
      const answer = await askToken(development, body);
      assert.equal(answer.statusCode, 400, JSON.stringify(body));
      assert.match(answer.json<{ error: string }>().error, expected);
    }
    const large = await askToken(development, { room: 'demo', name: 'n'.repeat(5000) });
    assert.equal(large.statusCode, 413);
    const form = await development.inject({
      method: 'POST',
      url: '/meet/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'room=demo',
    });
    assert.equal(form.statusCode, 415);
  });

  test('a page that is not built answers 503 with the command that builds it', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'sluice-page-'));
    const app = await appWith({ pageFolder: empty });
    try {
      const answer = await app.inject({ url: '/meet' });
      assert.equal(answer.statusCode, 503);
      assert.match(answer.body, /node scripts\/build-page\.mjs/);
    } finally {
      await app.close();
      await rm(empty, { recursive: true });
    }
  });

  test('the headers of the page are not those of the rest of the server', async () => {
    const app = fastify();
    app.get('/other', () => 'other');
    await registerConsole(app, { apiKey: KEY, apiSecret: SECRET });
    const answer = await app.inject({ url: '/other' });
    assert.equal(answer.headers['content-security-policy'], undefined);
    await app.close();
  });
});
