import { ListAgentDispatchRequest } from '@livekit/protocol';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { RegisteredNode } from '../../cluster/node-record';
import { explainAgent } from '../../jobs/agents/agent-explain';
import { readAgentJob } from '../../jobs/agents/agent-job';
import type { JobStore } from '../../jobs/job-store';
import { RoomError } from '../../room/errors';
import type { RoomControl } from '../../room/room-control';
import { inputOf } from '../cluster/admin-input';
import { type AdminPluginOptions, adminPlugin } from '../cluster/admin-plugin';

export interface AgentAdminRoutesOptions extends Omit<AdminPluginOptions, 'routes'> {
  readonly control: Pick<RoomControl, 'listDispatch'>;
  readonly store: Pick<JobStore, 'list'>;
  /** Every node of the cluster. */
  readonly registered: () => Promise<readonly RegisteredNode[]>;
}

const query = z.strictObject({
  room: z.string('the name of a room').min(1, 'the name of a room'),
  agent: z.string('the name of an agent').optional(),
});

/** `GET /sluice/v1/agents/explain?room=stage&agent=greeter`: who would get its job, and why not others. */
export function agentAdminRoutes(options: AgentAdminRoutesOptions): FastifyPluginAsync {
  const { control, store, registered, tokens, log } = options;
  return adminPlugin({
    tokens,
    log,
    routes: [
      {
        method: 'GET',
        path: 'agents/explain',
        handle: async (request) => {
          const { room, agent: agentName } = inputOf(query, request.query, 'the query');
          const [dispatched, jobs, nodes] = await Promise.all([
            namesIn(control, room),
            store.list({ kind: 'agent', room }),
            registered(),
          ]);
          return explainAgent({
            ...{ room, agentName, dispatched, nodes },
            jobs: jobs.flatMap((job) => readAgentJob(job) ?? []),
          });
        },
      },
    ],
  });
}

/** @returns undefined where there is no such Room. */
async function namesIn(
  control: Pick<RoomControl, 'listDispatch'>,
  room: string,
): Promise<string[] | undefined> {
  try {
    const all = await control.listDispatch(new ListAgentDispatchRequest({ room }));
    return all.map(({ agentName }) => agentName);
  } catch (error) {
    if (error instanceof RoomError && error.code === 'not_found') return undefined;
    throw error;
  }
}
