import type * as pulumi from '@pulumi/pulumi';
import { asJson, jobSettings, type PortUse, type Role } from '../node-image/contract';
import type { LiveKitJobsOptions } from './livekit-jobs';
import { NodeSettings } from './node-config';
import { checkSizes, type JobMachines, warnOfSizes } from './private/job-checks';
import { urlsOf } from './private/job-urls';
import { bindLiveKit, checkLiveKit } from './private/livekit-jobs';
import type { Problems } from './private/validation';
import type { KnownRecordings, RecordingSurroundings, Recordings } from './recordings';
import type { StoredSecret } from './stored-secret';

/** CPU cores that a job reserves on its node before it starts, by its kind; 0 to 256. */
export interface JobSizes {
  /**
   * A Room in a browser, recorded or streamed out.
   *
   * @default 3
   */
  readonly roomComposite?: number;

  /**
   * Any page in a browser.
   *
   * @default 3
   */
  readonly web?: number;

  /**
   * One participant, encoded anew.
   *
   * @default 2
   */
  readonly participant?: number;

  /**
   * One video and one audio track, encoded anew.
   *
   * @default 2
   */
  readonly trackComposite?: number;

  /**
   * One track, as it is.
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
   * A page or program that sends by WHIP, passed on as it comes.
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

/** Choices for jobs that the nodes run themselves. */
export interface BuiltInJobsOptions {
  /**
   * Where recordings go whose request does not say.
   *
   * @default - nowhere: each request has to name a place
   */
  readonly recordings?: Recordings;

  /**
   * Take encoders by RTMP: TCP 1935, and, where the domain has a certificate, TLS on 1936.
   *
   * @default false
   */
  readonly rtmp?: boolean;

  /**
   * How long a job that no machine has room for waits for one, as the set grows; minutes, up to 1440.
   *
   * @default - it is refused at once
   */
  readonly queueMinutes?: number;

  /**
   * CPU cores that jobs reserve.
   *
   * @default - as each kind says
   */
  readonly sizes?: JobSizes;
}

/** What jobs are made for. @internal */
export interface JobSurroundings extends RecordingSurroundings {
  /** What clients are given, such as `https://meet.example.com`. */
  readonly url: pulumi.Input<string> | undefined;
  /** Whether machines that clients come in by have a certificate. */
  readonly tls: boolean;
  /** Of the machines that run jobs. */
  readonly vmSize: string;
}

/** What jobs mean for the machines. @internal */
export interface BoundJobs {
  /** What a role says of them. */
  settings(role: Role): NodeSettings;
  readonly recordings?: KnownRecordings;
  /** What clients reach on the machines that run jobs, beside what those open anyway. */
  readonly clientPorts?: readonly PortUse[];
  /** The Azure Container Registry that machines fetch images from. */
  readonly registryId?: pulumi.Input<string> | undefined;
  /** The login at another one. */
  readonly registrySecret?: StoredSecret | undefined;
  /** What installs the programs that jobs are run by. */
  readonly installOptions: readonly string[];
}

/** What records Rooms, streams them out, and takes streams in: on the machines that carry media. */
export abstract class Jobs {
  /**
   * By the nodes themselves, with ffmpeg and Chromium. Costs nothing but the load: a Room composite takes
   * as much as some 150 participants.
   */
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

  /** Whether encoders come in by RTMP. @internal */
  abstract readonly _takesRtmp: boolean;

  /**
   * What is wrong with plain values.
   *
   * @internal
   */
  abstract _check(machines: JobMachines, problems: Problems): void;

  /** @internal */
  abstract _bind(name: string, around: JobSurroundings, parent: pulumi.Resource): BoundJobs;
}

class BuiltInJobs extends Jobs {
  override readonly _takesRtmp: boolean;

  constructor(private readonly options: BuiltInJobsOptions) {
    super();
    this._takesRtmp = options.rtmp === true;
  }

  override _check({ vmSize }: JobMachines, problems: Problems): void {
    const { recordings, rtmp, queueMinutes, sizes } = this.options;
    problems.check(rtmp === undefined || typeof rtmp === 'boolean', {
      what: 'jobs.rtmp',
      given: asJson(rtmp),
      allowed: 'true or false',
      fix: 'give jobs.rtmp that, or leave it out',
    });
    problems.number('jobs.queueMinutes', queueMinutes, {
      min: 0,
      max: 1440,
      fix: 'a machine takes minutes to start: 3 are usual',
    });
    checkSizes(sizes, { vmSize, notRun: this.#notRun }, problems);
    if (recordings === undefined) return;
    if (isRecordings(recordings)) recordings._check(problems);
    else {
      problems.add({
        what: 'jobs.recordings',
        given: asJson(recordings),
        allowed: 'Recordings such as Recordings.create()',
        fix: 'give jobs.recordings that, or leave it out',
      });
    }
  }

  override _bind(name: string, around: JobSurroundings, parent: pulumi.Resource): BoundJobs {
    const { url, tls, vmSize } = around;
    const { sizes, queueMinutes } = this.options;
    const recordings = this.options.recordings?._bind(`${name}-recordings`, around, parent);
    const urls = urlsOf(url);
    warnOfSizes(sizes, { vmSize, notRun: this.#notRun });
    return {
      installOptions: ['--jobs'],
      recordings,
      settings: (role) =>
        NodeSettings.fromObject(
          jobSettings(role, {
            urls,
            rtmp: this._takesRtmp,
            // TLS ends on the machine in any case.
            rtmpsOnMachine: tls,
            storage: recordings && {
              azure: {
                account_name: recordings.accountName,
                container_name: recordings.containerName,
              },
            },
            queue: queueMinutes === undefined ? undefined : `${queueMinutes * 60}s`,
            sizes,
          }),
        ),
    };
  }

  /** Kinds that nobody asked for. */
  get #notRun(): readonly string[] {
    return this._takesRtmp ? [] : ['rtmp'];
  }
}

class LiveKitJobs extends Jobs {
  /** Encoders come to the machines of the services, not to the entry. */
  override readonly _takesRtmp = false;

  constructor(private readonly options: LiveKitJobsOptions) {
    super();
  }

  override _check(machines: JobMachines, problems: Problems): void {
    checkLiveKit(this.options, machines, problems);
  }

  override _bind(_name: string, around: JobSurroundings): BoundJobs {
    return bindLiveKit(this.options, around);
  }
}

/** As another copy of the package makes them, too. */
const isRecordings = (value: object): value is Recordings =>
  typeof value === 'object' && '_bind' in value && '_check' in value;
