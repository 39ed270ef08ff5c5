import { linkRequests } from '../../../../node-image/api/cluster/link-requests';
import { TlsLinkClient } from '../../../../node-image/cluster/link/link-client';
import { LinkServer } from '../../../../node-image/cluster/link/link-server';
import { openRemoteRoom } from '../../../../node-image/jobs/egress/tracks/remote-room';
import { tapPaths } from '../../../../node-image/lifecycle/jobs-taps';
import { WorkerPool } from '../../../../node-image/media/worker-pool';
import type { LocalRooms } from '../../../../node-image/room/local-rooms';
import { TapSessions } from '../../../../node-image/room/tap-sessions';
import type { TappedRoom } from '../../../../node-image/room/tapped-room';
import { freePortRange } from '../../../support/ports';
import { testLog } from './record';

/** Rooms as another node gets at them: over a node link, with a worker of its own. */
export interface RemoteRooms {
  readonly sessions: TapSessions;
  openRoom(room: string): Promise<TappedRoom | undefined>;
  close(): Promise<void>;
}

export async function remoteRooms(
  rooms: Pick<LocalRooms, 'get'>,
  leaseMs?: number,
): Promise<RemoteRooms> {
  const ip = '127.0.0.1';
  const secret = { secret: 'a-secret-of-a-cluster-of-the-tests', clusterName: 'test' };
  const sessions = new TapSessions({
    rooms,
    ip,
    log: testLog,
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  const server = await LinkServer.listen({
    ...secret,
    address: ip,
    port: 0,
    nodeId: 'ND_rooms',
    version: 'test',
    handlers: {
      request: linkRequests([tapPaths(sessions)], testLog),
      upgrade: (_request, socket) => void socket.destroy(),
    },
    log: testLog,
  });
  const link = new TlsLinkClient(secret);
  const pool = await WorkerPool.create({
    count: 1,
    listen: {
      addresses: [{ ip }],
      udpPort: await freePortRange(1),
      tcpPort: 0,
      exposeInternal: false,
    },
    transport: {
      initialOutgoingBitrate: 1_000_000,
      maxIncomingBitrate: 0,
      iceConsentTimeoutSeconds: 30,
      enableTcp: false,
      keyFrameRequestDelayMs: 500,
      forceTcp: false,
    },
    log: testLog,
  });
  const address = { host: ip, port: server.port };
  return {
    sessions,
    openRoom: (room) => openRemoteRoom({ room, address, link, ip, pool, log: testLog }),
    close: async () => {
      sessions.close();
      link.close();
      await server.close();
      pool.close();
    },
  };
}
