import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { LinkHandlers } from '../../cluster/link/link';
import { IngressGoneError, IngressRefusedError } from '../../jobs/ingress/ingress-runs';
import type { IngressStore } from '../../jobs/ingress/ingress-store';
import { RTMP_LINK_PREFIX } from '../../jobs/ingress/rtmp/routed-rtmp';
import type { RtmpIngress } from '../../jobs/ingress/rtmp/rtmp-ingress';
import { receiveTags } from '../../jobs/ingress/rtmp/tag-stream';
import type { LocalRooms } from '../../room/local-rooms';
import { RoomElsewhereError } from '../../room/room-ownership';
import { ELSEWHERE_HEADER, ELSEWHERE_STATUS, urlOf } from '../cluster/link-requests';
import { answerOnSocket } from '../raw-answer';

const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

export interface RtmpLinkOptions {
  readonly store: IngressStore;
  readonly rtmp: RtmpIngress;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** Of all else. */
  readonly otherwise: LinkHandlers['upgrade'];
  readonly log: Pick<Logger, 'warn'>;
}

/** Takes on the node link what encoders send to a Master Node, beside the handshakes of clients. */
export const rtmpLinkUpgrade =
  (options: RtmpLinkOptions): LinkHandlers['upgrade'] =>
  (request, socket, head) => {
    const { pathname } = urlOf(request);
    if (pathname.startsWith(RTMP_LINK_PREFIX)) {
      void take(options, pathname.slice(RTMP_LINK_PREFIX.length), socket, head);
    } else {
      options.otherwise(request, socket, head);
    }
  };

async function take(
  { store, rtmp, rooms, log }: RtmpLinkOptions,
  ingressId: string,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => {});
  try {
    const stored = await store.get(ingressId);
    if (stored === undefined) throw new IngressGoneError('ingress does not exist');
    await rooms.getOrCreate({ name: stored.info.roomName });
    const sink = await rtmp.take(stored.info, () => socket.destroy());
    socket.write(ACCEPTED);
    receiveTags(socket, head, sink);
  } catch (error) {
    if (error instanceof RoomElsewhereError) {
      answerOnSocket(socket, ELSEWHERE_STATUS, error.message, { [ELSEWHERE_HEADER]: '1' });
    } else if (error instanceof IngressRefusedError || error instanceof IngressGoneError) {
      answerOnSocket(socket, 503, error.message);
    } else {
      log.warn({ err: error, ingress: ingressId }, 'an RTMP sender could not be taken');
      answerOnSocket(socket, 503, 'the node of the room cannot take it now');
    }
  }
}
