import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { LiveKitJobsOptions } from './livekit-jobs';
import { bindBuiltIn } from './private/built-in-jobs';
import type { JobsConfig, JobsSurroundings } from './private/jobs-config';
import { bindLiveKit } from './private/livekit-jobs';
import type { Problems } from './private/validation';
import type { Recordings } from './recordings';

/**
 * CPU cores that a job reserves on its Media Node, by its kind: more than a node has free, and it goes
 * elsewhere, waits, or is refused.
 */
export interface JobSizes {
  /**
   * A recording of a whole Room, by a browser.
   *
   * @default 3
   */
  readonly roomComposite?: number;

  /**
   * A recording of any page, by a browser.
   *
   * @default 3
   */
  readonly web?: number;

  /**
   * A recording of a participant.
   *
   * @default 2
   */
  readonly participant?: number;

  /**
   * A recording of one video and one audio track.
   *
   * @default 2
   */
  readonly trackComposite?: number;

  /**
   * A recording of a track, as it is.
   *
   * @default 1
   */
  readonly track?: number;

  /**
   * An encoder that sends by RTMP.
   *
   * @default 2
   */
  readonly rtmp?: number;

  /**
   * A sender by WHIP that is passed on as it comes.
   *
   * @default 0.1
   */
  readonly whip?: number;

  /**
   * A URL that is pulled.
   *
   * @default 2
   */
  readonly url?: number;
}

/** Choices for the jobs that Media Nodes run themselves. */
export interface BuiltInJobsOptions {
  /**
   * Where recordings go whose request names no other place.
   *
   * @default - nowhere: each request has to name a place
   */
  readonly recordings?: Recordings;

  /**
   * Take encoders by RTMP, at the entry: 1935 in clear, and 1936 in TLS where the entry has a
   * certificate.
   *
   * @default false
   */
  readonly rtmp?: boolean;

  /**
   * How long a job that no node has room for waits for one, as the group of Media Nodes grows.
   *
   * @default - it is refused at once
   */
  readonly queue?: Duration;

  /**
   * What jobs reserve.
   *
   * @default - as each kind says
   */
  readonly sizes?: JobSizes;
}

/**
 * What Media Nodes, and a Single Node, run beside Rooms: recording and streaming out (Egress),
 * streaming in (Ingress). They take ffmpeg and Chromium, 700 MB: so there are none unless it is said.
 */
export abstract class Jobs {
  /** Those of the node itself. Each machine installs ffmpeg and Chromium, which takes a minute more. */
  static builtIn(options: BuiltInJobsOptions = {}): Jobs {
    return new BuiltInJobs(options);
  }

  /**
   * LiveKit's own services, livekit/egress and livekit/ingress, in containers on the same machines. Nodes
   * speak with them over the Redis of the cluster; a Single Node needs `redis.address` in its settings.
   * No node hands their jobs over: a machine that leaves waits for them until the deadline of its drain.
   */
  static liveKit(options: LiveKitJobsOptions): Jobs {
    return new LiveKitJobs(options);
  }

  /**
   * Whether encoders are to be let in at the entry.
   *
   * @internal
   */
  abstract readonly _rtmp: boolean;

  /**
   * What machines need for it. Resources are made below `scope`.
   *
   * @internal
   */
  abstract _bind(scope: Construct, around: JobsSurroundings, problems: Problems): JobsConfig;
}

class BuiltInJobs extends Jobs {
  constructor(private readonly options: BuiltInJobsOptions) {
    super();
  }

  override get _rtmp(): boolean {
    return this.options.rtmp ?? false;
  }

  override _bind(scope: Construct, around: JobsSurroundings, problems: Problems): JobsConfig {
    return bindBuiltIn(scope, this.options, around, problems);
  }
}

class LiveKitJobs extends Jobs {
  /** Encoders come to the machines of the services, not to the entry. */
  override readonly _rtmp = false;

  constructor(private readonly options: LiveKitJobsOptions) {
    super();
  }

  override _bind(scope: Construct, around: JobsSurroundings, problems: Problems): JobsConfig {
    return bindLiveKit(scope, this.options, around, problems);
  }
}
