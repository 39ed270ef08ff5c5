/** What is said of backups that cannot be used. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { packFiles } from '../../../node-image/lifecycle/backup/archive';
import { packBackup } from '../../../node-image/lifecycle/backup/manifest';
import { sealFile } from '../../../node-image/lifecycle/backup/sealed-file';
import { CONFIG, eachInAWorld, PASSPHRASE } from './support';

describe('a backup that cannot be used', () => {
  const current = eachInAWorld();

  it('is said to be so in one sentence', async () => {
    const world = current();
    world.writeNode();
    await world.fill();
    await world.make();
    const whole = readFileSync(world.file);
    const refused = async (message: RegExp, changes = {}): Promise<void> => {
      await assert.rejects(world.back(changes), (error: Error) => {
        assert.equal(error.name, 'BackupError');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n') && !error.message.includes(PASSPHRASE));
        return true;
      });
    };
    await refused(/The passphrase is not the one/, { passphrase: 'another one, a wrong one' });
    await refused(/cannot be read: ENOENT/, { file: world.path('gone') });
    for (const [what, content] of [
      ['cut', whole.subarray(0, -10)],
      ['cut at a chunk', whole.subarray(0, 300)],
      ['longer', Buffer.concat([whole, Buffer.from('x')])],
      [
        'changed',
        Buffer.from(whole.map((byte, i) => (i === whole.length - 400 ? byte ^ 1 : byte))),
      ],
    ] as const) {
      writeFileSync(world.file, content);
      await refused(/is damaged or not whole: take another copy/, { what });
    }
    writeFileSync(world.file, 'nothing of this kind');
    await refused(/is no backup of Sluice, or its beginning is damaged/);
    const sealed = async (plain: Uint8Array) =>
      writeFileSync(world.file, await sealFile(plain, PASSPHRASE, 2));
    await sealed(Buffer.from('no tar'));
    await refused(/holds no backup of Sluice that can be read/);
    const head = (manifest: object) =>
      packFiles(
        [
          {
            path: 'sluice-backup.json',
            mode: 0o600,
            user: 'root',
            group: 'root',
            content: Buffer.from(JSON.stringify(manifest)),
          },
        ],
        new Date(),
      );
    await sealed(head({ format: 2, program: '9.1.0' }));
    await refused(
      /was written by Sluice 9.1.0, and this is .*: install that version or a newer one/,
    );
    await sealed(head({ format: 1, program: '0.2.0' }));
    await refused(/was written by Sluice 0.2.0/);
    await sealed(head({ format: 1, program: '0.1.0' }));
    await refused(/holds no backup/);
    const facts = { cluster: 'meet', role: 'master', config: CONFIG } as const;
    const owner = { mode: 0o600, user: 'root', group: 'root' };
    const outside = [{ path: '/../../etc/passwd', content: Buffer.from('x'), ...owner }];
    await sealed(packBackup(facts, outside, undefined, new Date()));
    await refused(/holds no backup/);
    assert.equal(existsSync(world.path('etc')), false);
    writeFileSync(world.file, whole);
    const { port } = world.redis;
    world.write(CONFIG, world.read(CONFIG).replace(`${port}`, '1'), 0o640);
    await assert.rejects(world.make({ file: world.path('other') }), {
      message:
        /Redis \(127.0.0.1:1\) does not answer: .*; API keys, .* run this again when it answers/,
    });
    assert.equal(existsSync(world.path('other')), false);
  });
});
