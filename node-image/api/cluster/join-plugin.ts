import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import {
  type JoinAnswer,
  JoinChannelError,
  type JoinGrant,
  type JoinReader,
  type JoinRequest,
  MAX_JOIN_REQUEST,
  sealAnswer,
} from '../../cluster/join-channel';
import { type JoinRole, type JoinTokens, JoinTokensError } from '../../cluster/join-tokens';
import { LINK_PROTOCOL } from '../../cluster/link/link';
import { isStale } from '../../cluster/node-record';
import { type Registry, RegistryUnavailableError } from '../../cluster/registry';
import { NO_FURTHER_MASTERS } from './join-token-routes';

/** Where machines that join send their request, encrypted for the cluster. */
export const JOIN_PATH = '/sluice/v1/join';
export const JOIN_MEDIA_TYPE = 'application/jose';

/** A clock that is off by more makes tokens of clients, and logs, wrong; ms. */
const MAX_CLOCK_MS = 60_000;
/** Requests of one address in `WINDOW_S`, and of all together: reading one takes half a millisecond. */
const PER_ADDRESS = 20;
const PER_NODE = 600;
const WINDOW_S = 60;
/** When to try again while the registry is away, s. */
const RETRY_AFTER_SECONDS = 2;

export interface JoinPluginOptions {
  readonly reader: JoinReader;
  readonly tokens: Pick<JoinTokens, 'take'>;
  readonly registry: Pick<Registry, 'snapshot' | 'audit'>;
  /** Of this node: the audit names it. */
  readonly nodeId: string;
  readonly grant: (role: JoinRole) => JoinGrant | Promise<JoinGrant>;
  /** Whether machines may become Master Nodes: with High Availability. */
  readonly takesMasters: boolean;
  /** Whom a request counts for. */
  readonly addressOf: (request: FastifyRequest['raw']) => string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * `POST /sluice/v1/join`: a machine with a join token becomes a node. Strangers may send anything:
 * what was not encrypted for this cluster is answered 403 and touches nothing.
 */
export function joinPlugin(options: JoinPluginOptions): FastifyPluginAsync {
  const byAddress = new RateLimiterMemory({ points: PER_ADDRESS, duration: WINDOW_S });
  const all = new RateLimiterMemory({ points: PER_NODE, duration: WINDOW_S });
  const { addressOf, log } = options;
  return async (app) => {
    app.removeAllContentTypeParsers();
    const parser = { parseAs: 'string', bodyLimit: MAX_JOIN_REQUEST } as const;
    app.addContentTypeParser(JOIN_MEDIA_TYPE, parser, (_request, body, done) => done(null, body));
    app.setErrorHandler((error, _request, reply) => answerError(error, reply, log));
    app.addHook('onRequest', async ({ raw }, reply) => {
      const limits = [
        { limiter: byAddress, key: addressOf(raw) },
        { limiter: all, key: '' },
      ];
      for (const { limiter, key } of limits) {
        if (await isWithin(limiter, key)) continue;
        reply.header('retry-after', WINDOW_S);
        const text = `Too many machines try to join, or one too often: try again in ${WINDOW_S} s.`;
        return answerPlain(reply, 429, 'too_many', text);
      }
      return undefined;
    });
    app.post(JOIN_PATH, async ({ body, raw }, reply) => {
      const request = await options.reader.open(typeof body === 'string' ? body : '');
      const answer = await decide(request, addressOf(raw), options);
      return reply.type(JOIN_MEDIA_TYPE).send(await sealAnswer(answer, request));
    });
  };
}

async function decide(
  request: JoinRequest,
  address: string,
  { tokens, registry, nodeId, grant, takesMasters, log }: JoinPluginOptions,
): Promise<JoinAnswer> {
  const { machine, id, secret, claim } = request;
  const role = roleOf(request.role);
  if (role === undefined) {
    const message = `A machine joins as a Media Node or a Master Node, and this one asked to be ${JSON.stringify(request.role)}: give --role media or --role master.`;
    return { outcome: 'refused', message };
  }
  if (role === 'master' && !takesMasters) {
    return { outcome: 'refused', message: NO_FURTHER_MASTERS };
  }
  const problem = await problemOf(request, registry);
  // First what may be mended: the token is for the time after that.
  if (problem !== undefined) return { outcome: 'refused', message: problem };
  // Before the token is taken: it may be that this cannot be told now.
  const granted = await grant(role);
  const verdict = await tokens.take({ id, secret, claim, machine, role });
  switch (verdict.verdict) {
    case 'taken':
      log.info({ machine, token: id, address }, 'a machine joins');
      await registry.audit({
        by: nodeId,
        text: `${machine} (${address}) joins by token ${id}${role === 'master' ? ' as a Master Node' : ''}`,
      });
      return { outcome: 'granted', grant: granted };
    case 'used':
      log.warn({ machine, token: id, address }, 'a join token that was used was shown again');
      return refused(`This token was used by ${verdict.by}, and is good for one machine`);
    case 'other-role':
      return refused(
        `This token makes a ${WORDS[verdict.role]}, and this machine asked to be a ${WORDS[role]}`,
        role,
      );
    case 'expired':
      return refused('This token has expired');
    case 'revoked':
      return refused('This token was revoked');
    case 'unknown':
      log.warn({ token: id, address }, 'a join token that there is not was shown');
      return refused('The cluster has no such token');
  }
}

const WORDS: Readonly<Record<JoinRole, string>> = { media: 'Media Node', master: 'Master Node' };

const roleOf = (text: string): JoinRole | undefined =>
  text === 'media' || text === 'master' ? text : undefined;

const refused = (what: string, role?: JoinRole): JoinAnswer => ({
  outcome: 'refused',
  message: `${what}: make a new one on a Master Node with \`sluice token create${role === undefined ? '' : ` --role ${role}`}\`.`,
});

async function problemOf(
  { linkProtocol, version, machine, nowMs: theirs }: JoinRequest,
  registry: Pick<Registry, 'snapshot'>,
): Promise<string | undefined> {
  const { nodes, nowMs } = await registry.snapshot();
  if (linkProtocol !== LINK_PROTOCOL) {
    return `This machine has Sluice ${version}, which speaks version ${linkProtocol} of the node link, and the cluster speaks ${LINK_PROTOCOL}: install the same version of Sluice.`;
  }
  if (Math.abs(theirs - nowMs) > MAX_CLOCK_MS) {
    const seconds = Math.round(Math.abs(theirs - nowMs) / 1000);
    const how = theirs < nowMs ? 'behind' : 'ahead of';
    return `The clock of this machine is ${seconds} s ${how} the cluster's, and may be 60 s off: set it (timedatectl set-ntp true), and run this again.`;
  }
  const other = nodes.find((node) => node.record.machineId === machine && !isStale(node));
  if (other !== undefined) {
    return `The cluster has a node on a machine called ${machine} already (${other.record.id}): give this one another name with --name.`;
  }
  return undefined;
}

async function isWithin(limiter: RateLimiterMemory, key: string): Promise<boolean> {
  return limiter.consume(key).then(
    () => true,
    () => false,
  );
}

function answerPlain(reply: FastifyReply, status: number, code: string, message: string) {
  return reply.code(status).type('application/json').send(JSON.stringify({ code, message }));
}

function answerError(error: unknown, reply: FastifyReply, log: Pick<Logger, 'error'>) {
  if (error instanceof JoinChannelError) {
    const text = 'This is no request to join this cluster: is the token of another one?';
    return answerPlain(reply, 403, 'permission_denied', text);
  }
  if (error instanceof RegistryUnavailableError || error instanceof JoinTokensError) {
    reply.header('retry-after', RETRY_AFTER_SECONDS);
    const text = 'The registry of the cluster does not answer now: try again soon.';
    return answerPlain(reply, 503, 'unavailable', text);
  }
  const { statusCode = 500 } = error as Partial<FastifyError>;
  if (statusCode >= 500) {
    log.error({ err: error }, 'a request to join failed');
    return answerPlain(reply, 500, 'internal', 'internal error');
  }
  return answerPlain(reply, statusCode, 'invalid', 'This is no request to join a cluster.');
}
