import { JobStatus } from '@livekit/protocol';
import type { AgentJob } from './agent-job';
import type { AgentRooms } from './agent-rooms';
import type { PatientEnds } from './job-ends';

/** A Room that is nowhere for so long, in ms, does not come back. */
const GONE_MS = 30_000;

export interface GoneRoomsOptions {
  readonly rooms: Pick<AgentRooms, 'names'>;
  readonly ends: Pick<PatientEnds, 'end'>;
  /** @default 30000 */
  readonly goneMs?: number | undefined;
}

/** Ends the jobs of Rooms that are no more, whose node could not. */
export class GoneRooms {
  readonly #options: GoneRoomsOptions;
  /** Rooms with jobs that are nowhere, and since when. */
  #missing: ReadonlyMap<string, number> = new Map();

  constructor(options: GoneRoomsOptions) {
    this.#options = options;
  }

  /** @throws where it cannot be found out which Rooms there are. */
  async look(jobs: readonly AgentJob[]): Promise<void> {
    const { rooms, ends, goneMs = GONE_MS } = this.#options;
    if (jobs.length === 0) return;
    const names = await rooms.names();
    const now = performance.now();
    const missing = new Map<string, number>();
    for (const { job } of jobs.filter((one) => !names.has(one.job.room))) {
      const sinceMs = this.#missing.get(job.room) ?? now;
      missing.set(job.room, sinceMs);
      if (now - sinceMs >= goneMs) {
        void ends.end(job.id, JobStatus.JS_SUCCESS, 'the room is no more');
      }
    }
    this.#missing = missing;
  }
}
