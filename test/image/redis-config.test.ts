import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisConfig, renderRedisConfig } from '../../node-image/image/redis-config';
import { freeTcpPort } from '../support/ports';
import { until } from '../support/wait';

const PASSWORD = 'a-password-of-this-test';
const PREVIOUS = 'the-password-before-of-it';

async function redisWith(
  t: TestContext,
  passwords: Pick<RedisConfig, 'password' | 'previousPassword'>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  const port = await freeTcpPort();
  const file = join(directory, 'redis.conf');
  writeFileSync(
    file,
    renderRedisConfig({
      addresses: ['203.0.113.99', '127.0.0.1'],
      port,
      ...passwords,
      directory,
    }),
  );
  const child = spawn('redis-server', [file, '--supervised', 'no'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  const open = (password?: string): Redis => {
    const options = { port, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null };
    const redis = new Redis({ ...options, ...(password === undefined ? {} : { password }) });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());
    return redis;
  };
  await until('Redis to answer', () =>
    open(PASSWORD)
      .ping()
      .then(
        () => true,
        () => false,
      ),
  );
  return { open, directory };
}

test('Redis runs with its configuration, asks for the password, and keeps what it is given', async (t) => {
  const { open, directory } = await redisWith(t, { password: PASSWORD });
  await assert.rejects(open().ping(), /NOAUTH/);
  await assert.rejects(open(PREVIOUS).ping(), /WRONGPASS/);
  const redis = open(PASSWORD);
  const value = async (key: string) => String(((await redis.config('GET', key)) as string[])[1]);
  assert.equal(await value('appendonly'), 'yes');
  assert.equal(await value('maxmemory-policy'), 'noeviction');
  assert.equal(await value('dir'), directory);
});

test('Redis takes two passwords while nodes are given another one, and no third', async (t) => {
  const { open } = await redisWith(t, { password: PASSWORD, previousPassword: PREVIOUS });
  await assert.rejects(open().ping(), /NOAUTH/);
  await assert.rejects(open('another-password-of-somebody').ping(), /WRONGPASS/);
  for (const password of [PASSWORD, PREVIOUS]) assert.equal(await open(password).ping(), 'PONG');
});

test('a password that could end its line, or is short, is refused', () => {
  const base = { addresses: [], port: 6379, directory: '/var/lib/sluice/redis' };
  for (const password of ['short', 'with "quotes" in it ok', `${'x'.repeat(20)}\nport 1`]) {
    assert.throws(() => renderRedisConfig({ ...base, password }), /password of Redis must have 16/);
    const one = { ...base, password: PASSWORD, previousPassword: password };
    assert.throws(() => renderRedisConfig(one), /password of Redis must have 16/);
  }
});
