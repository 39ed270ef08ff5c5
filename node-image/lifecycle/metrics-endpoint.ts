import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { listenErrorOf } from '../api/listen-error';
import type { SluiceConfig } from '../contract';
import { MetricsServer } from '../telemetry/metrics-server';
import type { Closers } from './closers';

/** Serves the metrics, where `prometheus.port` asks for it. @throws ListenError */
export async function startMetricsServer(options: {
  readonly config: SluiceConfig;
  readonly registry: Registry;
  readonly bindAddresses: readonly string[];
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<void> {
  const { config, registry, bindAddresses, log, closers } = options;
  const { port } = config.prometheus;
  if (port === 0) {
    return;
  }
  const server = await MetricsServer.listen({
    registry,
    prometheus: config.prometheus,
    addresses: bindAddresses,
    log,
  }).catch((error: unknown) => {
    const address = bindAddresses[0] ?? '';
    throw listenErrorOf(error, { address, port, portKey: 'prometheus.port' });
  });
  closers.add(() => server.close());
}
