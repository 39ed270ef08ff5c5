import { type EgressInfo, EgressStatus } from '@livekit/protocol';
import type { Job } from '../job';
import type { JobCost, JobFailure, JobRules } from '../job-runner';
import { EGRESS_SERVICE } from '../livekit/official-owner';
import { type EgressCostConfig, type EgressType, egressCost } from '../placement/job-costs';
import { infoOfText, infoText } from './egress-info';
import { type PlacedSpec, placedSpec } from './sealed-spec';

/** Told of what becomes of Egresses: webhooks. */
export interface EgressObserver {
  egressStarted(info: EgressInfo): void;
  egressUpdated(info: EgressInfo): void;
  egressEnded(info: EgressInfo): void;
}

const SERVICE_LOST =
  'no livekit/egress service runs it any more: it was killed, or does not reach Redis';

export interface EgressRulesOptions {
  readonly costs: EgressCostConfig;
  readonly observer: Pick<EgressObserver, 'egressEnded'>;
  /** @default Date.now */
  readonly now?: () => number;
}

/** What every node knows of Egresses. */
export class EgressRules implements JobRules {
  readonly kind = 'egress';
  readonly #options: EgressRulesOptions;

  constructor(options: EgressRulesOptions) {
    this.#options = options;
  }

  cost(spec: string): JobCost {
    // Of a LiveKit service, which looks after its CPU itself.
    if (spec === '') return {};
    return egressCost(typeOf(placedSpec(spec)), this.#options.costs);
  }

  /** What its first node has kept is there, and the rest is recorded too. */
  afterLoss({ owner }: Job): 'restart' | 'end' {
    return owner === EGRESS_SERVICE ? 'end' : 'restart';
  }

  failed(job: Job, { reason, message }: JobFailure): string {
    const isOfService = job.owner === EGRESS_SERVICE && reason === 'owner-lost';
    const info = infoOfText(job.info);
    const { now = Date.now } = this.#options;
    const nowNs = BigInt(now()) * 1_000_000n;
    const aborted = reason === 'not-placed' || reason === 'stopped';
    info.status = aborted ? EgressStatus.EGRESS_ABORTED : EgressStatus.EGRESS_FAILED;
    info.error = isOfService ? SERVICE_LOST : message;
    info.errorCode = { 'not-placed': 503, 'owner-lost': 500, 'not-started': 500, stopped: 412 }[
      reason
    ];
    info.details = reason === 'stopped' ? `End reason: ${message}` : 'End reason: Failure';
    info.endedAt = nowNs;
    info.updatedAt = nowNs;
    return infoText(info);
  }

  onFailed(job: Job): void {
    this.#options.observer.egressEnded(infoOfText(job.info));
  }
}

/** As `sluice explain egress` names it. */
function typeOf({ kind, audioOnly }: PlacedSpec): EgressType {
  switch (kind) {
    case 'room_composite':
      return audioOnly ? 'audio-room-composite' : 'room-composite';
    case 'web':
      return audioOnly ? 'audio-web' : 'web';
    case 'track_composite':
      return 'track-composite';
    default:
      return kind;
  }
}
