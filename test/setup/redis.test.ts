import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetupError } from '../../scripts/lib/commands.mjs';
import { ensureRedis } from '../../scripts/lib/redis.mjs';

/** A machine with these programs; what set-up does on it. */
async function setUpOn(programs: readonly string[], isRoot: boolean, fails = false) {
  const done: string[] = [];
  await ensureRedis({
    find: (program: string) => (programs.includes(program) ? `/usr/bin/${program}` : undefined),
    isRoot,
    install: async (packages: readonly string[]) => {
      done.push(`install ${packages.join(' ')}`);
      if (fails) throw new SetupError('apt-get failed:\nno network');
    },
    say: (line: string) => done.push(line),
  });
  return done;
}

test('redis-server is installed where it is missing and nobody has to be asked', async () => {
  assert.deepEqual(await setUpOn(['apt-get'], true), ['install redis-server']);
  assert.deepEqual(await setUpOn(['apt-get', 'redis-server'], true), []);
  assert.deepEqual(await setUpOn(['apt-get'], false), []);
  assert.deepEqual(await setUpOn([], true), []);
});

test('without it set-up goes on, and says why', async () => {
  assert.deepEqual(await setUpOn(['apt-get'], true, true), [
    'install redis-server',
    'redis-server cannot be installed: no network',
  ]);
});
