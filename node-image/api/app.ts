import type { IncomingMessage } from 'node:http';
import cors from '@fastify/cors';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
} from 'fastify';
import type { Logger } from 'pino';
import { isValidatePath, withoutDoubleSlash } from './request-path';

/** LiveKit's `limit.max_api_request_body_size`. */
const MAX_BODY_BYTES = 10 << 20;

export interface HttpAnswer {
  readonly status: number;
  /** Plain text. */
  readonly text: string;
}

export interface AppOptions {
  /** 0 means no limit. @default 10 MiB */
  readonly maxBodyBytes?: number;
  readonly health: () => HttpAnswer;
  readonly validate: (request: IncomingMessage) => Promise<HttpAnswer>;
  readonly routes?: readonly FastifyPluginAsync[];
  readonly log: Pick<Logger, 'error'>;
}

/**
 * The routes of the HTTP server, ready to be used with `app.routing`.
 *
 * CORS is wide open, as in LiveKit: tokens guard, not origins.
 */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { maxBodyBytes = MAX_BODY_BYTES, health, validate, routes = [], log } = options;
  const app = fastify({
    bodyLimit: maxBodyBytes > 0 ? maxBodyBytes : Number.MAX_SAFE_INTEGER,
    rewriteUrl: (request) => withoutDoubleSlash(request.url ?? '/'),
    frameworkErrors: (error, _request, reply) => {
      reply.header('access-control-allow-origin', '*');
      answerError(error, reply, log);
    },
  });
  await app.register(cors, {
    origin: '*',
    methods: ['OPTIONS', 'HEAD', 'GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['*'],
    maxAge: 86_400,
    strictPreflight: false,
  });
  app.setErrorHandler<FastifyError>((error, _request, reply) => answerError(error, reply, log));
  // Clients append their path to that of the URL they were given, whatever it is.
  app.setNotFoundHandler(async (request, reply) =>
    request.method === 'GET' && isValidatePath(request.url)
      ? answer(reply, await validate(request.raw))
      : notFound(reply),
  );
  app.get('/', (_request, reply) => answer(reply, health()));
  app.get('/rtc/validate', async (request, reply) => answer(reply, await validate(request.raw)));
  // Said, not left to chance: on this 404 today's clients fall back to the version we serve.
  app.get('/rtc/v1', (_request, reply) => notFound(reply));
  app.get('/rtc/v1/validate', (_request, reply) => notFound(reply));
  for (const route of routes) await app.register(route);
  await app.ready();
  return app;
}

const notFound = (reply: FastifyReply): FastifyReply =>
  answer(reply, { status: 404, text: '404 page not found\n' });

function answer(reply: FastifyReply, { status, text }: HttpAnswer): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(text);
}

function answerError(error: FastifyError, reply: FastifyReply, log: Pick<Logger, 'error'>): void {
  const status = error.statusCode ?? 500;
  if (status >= 500) {
    log.error({ err: error }, 'request failed');
    answer(reply, { status: 500, text: 'internal error' });
    return;
  }
  const text = status === 413 ? 'request body too large' : error.message;
  answer(reply, { status, text });
}
