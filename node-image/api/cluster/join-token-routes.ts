import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AdminError } from '../../cluster/admin-views';
import { writeJoinToken } from '../../cluster/join-token-text';
import {
  type JoinRole,
  type JoinTokens,
  JoinTokensError,
  type JoinTokenView,
  type NewJoinToken,
} from '../../cluster/join-tokens';
import { durationMs, inputOf } from './admin-input';
import type { AdminRoute } from './admin-plugin';

export interface JoinTokenRoutesOptions {
  readonly tokens: Pick<JoinTokens, 'create' | 'list' | 'revoke'>;
  /** Of the cluster: JoinReader has it. */
  readonly publicKey: string;
  /** Whether machines may become Master Nodes: with High Availability. */
  readonly takesMasters: boolean;
  /** Writes down what was done, for people. */
  readonly audit: (text: string) => Promise<void>;
}

export interface CreatedJoinToken extends Pick<NewJoinToken, 'id' | 'expiresAtMs'> {
  /** What `sluice join` is given. Told this once. */
  readonly token: string;
  readonly role: JoinRole;
}

export interface JoinTokensView {
  readonly tokens: readonly JoinTokenView[];
}

export interface RevokedJoinToken {
  readonly id: string;
  /** What it was before. */
  readonly state: JoinTokenView['state'];
}

/** How long a token is good for where nobody says. */
const LIFE_MS = 3_600_000;
const SHORTEST_MS = 10_000;
const LONGEST_MS = 7 * 24 * 3_600_000;

const createBody = z.strictObject({
  validFor: durationMs.optional(),
  /** What a machine becomes by it. @default media */
  role: z.enum(['media', 'master']).optional(),
});
/** Of a cluster whose Redis is on one machine. */
export const NO_FURTHER_MASTERS =
  'This cluster was made without High Availability, and has one Master Node: make a cluster that takes more by `sluice init --high-availability`.';

/** `GET`, `POST` and `DELETE` of `/sluice/v1/join-tokens`. */
export function joinTokenRoutes(options: JoinTokenRoutesOptions): AdminRoute[] {
  const { tokens } = options;
  return [
    { method: 'GET', path: 'join-tokens', handle: async () => ({ tokens: await tokens.list() }) },
    {
      method: 'POST',
      path: 'join-tokens',
      handle: (request, caller) => create(options, request, caller.apiKey),
    },
    {
      method: 'DELETE',
      path: 'join-tokens/:id',
      handle: (request, caller) => revoke(options, idOf(request), caller.apiKey),
    },
  ];
}

async function create(
  { tokens, publicKey, takesMasters, audit }: JoinTokenRoutesOptions,
  { body }: FastifyRequest,
  by: string,
): Promise<CreatedJoinToken> {
  const { validFor = LIFE_MS, role = 'media' } = inputOf(createBody, body, 'the body');
  if (role === 'master' && !takesMasters) throw new AdminError('conflict', NO_FURTHER_MASTERS);
  if (validFor < SHORTEST_MS || validFor > LONGEST_MS) {
    throw new AdminError(
      'invalid',
      `A join token cannot be good for ${validFor / 1000} s: allowed is 10s to 168h.`,
    );
  }
  const { id, secret, expiresAtMs } = await tokens.create(validFor, role).catch(asConflict);
  const what = role === 'master' ? 'join token of a Master Node' : 'join token';
  await audit(`${what} ${id} made, good for ${validFor / 1000} s; asked with API key ${by}`);
  return { id, role, token: writeJoinToken({ id, secret, publicKey }), expiresAtMs };
}

async function revoke(
  { tokens, audit }: JoinTokenRoutesOptions,
  id: string,
  by: string,
): Promise<RevokedJoinToken> {
  const state = await tokens.revoke(id).catch(asConflict);
  if (state === undefined) {
    throw new AdminError(
      'not_found',
      `There is no join token ${JSON.stringify(id)}: sluice token list shows those that there are.`,
    );
  }
  await audit(`join token ${id} revoked, which was ${state}; asked with API key ${by}`);
  return { id, state };
}

function asConflict(error: unknown): never {
  throw error instanceof JoinTokensError ? new AdminError('conflict', error.message) : error;
}

const idOf = ({ params }: FastifyRequest): string =>
  (params as Readonly<Record<string, string | undefined>>)['id'] ?? '';
