import { type EgressInfo, EgressStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Job } from '../job';
import {
  type JobContext,
  type JobCost,
  type JobFailure,
  JobRefusedError,
  JobRequestError,
  type JobRunner,
  type RunningJob,
} from '../job-runner';
import { EgressError } from './egress-error';
import { infoOfText, infoText } from './egress-info';
import type { EgressObserver, EgressRules } from './egress-rules';
import { type EgressLimits, EgressRun } from './egress-run';
import { lacksInWords } from './programs';
import type { SpecSealer } from './sealed-spec';
import type { EgressSource } from './source';
import type { EgressSpec, StorageSpec } from './spec';
import type { Storage } from './upload/storage';

/** What a source is made of. */
export interface SourceNeeds {
  readonly egressId: string;
  readonly spec: EgressSpec;
  /** Of this run alone, closed to others. */
  readonly folder: string;
}

export interface EgressRunnerOptions {
  readonly rules: EgressRules;
  readonly sealer: SpecSealer;
  readonly observer: EgressObserver;
  readonly makeSource: (needs: SourceNeeds) => EgressSource;
  readonly openStorage: (storage: StorageSpec) => Storage;
  /** Where things go that their storage refuses. @default none */
  readonly backup?: StorageSpec | undefined;
  /** Programs that this node lacks for it. */
  readonly missing: (spec: EgressSpec) => readonly string[];
  readonly limitsOf: (spec: EgressSpec) => EgressLimits;
  /** Where folders of runs are made. */
  readonly workFolder: string;
  readonly log: Logger;
}

const updateSchema = z.object({ add: z.array(z.string()), remove: z.array(z.string()) });

/** Runs Egresses on this node. */
export class EgressRunner implements JobRunner {
  readonly kind = 'egress';
  readonly #options: EgressRunnerOptions;

  constructor(options: EgressRunnerOptions) {
    this.#options = options;
  }

  cost(spec: string): JobCost {
    return this.#options.rules.cost(spec);
  }

  afterLoss(job: Job): 'restart' | 'end' {
    return this.#options.rules.afterLoss(job);
  }

  failed(job: Job, failure: JobFailure): string {
    return this.#options.rules.failed(job, failure);
  }

  onFailed(job: Job): void {
    this.#options.rules.onFailed(job);
  }

  async start(job: Job, context: JobContext): Promise<RunningJob> {
    const { sealer, observer, makeSource, openStorage, limitsOf, workFolder, log } = this.#options;
    const spec = withStreams(sealer.open(job.id, job.spec), job, sealer);
    const missing = this.#options.missing(spec);
    if (missing.length > 0) {
      throw new JobRefusedError(lacksInWords(missing));
    }
    const info = infoOfText(job.info);
    const isFirst = info.status === EgressStatus.EGRESS_STARTING && job.retries === 0;
    if (!isFirst) goOn(info);
    let told = newsOf(info);
    // Beside EgressInfo: addresses may have come and gone since it was asked for.
    const textOf = (): string =>
      withUrls(infoText(info), run.streamUrls ?? urlsOf(spec), job.id, sealer);
    const run: EgressRun = new EgressRun({
      spec,
      info,
      workFolder,
      openStorage,
      backup: this.#options.backup,
      makeSource: (folder) => makeSource({ egressId: job.id, spec, folder }),
      limits: limitsOf(spec),
      onChange: () => {
        void context.update(textOf());
        const news = newsOf(info);
        if (news === told) return;
        told = news;
        observer.egressUpdated(info.clone());
      },
      onEnd: () => {
        context.ended(infoText(info));
        observer.egressEnded(info.clone());
      },
      log,
    });
    if (isFirst) observer.egressStarted(info.clone());
    run.start();
    return new RunningEgress(run, textOf);
  }
}

class RunningEgress implements RunningJob {
  readonly #run: EgressRun;
  readonly #text: () => string;

  constructor(run: EgressRun, text: () => string) {
    this.#run = run;
    this.#text = text;
  }

  async request(name: string, body: string): Promise<string> {
    if (name !== 'updateStream') {
      throw new JobRequestError('unimplemented', `an egress knows no ${name}`);
    }
    const { add, remove } = updateSchema.parse(JSON.parse(body));
    try {
      await this.#run.updateStreams(add, remove);
    } catch (error) {
      throw asRequestError(error);
    }
    return infoText(this.#run.info);
  }

  async stop(reason: string): Promise<string> {
    this.#run.stop(reason);
    return infoText(this.#run.info);
  }

  async handOver(): Promise<string | undefined> {
    // Asked first: it sends to nobody any more when it has ended.
    const text = this.#text();
    return (await this.#run.handOver()) ? goneOn(text, this.#text()) : undefined;
  }

  abandon(): Promise<void> {
    return this.#run.abandon();
  }

  pids(): number[] {
    return this.#run.pids();
  }
}

const URLS = 'sluice_streams';
const extraSchema = z.object({ [URLS]: z.string() });

function withUrls(
  text: string,
  urls: readonly string[] | undefined,
  egressId: string,
  sealer: SpecSealer,
): string {
  if (urls === undefined) return text;
  return JSON.stringify({ ...JSON.parse(text), [URLS]: sealer.sealUrls(egressId, urls) });
}

/** What is said at the end, with the addresses of before. */
function goneOn(before: string, after: string): string {
  const extra = extraSchema.safeParse(JSON.parse(before));
  return extra.success ? JSON.stringify({ ...JSON.parse(after), ...extra.data }) : after;
}

/** What it would send to; undefined: it is none that sends. */
const urlsOf = ({ outputs }: EgressSpec): readonly string[] | undefined =>
  outputs.find((output) => output.kind === 'stream')?.urls;

/** The addresses that its last owner sent to. */
function withStreams(spec: EgressSpec, job: Job, sealer: SpecSealer): EgressSpec {
  const extra = extraSchema.safeParse(JSON.parse(job.info));
  if (!extra.success) return spec;
  const urls = sealer.openUrls(job.id, extra.data[URLS]);
  return {
    ...spec,
    outputs: spec.outputs.map((output) =>
      output.kind === 'stream' ? { ...output, urls } : output,
    ),
  };
}

/** Another node had it: it starts once more, and says so. */
function goOn(info: EgressInfo): void {
  info.retryCount += 1;
  info.status = EgressStatus.EGRESS_STARTING;
  // They are made anew from what was asked for.
  info.streamResults = [];
}

/** What a webhook is for: not for each segment. */
const newsOf = (info: EgressInfo): string =>
  JSON.stringify([info.status, info.streamResults.map(({ url, status }) => [url, status])]);

function asRequestError(error: unknown): unknown {
  if (!(error instanceof EgressError)) return error;
  const { code, message } = error;
  const known = code === 'invalid_argument' || code === 'not_found' || code === 'unimplemented';
  return new JobRequestError(known ? code : 'failed_precondition', message);
}
