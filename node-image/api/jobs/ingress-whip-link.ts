import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import {
  WHIP_LINK_PREFIX,
  whipOfferSchema,
  whipPatchSchema,
} from '../../jobs/ingress/whip/routed-whip';
import { WhipError, type WhipHost } from '../../jobs/ingress/whip/whip-host';
import {
  answerBytes,
  answerJson,
  BodyTooLargeError,
  bodyOf,
  type LinkPath,
  urlOf,
} from '../cluster/link-requests';

/** An offer and what is said of it. */
const MAX_BODY_BYTES = 256 << 10;

/** What a Media Node takes of WHIP on its node link. */
export const whipLinkPath = (host: WhipHost): LinkPath => ({
  prefix: WHIP_LINK_PREFIX,
  handle: async (request, response) => {
    const [call = '', resourceId = ''] = urlOf(request)
      .pathname.slice(WHIP_LINK_PREFIX.length)
      .split('/');
    try {
      const body: unknown = JSON.parse((await bodyOf(request, MAX_BODY_BYTES)).toString());
      await answer(host, call, resourceId, body, response);
    } catch (error) {
      answerRefusal(request, response, error);
    }
  },
});

async function answer(
  host: WhipHost,
  call: string,
  resourceId: string,
  body: unknown,
  response: ServerResponse,
): Promise<void> {
  switch (call) {
    case 'publish': {
      const published = await host.publish(whipOfferSchema.parse(body));
      const iceServers = published.iceServers.map(({ urls, username, credential }) => ({
        urls,
        username,
        credential,
      }));
      answerJson(response, 201, { ...published, iceServers });
      return;
    }
    case 'patch': {
      const restart = await host.patch(resourceId, patchOf(body));
      if (restart === undefined) answerBytes(response, 204, Buffer.alloc(0));
      else answerJson(response, 200, restart);
      return;
    }
    case 'end':
      await host.end(resourceId);
      answerJson(response, 200, {});
      return;
    default:
      throw new WhipError(404, `there is no call "${call}"`);
  }
}

function patchOf(body: unknown) {
  const { fragment, ifMatch } = whipPatchSchema.parse(body);
  return { fragment, ifMatch };
}

function answerRefusal(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (error instanceof WhipError) {
    const { status, message, retryAfterSeconds } = error;
    answerJson(response, status, { message, retryAfterSeconds });
  } else if (error instanceof z.ZodError || error instanceof SyntaxError) {
    answerJson(response, 400, { message: 'not a call of this version' });
  } else if (error instanceof BodyTooLargeError) {
    response.setHeader('connection', 'close');
    answerJson(response, 413, { message: error.message });
    request.resume();
  } else {
    throw error;
  }
}
