import type { NodeRole } from '../../cluster/node-record';
import type { HardReason } from '../../cluster/placement-reasons';
import { reasonInWords } from '../../cluster/placement-words';
import { lacksInWords } from '../egress/programs';
import type { JobKind } from '../job';

/** Why a job goes to a node, or not. CPU in cores, shares 0 to 1. */
export type JobReason =
  | HardReason
  | { readonly kind: 'no-runner'; readonly job: JobKind; readonly role: NodeRole }
  | {
      readonly kind: 'cpu';
      readonly needed: number;
      readonly free: number;
      /** Of the free ones, that have to stay free. */
      readonly kept: number;
    }
  /** It cannot record this. */
  | { readonly kind: 'programs'; readonly missing: readonly string[] }
  | { readonly kind: 'disk' | 'memory'; readonly share: number; readonly limit: number }
  | { readonly kind: 'late'; readonly seenAgoMs: number }
  | { readonly kind: 'fits'; readonly free: number; readonly needed: number }
  | { readonly kind: 'hosts'; readonly egress: number }
  | { readonly kind: 'chance' }
  /** It was asked, and said no. */
  | { readonly kind: 'refused'; readonly message: string }
  /** It was asked, and did not answer. */
  | { readonly kind: 'silent'; readonly message: string };

/** A reason as a sentence for people, without a full stop. */
export function jobReasonInWords(reason: JobReason): string {
  switch (reason.kind) {
    case 'role':
      return `it is a ${reason.role} node, and runs no such jobs`;
    case 'left-out':
      return 'the job is to leave it';
    case 'no-runner':
      return `it runs no ${reason.job} jobs`;
    case 'cpu': {
      const kept = reason.kept > 0 ? `, of which ${figure(reason.kept)} have to stay free` : '';
      return `the job needs ${figure(reason.needed)} CPU cores, and ${figure(Math.max(0, reason.free))} are free${kept}`;
    }
    case 'programs':
      return lacksInWords(reason.missing);
    case 'disk':
    case 'memory':
    case 'late':
      return reasonInWords(reason);
    case 'fits':
      return `${figure(reason.free)} CPU cores are free, and ${figure(reason.needed)} needed`;
    case 'hosts':
      return reason.egress === 0
        ? 'it has no Egress yet, and is kept free for large ones'
        : `it has ${reason.egress} Egresses already, and is filled first`;
    case 'chance':
      return 'chance decides between those with room';
    case 'refused':
      return `it was asked, and refused: ${reason.message}`;
    case 'silent':
      return `it was asked, and did not answer: ${reason.message}`;
    default:
      return reasonInWords(reason);
  }
}

const figure = (value: number): string => String(Number(value.toFixed(2)));
