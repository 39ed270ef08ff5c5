/** The writer of the image, on small roots: what differs between two machines is not in the image. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const WRITER = join(__dirname, '../../node-image/image/lib/oci-layout.mjs');
const EPOCH = 1_700_000_000;
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nsluice:x:997:996::/:/bin/false\n',
  'usr/bin/old': 'of a package, and older than the image',
  'opt/sluice/current/package.json': '{"version":"1.2.3"}',
  'opt/sluice/current/docs/page.md': 'of a checkout',
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-layout-'));
after(() => rmSync(folder, { recursive: true }));

/** @param names - in the order in which they are made @param ofCheckout - time of its files, s */
function build(name: string, names: readonly string[], ofCheckout: number): string {
  const root = join(folder, name);
  for (const file of names) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), FILES[file] ?? '');
    const time = file.startsWith('opt/') ? ofCheckout : undefined;
    if (time !== undefined) utimesSync(join(root, file), time, time);
  }
  utimesSync(join(root, 'usr/bin/old'), 1_600_000_000, 1_600_000_000);
  const layout = join(folder, `${name}-layout`);
  execFileSync(process.execPath, [WRITER, root, layout, 'tag', `${EPOCH}`], { stdio: 'pipe' });
  return layout;
}

test('two roots with the same in them give one image, whenever and from whichever checkout', () => {
  const names = Object.keys(FILES);
  const layouts = [
    build('one', names, EPOCH - 1000),
    build('two', names.toReversed(), EPOCH - 9_000_000),
    build('three', names, EPOCH + 1000),
  ];
  const [first, ...others] = layouts.map((one) => readFileSync(join(one, 'index.json'), 'utf8'));
  for (const other of others) assert.equal(other, first);
});

test('what a package has is as old as the package says', () => {
  const layout = join(folder, 'one-layout');
  const digestOf = (text: string): string => /"digest":"sha256:(\w+)"/.exec(text)?.[1] ?? '';
  const blob = (digest: string): string => join(layout, 'blobs/sha256', digest);
  const index = readFileSync(join(layout, 'index.json'), 'utf8');
  const manifest = JSON.parse(readFileSync(blob(digestOf(index)), 'utf8'));
  const times = manifest.layers.map(({ digest }: { digest: string }) =>
    execFileSync('tar', ['-tvzf', blob(digest.replace('sha256:', '')), '--utc'], {
      encoding: 'utf8',
    }),
  );
  assert.match(times[0], /2020-09-13 12:26 \.\/usr\/bin\/old/);
  assert.match(times[1], /2023-11-14 22:13 \.\/opt\/sluice\/current\/docs\/page\.md/);
});
