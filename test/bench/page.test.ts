import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(__dirname, '..', '..');
const RESULTS = join(ROOT, 'bench', 'results');
const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'sluice-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function withResults(text: string, results: string): Promise<string> {
  const script = await import('../../bench/page.mjs');
  return script.withResults(text, results);
}

test('the page of performance says what the results of the bench say', async () => {
  assert.equal(page, await withResults(page, RESULTS), 'run `node bench/page.mjs`');
});

test('tables go below the title of their section, and plots come with their titles', async () => {
  writeFileSync(join(folder, 'bench.md'), '# bench\n\nMedians.\n\n## Targets\n\n- holds: x\n');
  writeFileSync(join(folder, 'bench-viewers.svg'), '<svg><text x="1">CPU &lt; 1</text></svg>');
  const written = await withResults(page, folder);
  assert.match(written, /\n\nMedians\.\n\n### Targets\n\n- holds: x\n/);
  assert.match(written, /!\[CPU &lt; 1\]\(\.\.\/bench\/results\/bench-viewers\.svg\)/);
  assert.doesNotMatch(written, /Not measured yet|# bench\n/);
  // What was there before is gone, and what is around it stays.
  assert.equal(await withResults(written, RESULTS), page);
});

test('results of other benches and tests are none of the page', async () => {
  const other = join(folder, 'other');
  cpSync(join(RESULTS, 'drain-20-rooms.md'), join(other, 'drain-20-rooms.md'));
  assert.match(await withResults(page, other), /Not measured yet/);
});

test('a page without a place for results is told of', async () => {
  await assert.rejects(withResults('# Performance\n', RESULTS), /has no place for results/);
});
