import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AdminError } from '../../cluster/admin-views';
import type { ClusterAdmin } from '../../cluster/cluster-admin';
import { durationMs, inputOf, reasonText } from './admin-input';
import { type AdminPluginOptions, type AdminRoute, adminPlugin } from './admin-plugin';

export interface AdminRoutesOptions extends Omit<AdminPluginOptions, 'routes'> {
  readonly admin: ClusterAdmin;
}

const AUDIT_LIMIT = 100;
const EXPLAIN = '/explain';

const drainBody = z.strictObject({
  reason: reasonText.optional(),
  patience: durationMs.optional(),
  deadline: durationMs.optional(),
  onDeadline: z.enum(['force', 'keep'], 'force or keep').optional(),
});
const undrainBody = z.strictObject({ reason: reasonText.default('') });
const removeQuery = z.strictObject({
  force: z
    .enum(['true', 'false'], 'true or false')
    .default('false')
    .transform((value) => value === 'true'),
  reason: reasonText.default(''),
});
const auditQuery = z.strictObject({
  limit: z.coerce
    .number('a whole number from 1 to 1000')
    .int('a whole number from 1 to 1000')
    .min(1, 'a whole number from 1 to 1000')
    .max(1000, 'a whole number from 1 to 1000')
    .default(AUDIT_LIMIT),
});

/**
 * The admin API: nodes, drain, Rooms, audit, under `/sluice/v1/`.
 *
 * `AdminClient` speaks it. See `adminPlugin` for who may, and what errors look like.
 */
export function adminRoutes({ admin, ...options }: AdminRoutesOptions): FastifyPluginAsync {
  return adminPlugin({ ...options, routes: [...nodeRoutes(admin), ...roomRoutes(admin)] });
}

const nodeRoutes = (admin: ClusterAdmin): AdminRoute[] => [
  { method: 'GET', path: 'nodes', handle: () => admin.nodes() },
  { method: 'GET', path: 'nodes/:node', handle: (request) => admin.node(nodeOf(request)) },
  {
    method: 'POST',
    path: 'nodes/:node/drain',
    handle: (request, caller) => {
      const { patience, deadline, ...rest } = inputOf(drainBody, request.body, 'the body');
      const wanted = { ...rest, patienceMs: patience, deadlineMs: deadline };
      return admin.drain(nodeOf(request), wanted, caller);
    },
  },
  {
    method: 'POST',
    path: 'nodes/:node/undrain',
    handle: (request, caller) => {
      const { reason } = inputOf(undrainBody, request.body, 'the body');
      return admin.undrain(nodeOf(request), reason, caller);
    },
  },
  {
    method: 'DELETE',
    path: 'nodes/:node',
    handle: (request, caller) =>
      admin.remove(nodeOf(request), inputOf(removeQuery, request.query, 'the query'), caller),
  },
];

const roomRoutes = (admin: ClusterAdmin): AdminRoute[] => [
  { method: 'GET', path: 'rooms', handle: async () => ({ rooms: await admin.rooms() }) },
  // Names of Rooms may be longer than Fastify lets a parameter be, and have any characters.
  {
    method: 'GET',
    path: 'rooms/*',
    handle: (request) => {
      const rest = paramOf(request, '*');
      const room = rest.slice(0, -EXPLAIN.length);
      return rest.endsWith(EXPLAIN) && room !== '' ? admin.explain(room) : nothingHere(request);
    },
  },
  {
    method: 'GET',
    path: 'audit',
    handle: async (request) => {
      const { limit } = inputOf(auditQuery, request.query, 'the query');
      return { entries: await admin.audit(limit) };
    },
  },
  ...(['GET', 'POST', 'PUT', 'DELETE'] as const).map(
    (method): AdminRoute => ({
      method,
      path: '*',
      handle: async (request) => nothingHere(request),
    }),
  ),
];

const nodeOf = (request: FastifyRequest): string => paramOf(request, 'node');

function paramOf({ params }: FastifyRequest, name: string): string {
  return (params as Readonly<Record<string, string | undefined>>)[name] ?? '';
}

function nothingHere({ method, url }: FastifyRequest): never {
  const [path = ''] = url.split('?', 1);
  const text = `The admin API has no ${method} ${path}: is it of another version?`;
  throw new AdminError('not_found', text);
}
