import { ListenError } from '../api/listen-error';
import { WebhookConfigError } from '../api/webhooks';
import type { SluiceConfig } from '../contract';
import { MediaListenError, WorkerMissingError } from '../media/worker-pool';
import { hasPlaceholderKey } from './config';
import { CoturnError } from './coturn';
import { EXIT_FAILED, EXIT_USAGE } from './exit-codes';
import type { ServeOptions } from './node-command';
import { SettingsError } from './settings';
import { startSingleNode } from './single-node';

/** Errors whose message alone tells an operator all that helps. */
const PLAIN_ERRORS = [
  ListenError,
  MediaListenError,
  WorkerMissingError,
  CoturnError,
  WebhookConfigError,
  SettingsError,
];

/** How long a node that was told to stop may take, in ms. */
const STOP_MS = 10_000;

/** Runs a node until it is told to stop, or says why it could not start and sets the exit code. */
export async function serve(config: SluiceConfig, options: ServeOptions): Promise<void> {
  // mediasoup's workers end on the same signals, each by a listener of its own. This one comes first,
  // so that participants are told before their media is gone.
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const node = await start(config, options);
  if (node === undefined) {
    return;
  }
  for (const warning of options.warnings) {
    node.log.warn(warning);
  }
  if (options.console) {
    greet(config, node.port);
  }
  await new Promise<void>((resolve) => {
    const close = (): void => {
      setTimeout(() => process.exit(EXIT_FAILED), STOP_MS).unref();
      node.close().then(resolve, resolve);
    };
    if (stop.signal.aborted) {
      close();
    } else {
      stop.signal.addEventListener('abort', close);
    }
  });
}

/** @returns undefined where it could not start and the reason has been told. */
async function start(
  config: SluiceConfig,
  options: ServeOptions,
): Promise<Awaited<ReturnType<typeof startSingleNode>> | undefined> {
  try {
    return await startSingleNode({ config, console: options.console });
  } catch (error) {
    if (error instanceof Error && PLAIN_ERRORS.some((plain) => error instanceof plain)) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error instanceof SettingsError ? EXIT_USAGE : EXIT_FAILED;
      return undefined;
    }
    throw error;
  }
}

function greet(config: SluiceConfig, port: number): void {
  const host = config.bind_addresses[0] ?? '127.0.0.1';
  const origin = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const lines = [
    '',
    '  Sluice is up: a Single Node that speaks the LiveKit protocol.',
    '',
    `  Join a room     http://${origin}/meet?room=demo`,
    '                  (open it in two windows)',
    `  For SDKs        ws://${origin}`,
    ...(hasPlaceholderKey(config) ? ['  Key, secret     devkey, secret'] : []),
    '',
    '  Ctrl-C stops it.',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
