import type { IncomingMessage } from 'node:http';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Grants } from '../room/grants';
import { TokenError, type TokenVerifier } from './tokens';
import { formatOf, type TwirpMethod, type TwirpService } from './twirp';
import { badRoute, type TwirpError, twirpErrorOf } from './twirp-error';

/** One answered call, for the metrics `livekit_node_twirp_request_*`. */
export interface TwirpReport {
  readonly service: string;
  readonly method: string;
  /** The Twirp code of the error; empty when the call succeeded. */
  readonly code: string;
  readonly durationMs: number;
}

export interface TwirpRoutesOptions {
  readonly services: readonly TwirpService[];
  readonly tokens: TokenVerifier;
  readonly log: Pick<Logger, 'debug' | 'error'>;
  readonly observe?: (report: TwirpReport) => void;
}

/**
 * The routes `POST /twirp/<package>.<Service>/<Method>`.
 *
 * A token that is not valid is answered before the body is read, with LiveKit's plain text; a
 * request without a token gets to the method, which refuses it.
 *
 * Source: the Twirp wire protocol, version 7.
 */
export function twirpRoutes(options: TwirpRoutesOptions): FastifyPluginAsync {
  const router = new TwirpRouter(options);
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    app.addHook('onRequest', async (request, reply) => router.authenticate(request, reply));
    app.setErrorHandler((error, request, reply) => {
      // A Content-Type that cannot be parsed is, to Twirp, one that has no route.
      if (hasCode(error, 'FST_ERR_CTP_INVALID_MEDIA_TYPE')) return router.answer(request, reply);
      throw error;
    });
    app.all('/twirp/:service/:method', (request, reply) => router.answer(request, reply));
  };
}

class TwirpRouter {
  readonly #options: TwirpRoutesOptions;
  readonly #services: ReadonlyMap<string, TwirpService>;
  readonly #grants = new WeakMap<IncomingMessage, Grants>();

  constructor(options: TwirpRoutesOptions) {
    this.#options = options;
    this.#services = new Map(options.services.map((service) => [service.name, service]));
  }

  async authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      const verified = await this.#options.tokens.verifyRequest(request.raw);
      if (verified !== undefined) this.#grants.set(request.raw, verified.grants);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      await reply.code(error.status).type('text/plain; charset=utf-8').send(error.message);
    }
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { service: serviceName, method: methodName } = paramsOf(request);
    const service = this.#services.get(serviceName);
    if (service === undefined) {
      reply.callNotFound();
      return reply;
    }
    const startedMs = performance.now();
    const report = (code: string): void =>
      this.#options.observe?.({
        service: serviceName.replace(/^.*\./, ''),
        method: methodName,
        code,
        durationMs: performance.now() - startedMs,
      });
    try {
      const { body, type } = await this.#call(request, service, methodName);
      report('');
      return await reply.code(200).header('content-type', type).send(body);
    } catch (error) {
      const twirpError = this.#logged(error, request);
      report(twirpError.code);
      // A Buffer, because Fastify adds a charset to the type of a string, and LiveKit's SDK for
      // JavaScript then does not see that it is JSON.
      return await reply
        .code(twirpError.status)
        .header('content-type', 'application/json')
        .send(twirpError.toBody());
    }
  }

  async #call(
    request: FastifyRequest,
    service: TwirpService,
    methodName: string,
  ): Promise<{ body: Buffer; type: string }> {
    const [path = ''] = request.url.split('?', 1);
    if (request.method !== 'POST') {
      const text = `unsupported method ${JSON.stringify(request.method)} (only POST is allowed)`;
      throw badRoute(text, request.method, path);
    }
    const method: TwirpMethod | undefined = service.methods.get(methodName);
    if (method === undefined) {
      throw badRoute(`no handler for path ${JSON.stringify(path)}`, request.method, path);
    }
    const format = formatOf(request.headers['content-type'], path);
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const grants = this.#grants.get(request.raw);
    const answer = await method(body, format, { grants });
    return { body: Buffer.from(answer), type: `application/${format}` };
  }

  #logged(error: unknown, request: FastifyRequest): TwirpError {
    const twirpError = twirpErrorOf(error);
    const [path] = request.url.split('?', 1);
    const fields = { path, requestId: request.headers['x-livekit-request-id'], err: error };
    if (twirpError.code === 'internal') this.#options.log.error(fields, 'server API call failed');
    else this.#options.log.debug(fields, 'server API call refused');
    return twirpError;
  }
}

function paramsOf(request: FastifyRequest): { service: string; method: string } {
  const params = request.params as Partial<Record<'service' | 'method', string>>;
  return { service: params.service ?? '', method: params.method ?? '' };
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
