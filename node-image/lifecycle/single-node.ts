import { networkInterfaces } from 'node:os';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { HttpServer } from '../api/http-server';
import { KeyRing } from '../api/key-ring';
import { roomService } from '../api/room-service';
import { TokenVerifier } from '../api/tokens';
import { twirpRoutes } from '../api/twirp-routes';
import { unimplementedServices } from '../api/unimplemented-services';
import { HostedRooms } from '../cluster/hosted-rooms';
import { MemoryRegistry } from '../cluster/memory-registry';
import { StrayRooms } from '../cluster/stray-rooms';
import { registerConsole } from '../console/console-routes';
import type { SluiceConfig } from '../contract';
import { newId } from '../room/ids';
import { createLog } from '../telemetry/log';
import { Closers } from './closers';
import { hasPlaceholderKey } from './config';
import { Health } from './health';
import { withoutMissingLoopback } from './listen-addresses';
import { startMediaPlane } from './media-plane';
import { startMetricsServer } from './metrics-endpoint';
import { RegistryOwnership } from './registry-ownership';
import type { NodeOptions, RunningNode } from './running-node';
import { sizeLimits } from './settings';
import { joinGate, roomSignaling } from './signaling-parts';
import { watchOsLimits } from './watch-os-limits';

/**
 * Starts a node that does everything: media, signaling, server API. What a cluster keeps in Redis
 * it keeps in memory.
 *
 * @throws ListenError, MediaListenError, CoturnError with a sentence that says what to do.
 */
export async function startSingleNode({ config, console }: NodeOptions): Promise<RunningNode> {
  const nodeId = newId('ND_');
  const log = createLog({ logging: config.logging, fields: { node_id: nodeId } });
  const closers = new Closers(log);
  try {
    return await start({ config, console, nodeId, log, closers });
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(options: {
  readonly config: SluiceConfig;
  readonly console: boolean;
  readonly nodeId: string;
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<RunningNode> {
  const { config, console, nodeId, log, closers } = options;
  const registry = new MemoryRegistry();
  closers.add(() => registry.close());
  const keys = new KeyRing({ configured: config.keys });
  closers.add(() => keys.close());
  const hosted = new HostedRooms({ registry, nodeId, placesItself: true, log });
  const ownership = new RegistryOwnership({ hosted, outlivesNode: false, log });
  const plane = await startMediaPlane({ config, nodeId, keys, ownership, log, closers });
  const { metrics, rooms, pool, turn } = plane;
  const exists = (room: string): boolean => rooms.has(room);
  const strays = new StrayRooms({ nodeId, registry, hosted, exists, log });
  closers.add(() => strays.close());

  const tokens = new TokenVerifier({ keys });
  const gate = joinGate(
    config,
    tokens,
    (reason) => metrics.operation('join_limit', reason),
    watchOsLimits(metrics, config.sluice.workers, log),
  );
  const signal = roomSignaling({ config, plane, gate, keys, log });
  closers.add(() => signal.close());

  const health = new Health({
    checks: {
      media: () => (pool.workers.length > 0 ? undefined : 'no media worker is running'),
      turn: () => turn.problem(),
    },
  });
  closers.add(() => health.close());

  const bindAddresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
  const http = new HttpServer({
    bindAddresses,
    port: config.port,
    maxBodyBytes: config.limit.max_api_request_body_size,
    health: () => health.report(),
    validate: (request) => signal.endpoint.validate(request),
    upgrade: (request, socket, head) => signal.endpoint.upgrade(request, socket, head),
    routes: [
      twirpRoutes({
        services: [
          roomService({ rooms: plane.control, limits: sizeLimits(config) }),
          ...unimplementedServices(),
        ],
        tokens,
        log,
        observe: (report) => metrics.twirpRequest(report),
      }),
      ...(console ? [consoleRoutes(config)] : []),
    ],
    log,
  });
  closers.add(() => http.close());
  await startMetricsServer({ config, registry: metrics.registry, bindAddresses, log, closers });
  // Last, as only now there is everything that a client may ask for.
  await http.listen();
  // Now the first to be closed, and at once: participants are told while their media still runs.
  closers.add(() => rooms.close());
  log.info({ port: http.port, workers: pool.workers.length }, 'serving');
  const { close, closed: ended } = closers;
  return { nodeId, port: http.port, log, ended, stop: close, close };
}

/** The web page, which gives out tokens of the first key where that is the one for development. */
export function consoleRoutes(config: SluiceConfig): FastifyPluginAsync {
  const [key = ['', '']] = Object.entries(config.keys);
  return async (app) => {
    await registerConsole(app, {
      apiKey: key[0],
      apiSecret: key[1],
      development: hasPlaceholderKey(config),
    });
  };
}
