/** What `sluice init`, `join`, `leave` and `token create` read, refuse and print. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FakeAdmin } from './fake-admin';
import { sluice } from './run-sluice';

const KEY = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a-secret-that-is-in-no-output' };
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

describe('sluice token create, list, revoke', () => {
  let admin: FakeAdmin;
  before(async () => {
    admin = new FakeAdmin();
    await admin.listen();
  });
  after(() => admin.close());
  beforeEach(() => {
    admin.answers.clear();
    admin.asked.length = 0;
  });
  const run = (argv: string) => sluice([...argv.split(' '), '--url', admin.url], { env: KEY });

  test('create prints the token alone on standard output, so that a file can take it', async () => {
    const made = { id: 'abc', token: 'sluice-join-1.abc', expiresAtMs: NOW_MS };
    admin.answers.set('POST join-tokens', [200, made]);
    const { code, output, errors } = await run('token create --valid-for 10m');
    assert.deepEqual([code, output], [0, 'sluice-join-1.abc\n']);
    assert.match(errors, /^Good for one machine, until 2026-01-02T03:04:05Z, and not shown again/);
    assert.deepEqual(admin.asked[0]?.body, { validFor: 600_000 });
    assert.deepEqual(JSON.parse((await run('token create --json')).output), made);
    assert.deepEqual(admin.asked[1]?.body, {});
  });

  test('create asks for a token of a Master Node, and says how that joins', async () => {
    const made = { id: 'abc', token: 'sluice-join-1.abc', role: 'master', expiresAtMs: NOW_MS };
    admin.answers.set('POST join-tokens', [200, made]);
    const { code, errors } = await run('token create --role master');
    assert.equal(code, 0);
    assert.match(errors, /There: sluice join --role master --master HOST --token TOKEN\n$/);
    assert.deepEqual(admin.asked[0]?.body, { role: 'master' });
    const none = { code: 'conflict', message: 'This cluster was made without High Availability.' };
    admin.answers.set('POST join-tokens', [409, none]);
    const refused = await run('token create --role master');
    assert.deepEqual([refused.code, refused.output], [1, '']);
    assert.match(refused.errors, /^This cluster was made without High Availability\.$/m);
  });

  test('list shows what became of each, and no secret', async () => {
    admin.answers.set('GET join-tokens', [200, { tokens: [] }]);
    assert.match((await run('token list')).output, /^There are no join tokens/);
    const times = { createdAtMs: NOW_MS, expiresAtMs: NOW_MS };
    const tokens = [{ id: 'abc', state: 'used', usedBy: 'media-1', ...times }];
    admin.answers.set('GET join-tokens', [200, { tokens }]);
    assert.match((await run('token list')).output, /abc .*used .*2026-01-02T03:04:05Z .*media-1/);
  });

  test('revoke says what it was before', async () => {
    admin.answers.set('DELETE join-tokens/abc', [200, { id: 'abc', state: 'open' }]);
    assert.equal((await run('token revoke abc')).output, 'abc is revoked.\n');
    admin.answers.set('DELETE join-tokens/abc', [200, { id: 'abc', state: 'used' }]);
    assert.equal((await run('token revoke abc')).output, 'abc is revoked. It was used before.\n');
  });

  test('a token for a participant still needs a Room and an identity', async () => {
    const { code, errors } = await sluice(['token', '--dev', '--room', 'demo']);
    assert.equal(code, 2);
    assert.match(
      errors,
      /^--identity is missing: .*one for a machine is made by sluice token create/,
    );
  });
});

describe('sluice init and join', () => {
  /** The command line, what it refuses it with, and its exit code. */
  const WRONG: readonly (readonly [string, RegExp, number])[] = [
    ['init', /^It is not said what clients connect to: give --domain NAME, or --self-signed/, 2],
    ['init --domain meet.example.com', /^Let's Encrypt gives a certificate to who agrees/, 2],
    ['init --self-signed --certificate a.pem', /^--self-signed and --certificate do not go/, 2],
    ['init --domain a.example --certificate-key a.pem', /^--certificate-key goes with/, 2],
    ['init --domain a.example --certificate a.pem', /^a\.pem cannot be read: ENOENT/, 2],
    ['join', /--master <host>' not specified/, 2],
    ['join --master a', /^There is no join token: give --token, --token-file or SLUICE_TOKEN/, 2],
    ['join --master a --token b --token-file c', /^--token and --token-file do not go together/, 2],
    ['join --master a --token-file c', /^--token-file c cannot be read: ENOENT/, 2],
    ['join --master a --token b --role king', /Allowed choices are media, master/, 2],
    [
      'join --master a --token b --role master --public-address auto',
      /^--public-address is for Media Nodes, .* leave it out with --role master\.$/m,
      2,
    ],
  ];
  for (const [line, sentence, code] of WRONG) {
    test(`sluice ${line} is refused with what to give`, async () => {
      const ran = await sluice(line.split(' '));
      assert.match(ran.errors, sentence);
      assert.equal(ran.code, code);
      assert.equal(ran.output, '');
    });
  }

  test('a machine that is not installed is left as it is, wherever the token comes from', async () => {
    const token = 'sluice-join-1.none';
    const ways = [
      { argv: ['--token', token] },
      { argv: ['--token-file', 'token'], files: { token: `${token}\n` } },
      { argv: ['--token-file', '-'], files: { '-': `${token}\n` } },
      { argv: ['--token', '-'], files: { '-': token } },
      { argv: [], env: { SLUICE_TOKEN: token } },
    ];
    for (const { argv, ...options } of ways) {
      const ran = await sluice(['join', '--master', 'meet.example.com', ...argv], options);
      assert.equal(ran.code, 1);
      assert.match(ran.errors, /^(?:This needs root|Sluice is not installed on this machine)/);
      assert.ok(!ran.errors.includes(token));
    }
  });
});
