import type { Logger } from 'pino';
import type { SluiceConfig } from '../contract';
import type { JobRules, JobRunner } from '../jobs/job-runner';
import type { Closers } from './closers';
import type { MediaPlane } from './media-plane';

export interface JobRulesOptions {
  readonly config: SluiceConfig;
  readonly log: Logger;
}

export interface JobRunnersOptions extends JobRulesOptions {
  readonly nodeId: string;
  readonly plane: MediaPlane;
  readonly closers: Closers;
}

/** Kinds of jobs that are placed on nodes, as every node knows them. */
export const jobRules = (_options: JobRulesOptions): JobRules[] => [];

/** What runs them on a node with media. */
export const jobRunners = (_options: JobRunnersOptions): JobRunner[] => [];
