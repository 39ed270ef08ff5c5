import type { Logger } from 'pino';
import { controlRequests } from '../../../../node-image/api/cluster/control-service';
import { linkRequests } from '../../../../node-image/api/cluster/link-requests';
import { TlsLinkClient } from '../../../../node-image/cluster/link/link-client';
import { LinkServer } from '../../../../node-image/cluster/link/link-server';
import type { RouteTarget } from '../../../../node-image/cluster/room-routes';
import type { RoomControl } from '../../../../node-image/room/room-control';
import { log as silent } from '../../../media/support/media';
import { targetOf } from './routes';

const SECRET = { secret: 'a secret of thirty-two characters', clusterName: 'test' };

export const linkClient = (): TlsLinkClient => new TlsLinkClient(SECRET);

export interface NodeControlOptions {
  readonly maxBodyBytes?: number;
  readonly log?: Logger;
}

/** A Media Node of which only the server API is there, behind a real node link. */
export class NodeControl {
  private constructor(
    readonly target: RouteTarget,
    readonly link: LinkServer,
  ) {}

  static async listen(
    nodeId: string,
    control: RoomControl,
    { log = silent, ...options }: NodeControlOptions = {},
  ): Promise<NodeControl> {
    const link = await LinkServer.listen({
      ...SECRET,
      address: '127.0.0.1',
      port: 0,
      nodeId,
      version: 'test',
      closeGraceMs: 50,
      handlers: {
        request: linkRequests([controlRequests({ control, log, ...options })], log),
        upgrade: (_request, socket) => void socket.destroy(),
      },
      log,
    });
    return new NodeControl(targetOf(nodeId, link.port), link);
  }

  close(): Promise<void> {
    return this.link.close();
  }
}
