import type { ICEServer } from '@livekit/protocol';
import { IngressInput } from '@livekit/protocol';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { IngressStore } from '../../jobs/ingress/ingress-store';
import { MAX_KEY_LENGTH } from '../../jobs/ingress/stream-key';
import { WhipError, type WhipHost } from '../../jobs/ingress/whip/whip-host';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
/** An offer with all that a browser knows has 10 KiB. */
const MAX_BODY_BYTES = 64 << 10;
const MAX_USER_AGENT = 200;

export interface WhipRoutesOptions {
  readonly store: Pick<IngressStore, 'byStreamKey'>;
  readonly host: WhipHost;
  /** `ingress.whip_base_url`: of it, its path is served. Empty: /whip is. */
  readonly baseUrl: string;
  readonly log: Pick<Logger, 'debug' | 'error'>;
}

/**
 * WHIP: `POST <base>` with the stream key as bearer token, or `POST <base>/<key>`; then `PATCH` and
 * `DELETE` of the session that is answered.
 *
 * Source: RFC 9725.
 */
export function whipRoutes(options: WhipRoutesOptions): FastifyPluginAsync {
  const base = whipPath(options.baseUrl);
  const endpoint = new WhipEndpoint(options, base);
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    app.addHook('onSend', async (request, reply) => {
      if (request.method === 'OPTIONS') reply.header('accept-post', SDP);
    });
    app.setErrorHandler((error, request, reply) => endpoint.refuse(error, request, reply));
    const body = { bodyLimit: MAX_BODY_BYTES };
    for (const path of [base, `${base}/`, `${base}/:key`]) {
      app.post(path, body, (request, reply) => endpoint.post(request, reply));
      app.options(path, (_request, reply) => reply.code(204).send());
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'] as const) {
        app.route({ method, url: path, handler: (_, reply) => notAllowed(reply, 'POST, OPTIONS') });
      }
    }
    const session = `${base}/session/:resourceId`;
    app.patch(session, body, (request, reply) => endpoint.patch(request, reply));
    app.delete(session, (request, reply) => endpoint.delete(request, reply));
    for (const method of ['GET', 'PUT', 'POST'] as const) {
      const handler = (_: FastifyRequest, reply: FastifyReply) =>
        notAllowed(reply, 'PATCH, DELETE, OPTIONS');
      app.route({ method, url: session, handler });
    }
  };
}

/** The path of `ingress.whip_base_url`, without a slash at its end. */
export function whipPath(baseUrl: string): string {
  const path = URL.canParse(baseUrl) ? new URL(baseUrl).pathname.replace(/\/+$/, '') : '';
  return path === '' ? '/whip' : path;
}

class WhipEndpoint {
  readonly #options: WhipRoutesOptions;
  readonly #base: string;

  constructor(options: WhipRoutesOptions, base: string) {
    this.#options = options;
    this.#base = base;
  }

  async post(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const offer = bodyOf(request, SDP);
    const { ingressId, roomName: room } = await this.#ingress(request);
    const userAgent = (request.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT);
    const answered = await this.#options.host.publish({ ingressId, room, offer, userAgent });
    const links = answered.iceServers.flatMap(linksOf);
    if (links.length > 0) reply.header('link', links.join(', '));
    return reply
      .code(201)
      .header('location', `${this.#base}/session/${answered.resourceId}`)
      .header('etag', answered.etag)
      .header('accept-patch', FRAGMENT)
      .type(SDP)
      .send(answered.answer);
  }

  async patch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const fragment = bodyOf(request, FRAGMENT);
    const ifMatch = request.headers['if-match'];
    const restart = await this.#options.host.patch(resourceOf(request), { fragment, ifMatch });
    return restart === undefined
      ? reply.code(204).send()
      : reply.code(200).header('etag', restart.etag).type(FRAGMENT).send(restart.fragment);
  }

  async delete(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    await this.#options.host.end(resourceOf(request));
    return reply.code(200).send();
  }

  refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { status, message, retryAfterSeconds } = this.#refusal(error);
    this.#options.log.debug({ err: error, method: request.method, status }, 'WHIP refused');
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
    return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`);
  }

  #refusal(error: unknown): Pick<WhipError, 'status' | 'message' | 'retryAfterSeconds'> {
    if (error instanceof WhipError) return error;
    if (error instanceof RegistryUnavailableError) {
      return {
        status: 503,
        message: 'the registry does not answer, try again',
        retryAfterSeconds: 2,
      };
    }
    const status = statusOf(error);
    if (status !== undefined && status < 500) {
      return { status, message: error instanceof Error ? error.message : 'bad request' };
    }
    this.#options.log.error({ err: error }, 'a WHIP request failed');
    return { status: 500, message: 'internal error' };
  }

  async #ingress(request: FastifyRequest) {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const { key = bearer } = request.params as { key?: string };
    if (key === undefined || key === '' || key.length > MAX_KEY_LENGTH) {
      throw new WhipError(
        401,
        'the stream key is missing: send it as bearer token, or in the path',
      );
    }
    const stored = await this.#options.store.byStreamKey(key);
    if (stored === undefined || stored.info.inputType !== IngressInput.WHIP_INPUT) {
      throw new WhipError(401, 'this is no stream key of a WHIP Ingress');
    }
    return stored.info;
  }
}

/** @throws WhipError for another type, or nothing. */
function bodyOf(request: FastifyRequest, type: string): string {
  const [given = ''] = (request.headers['content-type'] ?? '').split(';', 1);
  if (given.trim().toLowerCase() !== type) {
    throw new WhipError(415, `Content-Type is "${given.slice(0, 100)}"; ${type} is allowed`);
  }
  return typeof request.body === 'string' ? request.body : '';
}

const resourceOf = (request: FastifyRequest): string =>
  (request.params as { resourceId?: string }).resourceId ?? '';

/** Source: RFC 9725 section 4.5. */
const linksOf = ({ urls, username, credential }: ICEServer): string[] =>
  urls.map((url) =>
    username === ''
      ? `<${url}>; rel="ice-server"`
      : `<${url}>; rel="ice-server"; username="${username}"; credential="${credential}"; credential-type="password"`,
  );

const notAllowed = (reply: FastifyReply, allow: string): FastifyReply =>
  reply
    .code(405)
    .header('allow', allow)
    .type('text/plain; charset=utf-8')
    .send(`method not allowed: ${allow} are\n`);

const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
