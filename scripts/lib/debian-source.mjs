/** Sources of Debian's packages, from the servers that this machine has its packages from. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './commands.mjs';
import { privateApt } from './private-apt.mjs';

const APT = '/etc/apt';

/**
 * Lays out the source of a package, with Debian's own changes, checked by apt against the signatures
 * of the distribution.
 *
 * @param {string} name of the source package
 * @param {string} scratch a folder for the work
 * @returns {Promise<string>} the folder with the source
 * @throws {import('./commands.mjs').SetupError} where none of the servers holds sources
 */
export async function fetchSource(name, scratch) {
  const work = path.join(scratch, `source-${name}`);
  const lists = path.join(work, 'lists.d');
  mkdirSync(lists, { recursive: true });
  for (const [file, text] of aptSources()) {
    writeFileSync(path.join(lists, path.basename(file)), asSources(path.basename(file), text));
  }
  const apt = privateApt(work, [
    `Dir::Etc::sourcelist=${path.join(work, 'none')}`,
    `Dir::Etc::sourceparts=${lists}`,
  ]);
  const unpacked = path.join(work, 'unpacked');
  mkdirSync(unpacked);
  await run('apt-get', [...apt, 'update']);
  await run('apt-get', [...apt, 'source', '--only-source', name], { cwd: unpacked });
  const [folder] = readdirSync(unpacked, { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  return path.join(unpacked, folder?.name ?? name);
}

/**
 * Where packages come from, said of their sources. Pure.
 *
 * @param {string} file name of the file in /etc/apt: its ending says which of both forms it has
 * @param {string} text sources.list(5)
 */
export function asSources(file, text) {
  return file.endsWith('.sources')
    ? text.replace(/^Types:.*$/gim, 'Types: deb-src')
    : text
        .split('\n')
        .filter((line) => /^\s*deb\s/.test(line))
        // Of an architecture there are packages, not sources.
        .map((line) => line.replace(/^\s*deb(?=\s)/, 'deb-src').replace(/\barch=[^\s\]]+ ?/, ''))
        .map((line) => line.replace(/\[\s*\] ?/, ''))
        .concat('')
        .join('\n');
}

/** @returns {[string, string][]} files and their texts */
function aptSources() {
  const parts = path.join(APT, 'sources.list.d');
  const files = existsSync(parts)
    ? readdirSync(parts)
        .filter((name) => /\.(list|sources)$/.test(name))
        .map((name) => path.join(parts, name))
    : [];
  return [path.join(APT, 'sources.list'), ...files]
    .filter((file) => existsSync(file))
    .map((file) => [file, readFileSync(file, 'utf8')]);
}
