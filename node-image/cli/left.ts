import { type DrainProgress, LEFT_KINDS, type LeftKind } from '../cluster/node-record';
import { counted } from './words';

const WORDS: Readonly<Record<LeftKind, (count: number) => string>> = {
  egress: (count) => counted(count, 'Egress', 'Egresses'),
  ingress: (count) => counted(count, 'Ingress', 'Ingresses'),
  agent: (count) => counted(count, 'job of an agent', 'jobs of agents'),
  agent_worker: (count) => counted(count, 'worker of agents', 'workers of agents'),
  // A machine has one of each, and only the service knows how many jobs that has.
  livekit_egress: () => 'livekit/egress',
  livekit_ingress: () => 'livekit/ingress',
};

/** All that a drain waits for: "1 Room", "2 participants", "1 Egress". */
export const leftInWords = (drain: DrainProgress): string[] => [
  counted(drain.roomsLeft, 'Room'),
  counted(drain.participantsLeft, 'participant'),
  ...(drain.turnAllocationsLeft > 0 ? [counted(drain.turnAllocationsLeft, 'TURN allocation')] : []),
  ...jobsLeftInWords(drain),
];

/** The jobs among it, each kind by its name. Empty where there are none. */
export function jobsLeftInWords({
  jobsLeft = 0,
  jobsLeftByKind: of = {},
}: Pick<DrainProgress, 'jobsLeft' | 'jobsLeftByKind'>): string[] {
  const named = LEFT_KINDS.flatMap((kind) => {
    const count = of[kind] ?? 0;
    return count > 0 ? [WORDS[kind](count)] : [];
  });
  // Those of a node of another version.
  const others = jobsLeft - LEFT_KINDS.reduce((sum, kind) => sum + (of[kind] ?? 0), 0);
  return others > 0 ? [...named, counted(others, 'job')] : named;
}
