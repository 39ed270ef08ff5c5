import type { Command } from 'commander';
import { newCommand } from '../command';
import type { CliIo } from '../io';
import { preflightAwsCommand, type RunPreflight } from './preflight-aws';
import { preflightAzureCommand, type RunPreflightAzure } from './preflight-azure';

export type { RunPreflight } from './preflight-aws';
export type { RunPreflightAzure } from './preflight-azure';

export interface PreflightRuns {
  readonly aws: RunPreflight;
  readonly azure: RunPreflightAzure;
}

export function preflightCommand(
  io: CliIo,
  { aws, azure }: PreflightRuns,
  setExitCode: (code: number) => void,
): Command {
  return newCommand('preflight', io)
    .description('say what a deployment would fail by, before it is made')
    .addCommand(preflightAwsCommand(io, aws, setExitCode))
    .addCommand(preflightAzureCommand(io, azure, setExitCode));
}
