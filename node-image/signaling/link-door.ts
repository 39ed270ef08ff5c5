import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import {
  answerBytes,
  ELSEWHERE_HEADER,
  ELSEWHERE_STATUS,
  type LinkPath,
  urlOf,
} from '../api/cluster/link-requests';
import { answerOnSocket } from '../api/raw-answer';
import type { TokenVerifier } from '../api/tokens';
import type { ClientAddresses } from './client-address';
import { JoinLimits, type JoinRefusal } from './client-limits';
import { CLIENT_HEADER } from './entry/forwarded';
import { JoinGate } from './join-gate';
import type { JoinLengths } from './join-validation';
import type { RtcEndpoint } from './rtc-endpoint';

/**
 * Whose handshake it is, as the Master Node says. Only for requests that came over the node link:
 * there both sides have proven themselves, and Master Nodes let no such header of a client pass.
 */
export const linkAddresses: Pick<ClientAddresses, 'of'> = {
  of: ({ headers }) => String(headers[CLIENT_HEADER] ?? ''),
};

export interface LinkGateOptions {
  readonly tokens: TokenVerifier;
  readonly lengths: JoinLengths;
  /** `sluice.pending_handshakes`: joins worked on at a time. 0: no limit. */
  readonly pendingHandshakes: number;
  /** Told of each client that is refused. @default - nobody is */
  readonly observe?: (reason: JoinRefusal) => void;
  /** Whether hardly any file descriptors are left. @default - never */
  readonly isOutOfDescriptors?: () => boolean;
}

/** Who may join a Media Node. Master Nodes have counted addresses and keys already. */
export function linkGate(options: LinkGateOptions): JoinGate {
  const { pendingHandshakes, observe, isOutOfDescriptors, ...rest } = options;
  return new JoinGate({
    ...rest,
    addresses: linkAddresses,
    limits: new JoinLimits({
      perSecondByAddress: 0,
      perSecondByKey: 0,
      pendingHandshakes,
      ...(observe === undefined ? {} : { observe }),
      ...(isOutOfDescriptors === undefined ? {} : { isOutOfDescriptors }),
    }),
  });
}

export interface LinkDoorOptions {
  /** Its gate is that of `linkGate`. */
  readonly endpoint: Pick<RtcEndpoint, 'validate' | 'upgrade'>;
  readonly log: Pick<Logger, 'debug' | 'error'>;
}

/** What Master Nodes pass on of clients: `/rtc` and `/rtc/validate` on the node link. */
export class LinkDoor {
  readonly #options: LinkDoorOptions;

  constructor(options: LinkDoorOptions) {
    this.#options = options;
  }

  /** Of the requests on the node link, `GET /rtc/validate`. */
  get path(): LinkPath {
    return {
      prefix: '/rtc/validate',
      handle: async (request, response) => {
        const { status, text } = await this.#options.endpoint.validate(request);
        answerBytes(response, status, Buffer.from(text), {
          'content-type': 'text/plain; charset=utf-8',
          ...(status === ELSEWHERE_STATUS ? { [ELSEWHERE_HEADER]: '1' } : {}),
        });
      },
    };
  }

  /** Takes a handshake and owns its socket. Nothing is thrown. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { endpoint, log } = this.#options;
    socket.on('error', (error) => log.debug({ err: error }, 'socket error'));
    if (urlOf(request).pathname !== '/rtc') {
      answerOnSocket(socket, 404, '404 page not found\n');
      return;
    }
    endpoint.upgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, 'handshake failed');
      answerOnSocket(socket, 500, 'internal error');
    });
  };
}
