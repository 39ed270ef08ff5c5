import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { renderRedisConfig } from '../../node-image/image/redis-config';
import { freeTcpPort } from '../support/ports';
import { until } from '../support/wait';

const PASSWORD = 'a-password-of-this-test';

test('Redis runs with its configuration, asks for the password, and keeps what it is given', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  const port = await freeTcpPort();
  const file = join(directory, 'redis.conf');
  writeFileSync(
    file,
    renderRedisConfig({ addresses: ['203.0.113.99'], port, password: PASSWORD, directory }),
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
  await assert.rejects(open().ping(), /NOAUTH/);
  const redis = open(PASSWORD);
  const value = async (key: string) => String(((await redis.config('GET', key)) as string[])[1]);
  assert.equal(await value('appendonly'), 'yes');
  assert.equal(await value('maxmemory-policy'), 'noeviction');
  assert.equal(await value('dir'), directory);
});

test('a password that could end its line, or is short, is refused', () => {
  const base = { addresses: [], port: 6379, directory: '/var/lib/sluice/redis' };
  for (const password of ['short', 'with "quotes" in it ok', `${'x'.repeat(20)}\nport 1`]) {
    assert.throws(() => renderRedisConfig({ ...base, password }), /password of Redis must have 16/);
  }
});
