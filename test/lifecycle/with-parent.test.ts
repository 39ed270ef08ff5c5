import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { withParent } from '../../node-image/lifecycle/with-parent';
import { freePortRange } from '../support/ports';
import { until } from '../support/wait';
import { isAlive } from './local/support';

/** Runs this of a process of its own, which prints a process id, and kills that process. */
async function killed(script: string): Promise<number> {
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(parent, 'exit').then(([code]) => assert.fail(`it ended with ${code}`));
  const [line] = await Promise.race([
    once(createInterface({ input: parent.stdout }), 'line'),
    ended,
  ]);
  const pid = Number(line);
  assert.ok(pid > 0, line);
  process.kill(pid, 0);
  parent.kill('SIGKILL');
  await assert.rejects(ended);
  return pid;
}

test('the TURN server of a process that is killed ends with it', async () => {
  const [port, relayPortStart] = [await freePortRange(1), await freePortRange(10)];
  const config = {
    ...{ listenAddresses: ['127.0.0.1'], port, relayAddresses: ['127.0.0.1'] },
    ...{ relayPortStart, relayPortEnd: relayPortStart + 9, secret: 'a-secret-of-this-test_0' },
    ...{ allocationsPerUser: 2, allowedPeers: ['127.0.0.1'], deniedPeers: [] },
  };
  const pid = await killed(`
    import coturnFile from './node-image/lifecycle/coturn.ts';
    const { Coturn } = coturnFile;
    const log = { debug() {}, info() {}, warn() {} };
    const coturn = new Coturn({ config: ${JSON.stringify(config)}, log });
    await coturn.start();
    console.log(coturn.pid);
  `);
  await until('coturn to be gone', () => !isAlive(pid));
});

test('where setpriv is missing, or is kept from what it does, a program is started as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-no-setpriv-'));
  const asItIs = ['turnserver', ['-c', 'x']];
  try {
    assert.deepEqual(withParent('turnserver', ['-c', 'x'], folder), asItIs);
    writeFileSync(join(folder, 'setpriv'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    assert.deepEqual(withParent('turnserver', ['-c', 'x'], folder), asItIs);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
