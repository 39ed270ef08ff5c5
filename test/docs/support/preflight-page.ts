import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RunOptions, sluice } from '../../cli/run-sluice';
import { readPages } from './pages';

/** What a page says of the command that looks at an account before a deployment. */
export interface PreflightPage {
  readonly section: string;
  /** The first cell of each row of the table, without its head. */
  readonly checks: readonly string[];
  readonly rows: readonly string[];
}

export function preflightPage(path: string): PreflightPage {
  const text = readPages().find((page) => page.path === path)?.text ?? '';
  const section = text.split('### Before a deployment')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return { section, rows, checks: rows.slice(1).map((row) => row.split('|')[1]?.trim() ?? '') };
}

/** That the page has all options of the command, and commands that it understands. */
export function testPreflightPage(
  { section, rows }: PreflightPage,
  cloud: string,
  runWith: (run: NonNullable<RunOptions['preflight'] & RunOptions['preflightAzure']>) => RunOptions,
): void {
  test('the options of the table are all that the command has', async () => {
    const { output } = await sluice(['preflight', cloud, '--help']);
    const known = [...output.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
    const said = [...rows.join('\n').matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(said), '--json'].sort(), known.sort());
  });

  test('the commands of the page are understood', async () => {
    const commands = [...section.matchAll(/^bin\/sluice (.+)$/gm)];
    assert.equal(commands.length, 2);
    for (const [, words = ''] of commands) {
      let asked = 0;
      const options = runWith(async () => {
        asked += 1;
        return { caller: undefined, findings: [] };
      });
      const { code, errors } = await sluice(words.split(' '), options);
      assert.deepEqual([code, errors, asked], [0, '', 1]);
    }
  });
}
