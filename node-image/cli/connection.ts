import type { Command } from 'commander';
import { AdminClient } from '../api/cluster/admin-client';
import { EXIT_USAGE } from '../lifecycle/exit-codes';
import { CliError, type CliIo } from './io';

/** Where the cluster is, and as whom it is asked. */
export interface Connection {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** What commands that ask a cluster are told about where it is. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly dev?: boolean;
  readonly json?: boolean;
}

const DEFAULT_URL = 'http://127.0.0.1:7880';
/** What a cluster for development takes, and nobody else: everybody knows it. */
const DEVELOPMENT = { apiKey: 'devkey', apiSecret: 'secret' };

/** The options of every command that asks a cluster. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('--url <url>', `a Master Node; also SLUICE_URL, LIVEKIT_URL (default: ${DEFAULT_URL})`)
    .option('--dev', 'the key of a cluster for development on this machine')
    .option('--json', 'print JSON, for programs');
}

/** @throws CliError where it is not said as whom to ask. */
export function connectionOf(
  { url: given, dev = false }: ConnectionOptions,
  { env }: CliIo,
): Connection {
  const url = given || env['SLUICE_URL'] || env['LIVEKIT_URL'] || DEFAULT_URL;
  const host = hostOf(url);
  const apiKey = env['LIVEKIT_API_KEY'] ?? '';
  const apiSecret = env['LIVEKIT_API_SECRET'] ?? '';
  if (apiKey !== '' && apiSecret !== '') {
    return { url, apiKey, apiSecret };
  }
  if (apiKey !== '' || apiSecret !== '') {
    const missing = apiKey === '' ? 'LIVEKIT_API_KEY' : 'LIVEKIT_API_SECRET';
    throw new CliError(EXIT_USAGE, `${missing} is not set: an API key and its secret go together.`);
  }
  if (!dev) {
    throw new CliError(
      EXIT_USAGE,
      'No API key is given: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or give --dev for a cluster for development on this machine.',
    );
  }
  if (!isLoopback(host)) {
    throw new CliError(
      EXIT_USAGE,
      `--dev is for this machine, and ${host} is another one: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET.`,
    );
  }
  return { url, ...DEVELOPMENT };
}

export const clientOf = (options: ConnectionOptions, io: CliIo): AdminClient =>
  new AdminClient(connectionOf(options, io));

function hostOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^(http|ws)s?:$/.test(parsed.protocol)) {
    throw new CliError(
      EXIT_USAGE,
      `${JSON.stringify(url)} is not the URL of a Master Node: give one such as ${DEFAULT_URL}.`,
    );
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new CliError(
      EXIT_USAGE,
      'The URL has a user or a password in it: leave them out, API keys come from LIVEKIT_API_KEY and LIVEKIT_API_SECRET.',
    );
  }
  return parsed.hostname;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
