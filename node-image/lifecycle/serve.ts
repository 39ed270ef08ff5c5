import { ListenError } from '../api/listen-error';
import { WebhookConfigError } from '../api/webhooks';
import type { SluiceConfig } from '../contract';
import { MediaListenError, WorkerMissingError } from '../media/worker-pool';
import { NodeEndedError } from './closers';
import { hasPlaceholderKey } from './config';
import { CoturnError } from './coturn';
import { EXIT_FAILED, EXIT_USAGE } from './exit-codes';
import { rtmpHint } from './local/greeting';
import { startMasterNode } from './master-node';
import { startMediaNode } from './media-node';
import type { ServeOptions } from './node-command';
import type { NodeOptions, RunningNode } from './running-node';
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

/** How long a node that ends at once may take, in ms. */
const CLOSE_MS = 10_000;

const START: Readonly<Record<SluiceConfig['sluice']['role'], typeof startSingleNode>> = {
  single: startSingleNode,
  master: startMasterNode,
  media: startMediaNode,
};

/**
 * Runs a node until it is told to stop, or says why it could not start and sets the exit code.
 *
 * SIGTERM and SIGQUIT let it leave in order, as long as that takes, however often they come: a Media
 * Node drains, a Master Node sends its clients to the others. SIGINT ends it at once.
 */
export async function serve(config: SluiceConfig, options: ServeOptions): Promise<void> {
  // From the start: whoever is told to stop while it starts does so once it can.
  const leave = new AbortController();
  const end = new AbortController();
  process.on('SIGINT', () => {
    setTimeout(() => process.exit(EXIT_FAILED), CLOSE_MS).unref();
    end.abort('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
    process.on(signal, () => leave.abort(signal));
  }
  const { console, load } = options;
  const node = await start(config, { config, console, load, signal: end.signal });
  if (node === undefined) {
    return;
  }
  for (const warning of options.warnings) {
    node.log.warn(warning);
  }
  if (options.console && config.sluice.role === 'single') {
    greet(config, node.port);
  }
  await Promise.race([
    node.ended,
    aborted(leave.signal).then((signal) => node.stop(String(signal))),
    aborted(end.signal).then(() => node.close()),
  ]);
}

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted
    ? Promise.resolve(signal.reason)
    : new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve(signal.reason), { once: true }),
      );

/** @returns undefined where it could not start and the reason has been told. */
async function start(config: SluiceConfig, options: NodeOptions): Promise<RunningNode | undefined> {
  try {
    return await START[config.sluice.role](options);
  } catch (error) {
    if (error instanceof NodeEndedError) {
      // Whoever ended it knows, or has logged why.
      return undefined;
    }
    if (error instanceof Error && PLAIN_ERRORS.some((plain) => error instanceof plain)) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error instanceof SettingsError ? EXIT_USAGE : EXIT_FAILED;
      return undefined;
    }
    throw error;
  }
}

function greet(config: SluiceConfig, port: number): void {
  const { rtmp_port: rtmpPort, rtmp_base_url: rtmpUrl } = config.ingress;
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
    ...(rtmpUrl === '' ? [] : [`  For encoders    ${rtmpHint(rtmpUrl, rtmpPort)}`]),
    '',
    '  Ctrl-C stops it.',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
