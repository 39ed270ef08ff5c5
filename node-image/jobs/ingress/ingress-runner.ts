import type { Job } from '../job';
import type { JobContext, JobRunner, RunningJob } from '../job-runner';
import { IngressRules, type IngressRulesOptions, ingressSpecOf } from './ingress-jobs';
import type { PushRunner } from './push-runner';
import type { UrlRunner } from './url/url-runner';

export interface IngressRunnerOptions extends IngressRulesOptions {
  readonly urls: UrlRunner;
  readonly pushes: PushRunner;
}

/** Runs Ingresses on a node that has Rooms. */
export class IngressRunner extends IngressRules implements JobRunner {
  readonly #urls: UrlRunner;
  readonly #pushes: PushRunner;

  constructor(options: IngressRunnerOptions) {
    super(options);
    this.#urls = options.urls;
    this.#pushes = options.pushes;
  }

  async start(job: Job, context: JobContext): Promise<RunningJob> {
    const runner = ingressSpecOf(job.spec).way === 'url' ? this.#urls : this.#pushes;
    return await runner.start(job, context);
  }
}
