import { isStale, type RegisteredNode, stateOf } from './node-record';
import { type PlacementCandidate, type PlacementDecision, reasonInWords } from './placement';
import type { ClusterSnapshot, RoomPlacement } from './registry';

export interface ExplainRoomOptions {
  readonly room: string;
  /** Where it would go if it were asked for now. */
  readonly decision: PlacementDecision;
  /** That the decision was made from. */
  readonly snapshot: ClusterSnapshot;
  /** Where it runs. @default - nowhere */
  readonly placement?: RoomPlacement | undefined;
}

export interface ExplainedNode extends PlacementCandidate {
  /** `reasons` as sentences, in the same order. */
  readonly sentences: readonly string[];
}

/** Plain data: `sluice explain room NAME --json` prints it as it is. */
export interface RoomExplanation {
  readonly room: string;
  readonly runsOn?:
    | {
        readonly nodeId: string;
        readonly epoch: number;
        readonly movedFrom?: string | undefined;
        /** What is the matter with that node; empty: nothing. */
        readonly problem: string;
      }
    | undefined;
  /** Id of a node; undefined: of none. */
  readonly wouldGoTo?: string | undefined;
  /** The best first. */
  readonly nodes: readonly ExplainedNode[];
}

/** Says where a Room runs, where it would go now, and why not elsewhere. */
export function explainRoom(options: ExplainRoomOptions): RoomExplanation {
  const { room, decision, snapshot, placement } = options;
  return {
    room,
    runsOn: placement && {
      nodeId: placement.nodeId,
      epoch: placement.epoch,
      movedFrom: placement.movedFrom,
      problem: problemOf(snapshot.nodes.find(({ record }) => record.id === placement.nodeId)),
    },
    wouldGoTo: decision.chosen,
    nodes: decision.candidates.map((candidate) => ({
      ...candidate,
      sentences: candidate.reasons.map(reasonInWords),
    })),
  };
}

function problemOf(node: RegisteredNode | undefined): string {
  if (node === undefined) return 'gone: the Room is placed anew when somebody joins it';
  if (isStale(node)) return `silent for ${(node.seenAgoMs / 1000).toFixed(1)} s`;
  const state = stateOf(node);
  return state === 'serving' ? '' : `${state}: the Room moves to another node, or ends there`;
}

/** The same as lines for people. */
export function explanationInLines({ room, runsOn, wouldGoTo, nodes }: RoomExplanation): string[] {
  const lines: string[] = [];
  if (runsOn === undefined) {
    lines.push(`Room ${room} runs nowhere.`);
  } else {
    const from = runsOn.movedFrom === undefined ? '' : `, moved from ${runsOn.movedFrom}`;
    lines.push(`Room ${room} runs on ${runsOn.nodeId} (epoch ${runsOn.epoch}${from}).`);
    if (runsOn.problem !== '') lines.push(`That node is ${runsOn.problem}.`);
  }
  const asked = runsOn === undefined ? 'Asked for now, it' : 'Placed anew now, it';
  if (wouldGoTo !== undefined) {
    lines.push(`${asked} would go to ${wouldGoTo}.`);
  } else if (nodes.length === 0) {
    lines.push(`${asked} would go nowhere: the cluster has no nodes.`);
  } else {
    lines.push(`${asked} would go nowhere: no node can be given a Room.`);
  }
  for (const { nodeId, rank, verdict, sentences } of nodes) {
    const place = verdict === 'excluded' ? '-' : `${rank}.`;
    lines.push(`${place} ${nodeId}${VERDICTS[verdict]}: ${sentences.join('; ')}`);
  }
  return lines;
}

const VERDICTS: Readonly<Record<PlacementCandidate['verdict'], string>> = {
  chosen: ', chosen',
  later: ', later',
  excluded: ', not at all',
};
