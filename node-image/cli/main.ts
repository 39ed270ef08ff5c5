import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { PORTS } from '../contract';
import { PROGRAM_VERSION } from '../lifecycle/version';
import type { CliIo } from './io';
import { runSluice } from './program';

const COLUMNS = 100;

const io: CliIo = {
  env: process.env,
  print: (output) => void process.stdout.write(output),
  printError: (output) => void process.stderr.write(output),
  readFile: (path) => (path === '-' ? text(process.stdin) : readFile(path, 'utf8')),
  sleep: (ms) => sleep(ms),
  now: Date.now,
  isTerminal: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? COLUMNS,
};

async function main(): Promise<void> {
  // What only servers need is loaded only for them: a command that asks answers at once.
  const code = await runSluice({
    argv: process.argv.slice(2),
    io,
    version: PROGRAM_VERSION,
    serve: async (config, options) => {
      const { serve } = await import('../lifecycle/serve.js');
      await serve(config, options);
    },
    up: async (options) => {
      const { runLocalCluster } = await import('../lifecycle/local/run-local-cluster.js');
      return runLocalCluster({ ...options, env: process.env, startSingle });
    },
    agent: async (options) => {
      const { runAgent } = await import('../lifecycle/run-agent.js');
      const end = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
        process.on(signal, () => end.abort());
      }
      await runAgent({ ...options, signal: end.signal });
    },
    preflight: async (question) => {
      const { preflightAws } = await import('../cloud/aws/preflight/preflight-aws.js');
      return preflightAws(question);
    },
    preflightAzure: async (question) => {
      const { preflightAzure } = await import('../cloud/azure/preflight/preflight-azure.js');
      return preflightAzure({ question, env: process.env });
    },
    doctor: async (question) => {
      const { runDoctor } = await import('../lifecycle/doctor/run-doctor.js');
      return runDoctor({ question });
    },
    calibrate: async () => {
      const { calibrate } = await import('../capacity/calibrate.js');
      return calibrate();
    },
  });
  // What serve has set says more than that the command line was understood.
  process.exitCode ||= code;
}

/** Where there is no Redis for a cluster: a Single Node for development. */
async function startSingle(): Promise<number> {
  const { runCli } = await import('../lifecycle/cli.js');
  const { serve } = await import('../lifecycle/serve.js');
  const { findRtmpPort } = await import('../lifecycle/local/slot-ports.js');
  const rtmpPort = `${await findRtmpPort(PORTS.http)}`;
  const argv = ['--dev', '--console', '--ingress.rtmp_port', rtmpPort];
  return runCli({ argv, env: process.env, serve });
}

void main();
