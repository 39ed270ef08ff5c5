import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

const script = path.join(__dirname, '../../scripts/lib/foreground.mjs');

/** Runs `program` through runInForeground in a Node of its own, as run.mjs does. */
function launch(program: string) {
  const launcher = `
    import { runInForeground } from ${JSON.stringify(script)};
    process.exitCode = await runInForeground(
      process.execPath, ['-e', ${JSON.stringify(program)}],
      { cwd: process.cwd(), env: process.env, ownGroup: true });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', launcher], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return {
    child,
    output: () => output,
    said: async (word: string) => {
      while (!output.includes(word)) {
        await once(child.stdout, 'data');
      }
    },
    exitCode: async () => (await once(child, 'close'))[0] as number | null,
  };
}

const STOPS_ON_REQUEST = `
  let requests = 0;
  process.on('SIGINT', () => {
    requests += 1;
    if (requests === 1) setTimeout(() => { console.log('asked', requests); process.exit(7); }, 300);
  });
  setInterval(() => {}, 1000);
  console.log('ready');`;

test('Ctrl-C reaches the program once, however often it is passed on, and its exit code comes back', async () => {
  const running = launch(STOPS_ON_REQUEST);
  await running.said('ready');
  // The terminal sends one, npm another.
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 50));
  running.child.kill('SIGINT');
  assert.equal(await running.exitCode(), 7);
  assert.match(running.output(), /asked 1/);
});

test('a program that a signal ends answers 128 and the number of the signal', async () => {
  const running = launch("process.kill(process.pid, 'SIGKILL')");
  assert.equal(await running.exitCode(), 137);
});
