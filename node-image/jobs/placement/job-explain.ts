import type { JobCandidate, PlacedKind } from './job-placement';
import { jobReasonInWords } from './job-reasons';

export interface ExplainedJobNode extends JobCandidate {
  /** `reasons` as sentences, in the same order. */
  readonly sentences: readonly string[];
}

/** Plain data: `sluice explain egress --json` prints it as it is. */
export interface JobExplanation {
  readonly kind: PlacedKind;
  readonly type: string;
  /** CPU cores that it needs. */
  readonly cpus: number;
  /** Id of a node; undefined: none takes it. */
  readonly wouldGoTo?: string | undefined;
  /** In the order in which they would be asked, then those that would not. */
  readonly nodes: readonly ExplainedJobNode[];
}

/** Says where a job would go, and why not elsewhere. */
export function explainJob(options: {
  readonly kind: PlacedKind;
  readonly type: string;
  readonly cpus: number;
  readonly candidates: readonly JobCandidate[];
}): JobExplanation {
  const { kind, type, cpus, candidates } = options;
  return {
    kind,
    type,
    cpus,
    wouldGoTo: candidates.find(({ verdict }) => verdict === 'chosen')?.nodeId,
    nodes: candidates.map((one) => ({ ...one, sentences: one.reasons.map(jobReasonInWords) })),
  };
}

/** The same as lines for people. */
export function jobExplanationInLines(explanation: JobExplanation): string[] {
  const { kind, type, cpus, wouldGoTo, nodes } = explanation;
  const what = `${kind === 'egress' ? 'An Egress' : 'An Ingress'} of type ${type} needs ${cpus} CPU cores`;
  const end =
    wouldGoTo === undefined
      ? `, and would be refused (503): ${nodes.length === 0 ? 'the cluster has no nodes' : 'no node takes it'}.`
      : `, and would go to ${wouldGoTo}.`;
  const lines = nodes.map(({ nodeId, verdict, sentences }, index) => {
    const place = verdict === 'excluded' ? '-' : `${index + 1}.`;
    return `${place} ${nodeId}${VERDICTS[verdict]}: ${sentences.join('; ')}`;
  });
  return [`${what}${end}`, ...lines];
}

const VERDICTS: Readonly<Record<JobCandidate['verdict'], string>> = {
  chosen: ', chosen',
  later: ', later',
  excluded: ', not at all',
};
