import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { listenErrorOf } from '../api/listen-error';
import type { SluiceConfig } from '../contract';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import { RtmpError } from '../jobs/ingress/rtmp/chunk-reader';
import { type RtmpIngress, rtmpIngressOf } from '../jobs/ingress/rtmp/rtmp-ingress';
import { RtmpServer } from '../jobs/ingress/rtmp/rtmp-server';
import type { Closers } from './closers';
import { withoutMissingLoopback } from './listen-addresses';

export interface RtmpListenersOptions {
  readonly config: SluiceConfig;
  readonly store: IngressStore;
  readonly rtmp: Pick<RtmpIngress, 'take'>;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Takes encoders, where the configuration says so. @throws ListenError */
export async function listenForRtmp(options: RtmpListenersOptions): Promise<void> {
  // The ports are those of that service then, maybe on this very machine.
  if (options.config.ingress.service === 'livekit') return;
  const { config, store, rtmp, log, closers } = options;
  const { rtmp_port: port, rtmps_port: secure, rtmp_proxy_port: behind } = config.ingress;
  if (port === 0 && secure === 0) return;
  const server = new RtmpServer({
    publish: async (key, session) => {
      const info = await rtmpIngressOf(store, key);
      return info && (await rtmp.take(info, () => session.close()).catch(asRtmpError));
    },
    log,
  });
  closers.add(() => server.close());
  if (port !== 0) await listenOn(server, config, port);
  if (secure === 0) return;
  await server.listenBehindProxy(behind).catch((error: unknown) => {
    const portKey = 'ingress.rtmp_proxy_port';
    throw listenErrorOf(error, { address: '127.0.0.1', port: behind, portKey });
  });
}

async function listenOn(server: RtmpServer, config: SluiceConfig, port: number): Promise<void> {
  const asked = config.ingress.bind_addresses;
  const addressKey = asked.length > 0 ? 'ingress.bind_addresses' : 'bind_addresses';
  const addresses = withoutMissingLoopback(
    asked.length > 0 ? asked : config.bind_addresses,
    networkInterfaces(),
  );
  await server.listen(addresses, port).catch((error: unknown) => {
    const keys = { portKey: 'ingress.rtmp_port', addressKey };
    throw listenErrorOf(error, { address: addresses.join(', '), port, ...keys });
  });
}

/** Who has shown a key is told what is wrong. */
function asRtmpError(error: unknown): never {
  throw error instanceof Error ? new RtmpError(error.message, { cause: error }) : error;
}
