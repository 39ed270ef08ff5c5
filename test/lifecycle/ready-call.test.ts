import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBootFile } from '../../node-image/cloud/agent/boot-file';
import { readyCall } from '../../node-image/lifecycle/ready-call';

const wanted = (awaited?: boolean) => ({
  cloud: 'aws',
  entry: { lets_encrypt: { domain: 'meet.example.com', terms_agreed: true, awaited } },
});

test('a machine serves when a call works, and the certificate of its entry is there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ready-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [bootFile, certificateStatus] = [join(folder, 'boot.json'), join(folder, 'status.json')];
  let calls = 0;
  const ready = async (plan: object): Promise<string> => {
    writeFileSync(bootFile, JSON.stringify(plan));
    const boot = await readBootFile(bootFile);
    const call = async (): Promise<string> => {
      calls += 1;
      return `call ${calls}`;
    };
    return readyCall({ boot, call, certificateStatus });
  };
  assert.equal(await ready({ cloud: 'aws', entry: { tls: false } }), 'call 1');
  assert.equal(await ready(wanted(false)), 'call 2', 'it is not awaited');

  await assert.rejects(
    ready(wanted()),
    /^Error: No certificate for meet\.example\.com yet: .*journal/,
  );
  writeFileSync(certificateStatus, '{"state":"none","reason":"Port 80 of X does not answer"}');
  await assert.rejects(ready(wanted(true)), /^Error: Port 80 of X does not answer$/);
  writeFileSync(certificateStatus, 'half a li');
  await assert.rejects(ready(wanted()), /has not said how it stands/);
  assert.equal(calls, 2);

  writeFileSync(certificateStatus, '{"state":"given","untilMs":1}');
  assert.equal(await ready(wanted()), 'call 3');
});
