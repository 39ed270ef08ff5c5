import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  certificatesCommand,
  type RunCertificates,
} from '../../node-image/cli/commands/certificates';
import type { CliIo } from '../../node-image/cli/io';
import { sluice } from './run-sluice';

it('sluice certificates says what to do where boot has not told it anything', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const settings = join(folder, 'settings.json');
  for (const text of [undefined, '{"certificate":{"domain":"meet.example.com"}}', 'half a li']) {
    if (text !== undefined) writeFileSync(settings, text);
    const { code, errors } = await sluice(['certificates', '--settings', settings]);
    assert.equal(code, 1);
    assert.match(
      errors,
      /settings\.json is not what `sluice boot` writes: name the domain in entry\./,
    );
  }
});

it('sluice certificates has the paths of the machine', async () => {
  const asked: Parameters<RunCertificates>[0][] = [];
  const io: CliIo = {
    env: {},
    print: () => {},
    printError: () => {},
    readFile: () => Promise.reject(new Error('nothing is read')),
    sleep: async () => {},
    now: () => 0,
    isTerminal: false,
    columns: 100,
  };
  const command = certificatesCommand(io, async (options) => void asked.push(options));
  await command.parseAsync(['--status', '/tmp/status.json'], { from: 'user' });
  assert.deepEqual(asked[0]?.files, {
    settings: '/run/sluice/certificates/settings.json',
    state: '/var/lib/sluice/certificates/state.json',
    certificate: '/var/lib/sluice/certificates/entry.pem',
    status: '/tmp/status.json',
    challengeSocket: '/run/sluice/certificates/challenges.sock',
    adminSocket: '/run/sluice/haproxy/admin.sock',
  });
});
