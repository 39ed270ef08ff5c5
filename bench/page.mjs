/**
 * Brings what the bench has written into docs/performance.md, so that the page says what was
 * measured: `node bench/page.mjs` after `npm run bench`. With --check it only says whether they agree.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const PAGE = path.join(ROOT, 'docs/performance.md');
const RESULTS = path.join(ROOT, 'bench/results');
const NAME = 'bench';
const BEGIN = '<!-- Written by bench/page.mjs from bench/results. -->';
const END = '<!-- End of what bench/page.mjs has written. -->';
const NOTHING = 'Not measured yet: `npm run bench`, then `node bench/page.mjs`.';

/**
 * The page with the results in it.
 *
 * @param {string} page as it is
 * @param {string} results folder of what the bench has written
 * @throws {Error} where the page has no place for them
 */
export function withResults(page, results) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(
      `docs/performance.md has no place for results: a line "${BEGIN}" and below it "${END}" are needed.`,
    );
  }
  const text = textOf(results);
  return `${page.slice(0, begin)}${BEGIN}\n\n${text}\n\n${page.slice(end)}`;
}

/** @param {string} results */
function textOf(results) {
  const table = path.join(results, `${NAME}.md`);
  if (!existsSync(table)) {
    return NOTHING;
  }
  // Its title is that of the section; what is below moves one level down.
  const [, ...lines] = readFileSync(table, 'utf8').trim().split('\n');
  const text = lines.join('\n').trim().replace(/^#/gm, '##');
  const plots = readdirSync(results)
    .filter((name) => name.startsWith(`${NAME}-`) && name.endsWith('.svg'))
    .sort()
    .map((name) => `![${titleOf(path.join(results, name))}](../bench/results/${name})`);
  return plots.length === 0 ? text : `${text}\n\n### Plots\n\n${plots.join('\n\n')}`;
}

/** @param {string} file of a plot, whose first text is its title */
function titleOf(file) {
  return /<text[^>]*>([^<]*)<\/text>/.exec(readFileSync(file, 'utf8'))?.[1] ?? path.basename(file);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const page = readFileSync(PAGE, 'utf8');
  const wanted = withResults(page, RESULTS);
  if (!process.argv.includes('--check')) {
    writeFileSync(PAGE, wanted);
  } else if (page !== wanted) {
    console.error(
      'docs/performance.md does not say what bench/results does: run `node bench/page.mjs`.',
    );
    process.exitCode = 1;
  }
}
