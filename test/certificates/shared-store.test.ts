import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileStore } from '../../node-image/certificates/certificate-store';
import { CERTIFICATE_DOCUMENT, SharedStore } from '../../node-image/certificates/shared-store';
import { standInCertificate } from '../../node-image/certificates/stand-in';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { KeptLog } from './entry-world';

const DIRECTORY = 'https://ca.example.com/dir';
const [NEW, OLD] = ['n'.repeat(64), 'o'.repeat(64)];

interface StoreOptions {
  readonly secret?: string;
  readonly previousSecret?: string;
  readonly directory?: string;
}

function world(t: TestContext) {
  const registry = new MemoryRegistry();
  const log = new KeptLog();
  const make = ({ secret = NEW, previousSecret, directory = DIRECTORY }: StoreOptions = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-store-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const local = new FileStore({ file: join(folder, 'state.json'), directory });
    return new SharedStore({ registry, secret, previousSecret, local, directory, log });
  };
  const version = async () => (await registry.document(CERTIFICATE_DOCUMENT))?.version;
  return { registry, log, make, version };
}

const withKey = (accountKey: string) => (known: object) =>
  ({ ...known, accountKey }) as Awaited<ReturnType<SharedStore['read']>>;

const done = async (): Promise<string> => 'done';

test('of two machines one leads, and the other when that one has gone', async (t) => {
  const { make } = world(t);
  const [one, other] = [make(), make()];
  const led = [await one.lead(done), await other.lead(done), await one.lead(done)];
  assert.deepEqual(led, ['done', undefined, 'done']);
  await one.close();
  assert.equal(await other.lead(done), 'done');
});

test('one that orders for minutes leads all the while, and one that is lost then for 20 s', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const { make } = world(t);
  const [one, other] = [make(), make()];
  /** In steps that let promises of the timers come to their end. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      t.mock.timers.tick(1000);
      await new Promise(setImmediate);
    }
  };
  let finish: (certificate: string) => void = () => undefined;
  const ordered = one.lead(() => new Promise<string>((resolve) => (finish = resolve)));
  await pass(180);
  assert.equal(await other.lead(done), undefined);
  finish('a certificate');
  assert.equal(await ordered, 'a certificate');
  // From here on nobody says that it is still there.
  await pass(14);
  assert.equal(await other.lead(done), undefined, 'what came of it may not be known everywhere');
  await pass(7);
  assert.equal(await other.lead(done), 'done');
});

test('an order that fails does so for who asked, also while the registry is away', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const { make, registry, log } = world(t);
  const one = make();
  const failing = one.lead(async () => {
    await registry.close();
    t.mock.timers.tick(6000);
    throw new Error('refused by the authority');
  });
  await assert.rejects(failing, /refused by the authority/);
  assert.deepEqual(log.lines, []);
  assert.equal(await one.lead(done), undefined);
});

test('changes of two machines at once are both there', async (t) => {
  const { make } = world(t);
  const [one, other] = [make(), make()];
  const add = (token: string) => (known: Awaited<ReturnType<SharedStore['read']>>) => ({
    ...known,
    challenges: { ...known.challenges, [token]: 'proof' },
  });
  await Promise.all([one.change(add('a')), other.change(add('b'))]);
  const { challenges } = await make().read();
  assert.deepEqual(Object.keys(challenges).sort(), ['a', 'b']);
});

test('a machine that is new has the certificate from the registry', async (t) => {
  const { make } = world(t);
  const one = make();
  const first = await standInCertificate('a.test');
  await one.change((known) => ({ ...known, certificate: first }));
  const other = make();
  assert.equal((await other.read()).certificate, first);
});

test('while the cluster secret is changed it is read, and written anew with the new one', async (t) => {
  const { make, version } = world(t);
  const old = make({ secret: OLD });
  await old.change(withKey('KEY'));
  const both = make({ secret: NEW, previousSecret: OLD });
  assert.equal((await both.read()).accountKey, 'KEY');
  assert.equal((await make({ secret: NEW }).read()).accountKey, 'KEY');
  // The old one goes by what it has, and they do not write it anew in turn.
  const before = await version();
  assert.equal((await old.read()).accountKey, 'KEY');
  assert.equal((await both.read()).accountKey, 'KEY');
  assert.equal(await version(), before);
});

test('of another secret, or another authority, it is left as it is until there is a change', async (t) => {
  const { make, version, log, registry } = world(t);
  await make({ secret: OLD }).change(withKey('KEY'));
  const stranger = make();
  const elsewhere = make({ secret: OLD, directory: 'https://other.example.com/dir' });
  for (let look = 0; look < 3; look += 1) {
    assert.equal((await stranger.read()).accountKey, undefined);
    assert.equal((await elsewhere.read()).accountKey, undefined);
  }
  assert.equal(await version(), 1);
  assert.deepEqual(
    log.lines.map((line) => /another cluster secret|asks https:\/\/other/.test(line)),
    [true, true],
    'each says so once',
  );
  await stranger.change(withKey('OTHER'));
  assert.equal((await stranger.read()).accountKey, 'OTHER');
  await registry.close();
});
