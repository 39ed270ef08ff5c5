import { DEPLOYMENT_DEFAULTS, drainSettings } from '../node-image/contract';
import { NodeSettings } from './node-config';
import type { Problems } from './private/validation';

/** What happens to a Media Node that is not empty when its deadline is over: `force` or `keep`. */
export type OnDeadline = 'force' | 'keep';

/** How Media Nodes leave. */
export interface DrainOptions {
  /**
   * How long Rooms may end by themselves before those left are moved to other nodes; minutes.
   *
   * @default 15
   */
  readonly patienceMinutes?: number;

  /**
   * How long leaving may take in all; minutes, at most 2880 (48 hours).
   *
   * @default 60
   */
  readonly deadlineMinutes?: number;

  /**
   * What happens to a node that is not empty by then: `force` moves the last Rooms at once, whatever
   * they lose, and ends the machine; `keep` waits on, and the machine goes on costing.
   *
   * @default force
   */
  readonly onDeadline?: OnDeadline;

  /**
   * How long Azure waits before it ends a machine that somebody else than the controller deletes, 5 to
   * 15 minutes: in that time its Rooms move.
   *
   * @default 15
   */
  readonly noticeMinutes?: number;
}

/**
 * How Media Nodes leave. The controller drains a node first and deletes exactly its machine when it is
 * empty, so nothing here holds a machine back but the notice before it is deleted by others.
 */
export class NodeDrain {
  readonly patienceMinutes: number;
  readonly deadlineMinutes: number;
  readonly onDeadline: OnDeadline;
  readonly noticeMinutes: number;

  constructor(options: DrainOptions, problems: Problems) {
    this.patienceMinutes = options.patienceMinutes ?? DEPLOYMENT_DEFAULTS.patienceMinutes;
    this.deadlineMinutes = options.deadlineMinutes ?? DEPLOYMENT_DEFAULTS.deadlineMinutes;
    this.onDeadline = options.onDeadline ?? 'force';
    this.noticeMinutes = options.noticeMinutes ?? 15;
    problems.number('drain.patienceMinutes', this.patienceMinutes, { min: 0, max: LONGEST });
    problems.number('drain.deadlineMinutes', this.deadlineMinutes, {
      min: 1,
      max: LONGEST,
      fix: 'shorten it; with onDeadline keep the machine is kept after it',
    });
    problems.ordered(
      'drain.patienceMinutes',
      this.patienceMinutes,
      'drain.deadlineMinutes',
      this.deadlineMinutes,
    );
    problems.oneOf('drain.onDeadline', this.onDeadline, ['force', 'keep']);
    problems.integer('drain.noticeMinutes', this.noticeMinutes, {
      min: 5,
      max: 15,
      fix: 'Azure waits for 5 to 15 minutes; the controller itself drains for as long as deadlineMinutes',
    });
  }

  /** What sluice.yaml says of it. */
  get settings(): NodeSettings {
    return NodeSettings.fromObject(
      drainSettings({
        patience: seconds(this.patienceMinutes),
        deadline: seconds(this.deadlineMinutes),
        onDeadline: this.onDeadline,
      }),
    );
  }

  /** What the scale set says of it. */
  get scheduledEventsProfile() {
    return {
      terminateNotificationProfile: { enable: true, notBeforeTimeout: `PT${this.noticeMinutes}M` },
    };
  }
}

/** Minutes: 48 hours, as on the other cloud. */
const LONGEST = 2880;

function seconds(minutes: number): string {
  return `${minutes * 60}s`;
}
