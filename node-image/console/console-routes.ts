import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { AccessToken } from 'livekit-server-sdk';
import { nanoid } from 'nanoid';
import { z } from 'zod';

/** How the page people join rooms on is served. */
export interface ConsoleOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /**
   * Whether the page may ask this server for tokens, for any room, without saying who it is.
   * For development only: elsewhere a link carries its token, `/meet#token=...`.
   *
   * @default false
   */
  readonly development?: boolean;
  /**
   * The folder scripts/build-page.mjs wrote.
   *
   * @default dist beside this file
   */
  readonly pageFolder?: string;
}

const TOKEN_LIFE = '6h';
const YEAR_SECONDS = 365 * 24 * 3600;

/** The page's own limits, tighter than LiveKit's 256: they are shown to people. */
const tokenRequest = z.object(
  { room: wording('room', 128), name: wording('name', 64) },
  { error: 'send a JSON object such as {"room": "demo", "name": "Ada"}' },
);

/** Serves the page at `/meet`, what it is made of at `/meet/assets/`, and `POST /meet/token`. */
export async function registerConsole(
  app: FastifyInstance,
  options: ConsoleOptions,
): Promise<void> {
  const development = options.development ?? false;
  const folder = options.pageFolder ?? join(__dirname, 'dist');
  const headers = securityHeaders(development);

  // A scope of its own: these headers and answers to errors are not for the rest of the server.
  const routes: FastifyPluginAsync = async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => void reply.headers(headers));
    scope.setErrorHandler(answerError);
    const page = (_request: unknown, reply: FastifyReply): Promise<FastifyReply> =>
      sendPage(reply, folder, development);
    scope.get('/meet', page);
    scope.get('/meet/', page);
    scope.post('/meet/token', { bodyLimit: 4096 }, (request, reply) =>
      sendToken(request, reply, options),
    );
    await scope.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/meet/assets/',
      decorateReply: false,
      index: false,
      dotfiles: 'deny',
      cacheControl: false,
      setHeaders: (reply, path) => {
        const hashed = /-[A-Z0-9]{8}\.(js|css)$/.test(path);
        reply.header(
          'cache-control',
          hashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
        );
      },
    });
  };
  await app.register(routes);
}

async function sendPage(
  reply: FastifyReply,
  folder: string,
  development: boolean,
): Promise<FastifyReply> {
  const file = join(folder, 'index.html');
  if (!existsSync(file)) {
    return reply
      .code(503)
      .type('text/plain; charset=utf-8')
      .send('The page is not built. Run: node scripts/build-page.mjs\n');
  }
  const html = await readFile(file, 'utf8');
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .send(html.replace('data-development="false"', `data-development="${development}"`));
}

async function sendToken(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ConsoleOptions,
): Promise<FastifyReply> {
  void reply.header('cache-control', 'no-store');
  if (options.development !== true) {
    return reply.code(404).send({
      error:
        'this server gives no tokens: it does in development mode only (--dev). ' +
        'Make a token with the API key and secret, and open /meet#token=TOKEN',
    });
  }
  const asked = tokenRequest.safeParse(request.body);
  if (!asked.success) {
    const error = asked.error.issues.map((issue) => issue.message).join('; ');
    return reply.code(400).send({ error });
  }
  return reply.send({ token: await joinToken(options, asked.data) });
}

function answerError(
  error: { statusCode?: number; message: string },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status < 500) return reply.code(status).send({ error: error.message });
  request.log.error({ err: error }, 'the page could not be served');
  return reply.code(500).send({ error: 'internal error: the log of the server says more' });
}

async function joinToken(
  options: ConsoleOptions,
  { room, name }: z.infer<typeof tokenRequest>,
): Promise<string> {
  const token = new AccessToken(options.apiKey, options.apiSecret, {
    // Two people of one name are two participants, not one that throws the other out.
    identity: `${name}-${nanoid(6)}`,
    name,
    ttl: TOKEN_LIFE,
  });
  token.addGrant({ room, roomJoin: true, canUpdateOwnMetadata: true });
  return token.toJwt();
}

function wording(field: string, max: number) {
  const error = `${field}: must be a text of 1 to ${max} characters without control characters`;
  return z
    .string({ error })
    .trim()
    .min(1, { error })
    .max(max, { error })
    .regex(/^\P{Cc}*$/u, { error });
}

function securityHeaders(development: boolean): Record<string, string> {
  // In development `?url=` may name another server; elsewhere the page speaks to its own only.
  const servers = development ? ' ws: wss: http: https:' : '';
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "media-src 'self' blob: mediastream:",
      `connect-src 'self'${servers}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'permissions-policy':
      'camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), geolocation=()',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}
