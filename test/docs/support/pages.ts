import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const REPOSITORY = join(__dirname, '../../..');

/** A page of the documentation. */
export interface Page {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** What follows the fence; empty where nothing does. */
  readonly language: string;
  readonly text: string;
  /** Why it is not run; undefined where it has to be. */
  readonly notRun: string | undefined;
}

/** README.md, CHANGELOG.md and everything in docs. */
export function readPages(): Page[] {
  const docs = readdirSync(join(REPOSITORY, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CHANGELOG.md', ...docs.map((name) => `docs/${name}`)].map((path) => ({
    path,
    text: readFileSync(join(REPOSITORY, path), 'utf8'),
  }));
}

/** The fenced blocks of a page. `<!-- not run: reason -->` on the line before one excuses it. */
export function blocksOf({ path, text }: Page): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let start: number | undefined;
  lines.forEach((line, index) => {
    if (!line.startsWith('```')) return;
    if (start === undefined) {
      start = index;
      return;
    }
    blocks.push({
      page: path,
      line: start + 2,
      language: (lines[start] ?? '').slice(3).trim(),
      text: lines.slice(start + 1, index).join('\n'),
      notRun: /^<!-- not run: (.+) -->$/.exec(lines[start - 1] ?? '')?.[1],
    });
    start = undefined;
  });
  if (start !== undefined) throw new Error(`${path}:${start + 1}: the block never ends`);
  return blocks;
}

export const allBlocks = (): Block[] => readPages().flatMap(blocksOf);

/** The blocks of these languages that have to run. */
export const runnable = (...languages: readonly string[]): Block[] =>
  allBlocks().filter(
    ({ language, notRun }) => languages.includes(language) && notRun === undefined,
  );
