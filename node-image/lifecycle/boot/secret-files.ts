import { z } from 'zod';
import { SHORTEST_CLUSTER_SECRET } from '../../contract';
import { readAuthFile } from '../registry-login/auth-file';
import { BootError } from './boot-error';
import type { FileFor, Machine } from './machine';

/** On a file system in memory: gone when the machine is off, and fetched again at each boot. */
export const SECRETS_FOLDER = '/run/sluice/secrets';
/** Variables of sluice-node.service and sluice-agent.service; read by systemd alone. */
export const NODE_VARIABLES_FILE = `${SECRETS_FOLDER}/node.env`;
/** Who the node runs as. */
export const NODE_USER = 'sluice';
/** Who may read the certificate of the entry, and its key: HAProxy. */
export const CERTIFICATE_GROUP = 'sluice-haproxy';

const keyPair = z.object({ key: z.string().min(1), secret: z.string().min(1) });
const login = z.object({ username: z.string().optional(), password: z.string().min(1) });

/** What stands for a purpose in its file. Secrets are never shown, not even in an error. */
export function secretFileContent(purpose: string, text: string): string {
  const refuse = (allowed: string) =>
    new BootError(
      `The secret for ${purpose} has a value that cannot be used (not shown); allowed is ${allowed}: give it one, and run \`sluice boot\` again.`,
    );
  switch (purpose) {
    case 'api_key': {
      const { data } = keyPair.safeParse(fromJson(text));
      if (data === undefined) throw refuse('{"key": "...", "secret": "..."}');
      if (/[\r\n]/.test(data.key + data.secret)) throw refuse('key and secret on one line each');
      // As in key_file; JSON strings are YAML strings.
      return `${JSON.stringify(data.key)}: ${JSON.stringify(data.secret)}\n`;
    }
    case 'cluster': {
      // The secret, and while the nodes change to a new one that before.
      const lines = text.trim().split(/\s*\n\s*/);
      const isShort = lines.some(({ length }) => length < SHORTEST_CLUSTER_SECRET);
      if (isShort || lines.length > 2) {
        throw refuse(
          `text of ${SHORTEST_CLUSTER_SECRET} characters or more, and on a second line the secret before`,
        );
      }
      return `${lines.join('\n')}\n`;
    }
    case 'certificate':
      if (
        !text.includes('-----BEGIN CERTIFICATE-----') ||
        !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
      ) {
        throw refuse('PEM: the certificate, its chain, its private key');
      }
      return `${text.trim()}\n`;
    case 'registry': {
      const logins = readAuthFile(text);
      if (logins === undefined) {
        throw refuse(
          'the file of `podman login`, or {"registry": "...", "username": "...", "password": "..."}',
        );
      }
      return `${JSON.stringify(logins)}\n`;
    }
    case 'redis':
      return `${redisLogin(text).password}\n`;
    default:
      if (text.trim() === '') throw refuse('a value that is not empty');
      return `${text.trim()}\n`;
  }
}

export interface RedisLogin {
  readonly username?: string | undefined;
  readonly password: string;
  /** On a second line: what nodes have that were not given the new one yet. */
  readonly previousPassword?: string | undefined;
}

/**
 * Reads what a secret of Redis says: a password, and maybe the one before on a second line, or
 * `{"username", "password"}`.
 *
 * @throws BootError where it is neither.
 */
export function redisLogin(text: string): RedisLogin {
  const parsed = fromJson(text);
  const asLogin = login.safeParse(parsed).data;
  if (asLogin !== undefined) return checkedLogin(asLogin);
  const isJson = typeof parsed === 'object' && parsed !== null;
  const [password = '', previousPassword, ...more] = text.trim().split(/\s*\n\s*/);
  return checkedLogin({ password: isJson || more.length > 0 ? '' : password, previousPassword });
}

function checkedLogin(given: RedisLogin): RedisLogin {
  const { password, username = 'default', previousPassword = password } = given;
  const texts = [password, username, previousPassword];
  if (texts.every((text) => /^[\x21-\x7e]+$/.test(text) && !/["'\\]/.test(text))) return given;
  throw new BootError(
    'The secret for redis has a value that cannot be used (not shown); allowed is a password, the one before on a second line, or {"username": "...", "password": "..."}, without blanks, quotes and backslashes: give it one, and run `sluice boot` again.',
  );
}

/** Writes secrets where the one that each is for reads them: nobody else but root can. */
export async function writeSecrets(
  machine: Machine,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  // Reachable for the other services too, each of which has a file of its own in there or none.
  await machine.folder(SECRETS_FOLDER, { mode: 0o711 });
  for (const [purpose, content] of Object.entries(secrets)) {
    await machine.write(`${SECRETS_FOLDER}/${purpose}`, content, readerOf(purpose));
  }
}

/** Of the certificate, and of logins at registries, the node knows nothing. */
function readerOf(purpose: string): FileFor {
  if (purpose === 'certificate') return { mode: 0o440, group: CERTIFICATE_GROUP };
  return purpose === 'registry' ? { mode: 0o400 } : { mode: 0o400, user: NODE_USER };
}

/** Writes the variables that stand over what the configuration file says. */
export async function writeVariables(
  machine: Machine,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const lines = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}='${value}'\n`],
  );
  await machine.write(NODE_VARIABLES_FILE, lines.join(''), { mode: 0o400 });
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
