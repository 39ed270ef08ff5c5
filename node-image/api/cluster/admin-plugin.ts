import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { AdminError } from '../../cluster/admin-views';
import type { AdminCaller } from '../../cluster/cluster-admin';
import { RegistryUnavailableError } from '../../cluster/registry';
import { TokenError, type TokenVerifier } from '../tokens';

const PREFIX = '/sluice/v1/';
/** When to try again while the registry is away, s. */
const RETRY_AFTER_SECONDS = 2;

export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Behind `/sluice/v1/`, as Fastify writes paths. */
  readonly path: string;
  /** @returns what is answered as JSON. What it throws is answered with its status and text. */
  readonly handle: (request: FastifyRequest, caller: AdminCaller) => Promise<unknown>;
}

export interface AdminPluginOptions {
  readonly routes: readonly AdminRoute[];
  readonly tokens: Pick<TokenVerifier, 'verifyRequest'>;
  readonly log: Pick<Logger, 'error'>;
}

type Refusal = readonly [status: number, code: string, message: string];

/**
 * Routes of the admin API, JSON in and out, errors as `{code, message}`.
 *
 * Each needs `Authorization: Bearer` with a token signed by an API key that has the claim
 * `sluice: {clusterAdmin: true}`. Without: 401 `unauthenticated`, or 403 `permission_denied`.
 */
export function adminPlugin({ routes, tokens, log }: AdminPluginOptions): FastifyPluginAsync {
  const callers = new WeakMap<FastifyRequest, AdminCaller>();
  return async (app) => {
    app.addHook('onRequest', async (request) => {
      callers.set(request, await callerOf(request, tokens));
    });
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
    for (const { method, path, handle } of routes) {
      app.route({
        method,
        url: `${PREFIX}${path}`,
        handler: async (request, reply) => {
          const caller = callers.get(request) ?? refuse('unauthenticated', 'no token was checked');
          return reply.type('application/json').send(JSON.stringify(await handle(request, caller)));
        },
      });
    }
  };
}

/** What the bearer of the token may not do, or is not known to be allowed. */
class AccessError extends Error {
  constructor(
    readonly code: 'unauthenticated' | 'permission_denied',
    message: string,
  ) {
    super(message);
  }
}

function refuse(code: AccessError['code'], message: string): never {
  throw new AccessError(code, message);
}

async function callerOf(
  { raw }: FastifyRequest,
  tokens: AdminPluginOptions['tokens'],
): Promise<AdminCaller> {
  // Only of the header: a link that somebody is made to open must not be enough.
  const verified = await tokens.verifyRequest({ headers: raw.headers });
  if (verified === undefined) {
    return refuse(
      'unauthenticated',
      'The admin API needs a token: "Authorization: Bearer ..." with the claim ' +
        'sluice: {"clusterAdmin": true}, signed with an API key.',
    );
  }
  const { grants } = verified;
  if (grants.clusterAdmin !== true) {
    return refuse(
      'permission_denied',
      'This token does not allow it: the admin API needs the claim sluice: {"clusterAdmin": true}.',
    );
  }
  return { apiKey: grants.apiKey };
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Pick<Logger, 'error'>,
): void {
  const refusal = refusalOf(error);
  const [status, code, message] = refusal ?? [500, 'internal', 'internal error'];
  if (refusal === undefined) {
    const [path] = request.url.split('?', 1);
    log.error({ err: error, path }, 'a request of the admin API failed');
  }
  if (status === 401) {
    reply.header('www-authenticate', 'Bearer');
  }
  if (status === 503) {
    reply.header('retry-after', RETRY_AFTER_SECONDS);
  }
  reply.code(status).type('application/json').send(JSON.stringify({ code, message }));
}

/** @returns undefined where nobody outside should know what went wrong. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof AdminError) {
    const statuses = { not_found: 404, invalid: 400, conflict: 409 };
    return [statuses[error.code], error.code, error.message];
  }
  if (error instanceof AccessError) {
    return [error.code === 'unauthenticated' ? 401 : 403, error.code, error.message];
  }
  if (error instanceof TokenError) {
    return [401, 'unauthenticated', error.message];
  }
  if (error instanceof RegistryUnavailableError) {
    const text = 'The registry of the cluster does not answer; what runs goes on. Try again soon.';
    return [503, 'unavailable', text];
  }
  const { statusCode = 500, code, message } = error as Partial<FastifyError>;
  if (statusCode < 400 || statusCode >= 500) {
    return undefined;
  }
  return code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    ? [415, 'invalid', 'The body has to be JSON: send it with "Content-Type: application/json".']
    : [statusCode, 'invalid', message ?? 'bad request'];
}
