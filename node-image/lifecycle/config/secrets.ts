import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isMap, isScalar, parseDocument } from 'yaml';
import type { SluiceConfig } from '../../contract';
import { at } from './draft';
import type { Environment } from './options';

/** How the loader reads files, so that tests need none. */
export interface ConfigFiles {
  /** @throws an error with `code`, such as ENOENT */
  readonly read: (path: string) => string;
  /** Permission bits, as in stat(2). */
  readonly mode: (path: string) => number;
}

export const diskFiles: ConfigFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  mode: (path) => statSync(path).mode & 0o777,
};

/** LiveKit warns of shorter ones: HS256 wants a secret as long as its hash. */
const SHORTEST_SECRET = 32;

/**
 * Reads `key: secret` lines. They are never shown in a problem.
 *
 * @returns undefined where the text is something else.
 */
export function parseKeys(text: string): Record<string, string> | undefined {
  const { contents, errors } = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  if (errors.length > 0 || !isMap(contents)) {
    return undefined;
  }
  const keys: Record<string, string> = {};
  for (const { key, value } of contents.items) {
    if (!isScalar(key) || !isScalar(value) || value.value === null) {
      return undefined;
    }
    keys[key.source ?? String(key.value)] = value.source ?? String(value.value);
  }
  return keys;
}

/**
 * Reads a file of secrets, which other users of the machine must not be able to read.
 *
 * @returns undefined, and says why in `problems`, where it cannot be used.
 */
export function readSecretFile(
  path: string,
  what: string,
  files: ConfigFiles,
  problems: string[],
): string | undefined {
  try {
    const mode = files.mode(path);
    if ((mode & 0o007) !== 0) {
      const shown = `0${mode.toString(8)}`;
      problems.push(
        `${what} ${path} has mode ${shown}, open to other users; allowed is none for others: chmod 600 ${path}`,
      );
      return undefined;
    }
    return files.read(path);
  } catch (error) {
    problems.push(`${what} ${path} cannot be read: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Why a file could not be read, without a stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `~` and `$NAME` in a path, as LiveKit expands them in key_file. */
export function expandPath(path: string, env: Environment): string {
  const expanded = path.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced: string | undefined, bare: string | undefined) => env[braced ?? bare ?? ''] ?? '',
  );
  return expanded === '~' || expanded.startsWith('~/')
    ? `${env['HOME'] ?? homedir()}${expanded.slice(1)}`
    : expanded;
}

/** Fills in the secrets of TURN servers that keep theirs in a file. */
export function withTurnSecrets(
  config: SluiceConfig,
  files: ConfigFiles,
  problems: string[],
  originOf: (path: readonly PropertyKey[]) => string,
): SluiceConfig {
  const turn_servers = config.rtc.turn_servers.map((server, index) => {
    const path = ['rtc', 'turn_servers', index];
    const origin = at(originOf(path));
    let secret = server.secret.trim();
    if (secret === '' && server.secret_file !== '') {
      const before = problems.length;
      const what = `${origin}secret_file of TURN server ${server.host},`;
      secret = readSecretFile(server.secret_file, what, files, problems)?.trim() ?? '';
      if (problems.length > before) {
        return server;
      }
    }
    if (secret === '' && (server.username === '' || server.credential === '')) {
      problems.push(
        `${origin}TURN server ${server.host} has no credentials; allowed is a secret or secret_file that is not empty, or username and credential`,
      );
    }
    return { ...server, secret };
  });
  return { ...config, rtc: { ...config.rtc, turn_servers } };
}

/**
 * Fills in the cluster secret, where it is kept in a file. The text may have two lines: the secret, and
 * the one before, while the nodes change from that to the new one.
 */
export function withClusterSecret(
  config: SluiceConfig,
  env: Environment,
  files: ConfigFiles,
  problems: string[],
  originOf: (path: readonly PropertyKey[]) => string,
): SluiceConfig {
  const { cluster } = config.sluice;
  const isInFile = cluster.secret === '' && cluster.secret_file !== '';
  const key = isInFile ? 'secret_file' : 'secret';
  const origin = at(originOf(['sluice', 'cluster', key]));
  let what = `${origin}sluice.cluster.${key}`;
  let text: string | undefined = cluster.secret;
  if (isInFile) {
    const path = expandPath(cluster.secret_file, env);
    text = readSecretFile(path, what, files, problems);
    what = `${what} ${path}`;
    if (text?.trim() === '') {
      problems.push(`${what} is empty; allowed is a file with the secret of the cluster`);
    }
  }
  const [secret = '', ...before] = linesOf(text ?? '');
  if (before.length + (cluster.previous_secret === '' ? 0 : 1) > 1) {
    problems.push(
      `${what} has ${before.length + 1} lines${cluster.previous_secret === '' ? '' : ', and there is sluice.cluster.previous_secret'}; allowed are the secret of the cluster and the one before, a line each`,
    );
  }
  const previous_secret = before[0] ?? cluster.previous_secret;
  return {
    ...config,
    sluice: { ...config.sluice, cluster: { ...cluster, secret, previous_secret } },
  };
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Which secrets are too short to be safe. */
export function shortSecrets(keys: Readonly<Record<string, string>>): string[] {
  return Object.entries(keys)
    .filter(([, secret]) => secret.length < SHORTEST_SECRET)
    .map(
      ([key]) =>
        `the secret of API key ${key} is short; it should have ${SHORTEST_SECRET} characters or more (generate-keys makes one)`,
    );
}
