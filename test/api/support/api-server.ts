import { HttpServer } from '../../../node-image/api/http-server';
import { roomService } from '../../../node-image/api/room-service';
import { TokenVerifier } from '../../../node-image/api/tokens';
import { type TwirpReport, twirpRoutes } from '../../../node-image/api/twirp-routes';
import { unimplementedServices } from '../../../node-image/api/unimplemented-services';
import type { RoomControl } from '../../../node-image/room/room-control';

/** The HTTP server with the server API in it, on a free port of 127.0.0.1. */
export function createApiServer(
  rooms: RoomControl,
  keys: Readonly<Record<string, string>>,
): { server: HttpServer; reports: TwirpReport[]; errors: unknown[] } {
  const reports: TwirpReport[] = [];
  const errors: unknown[] = [];
  const log = { debug: () => undefined, error: (fields: unknown) => void errors.push(fields) };
  const services = [
    roomService({ rooms, limits: { maxMetadataSize: 100, maxAttributesSize: 50 } }),
    ...unimplementedServices(),
  ];
  const tokens = new TokenVerifier({ keys });
  const server = new HttpServer({
    bindAddresses: ['127.0.0.1'],
    port: 0,
    maxBodyBytes: 100_000,
    health: () => ({ status: 200, text: 'OK' }),
    validate: async () => ({ status: 200, text: 'success' }),
    upgrade: (_request, socket) => void socket.destroy(),
    routes: [
      twirpRoutes({ services, tokens, log, observe: (report) => void reports.push(report) }),
    ],
    log,
  });
  return { server, reports, errors };
}
