import type { WebRtcTransport } from 'mediasoup/types';
import { nanoid } from 'nanoid';
import { transportLines } from '../../../media/sdp/transport-lines';
import { WhipError, type WhipPatch, type WhipRestart } from './whip-host';

/** The ICE session of one sender, which has an ETag of its own each time that it begins. RFC 9725. */
export class WhipIce {
  #etag = newEtag();

  get etag(): string {
    return this.#etag;
  }

  /** @throws WhipError */
  async patch(
    transport: WebRtcTransport | undefined,
    { fragment, ifMatch }: WhipPatch,
  ): Promise<WhipRestart | undefined> {
    if (transport === undefined || transport.closed) {
      throw new WhipError(404, 'there is no such session any more');
    }
    if (ifMatch === undefined) {
      throw new WhipError(
        428,
        'If-Match is required: the ETag of the session, or * to begin ICE anew',
      );
    }
    if (ifMatch !== '*') {
      if (ifMatch !== this.#etag) {
        throw new WhipError(412, 'the ICE session has another ETag by now');
      }
      // The worker is an ICE lite agent: it learns where the sender is from its checks.
      return undefined;
    }
    if (!/^a=ice-ufrag:\S+/m.test(fragment) || !/^a=ice-pwd:\S+/m.test(fragment)) {
      throw new WhipError(400, 'to begin ICE anew, a=ice-ufrag and a=ice-pwd are required');
    }
    await transport.restartIce();
    this.#etag = newEtag();
    const lines = transportLines(transport, 'passive', true).filter((line) =>
      /^a=(ice-|candidate|end-of-candidates)/.test(line),
    );
    return { fragment: `a=ice-lite\r\n${lines.join('\r\n')}\r\n`, etag: this.#etag };
  }
}

const newEtag = (): string => `"${nanoid(12)}"`;
