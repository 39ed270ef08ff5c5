import { runCli } from './cli';
import { serve } from './serve';

async function main(): Promise<void> {
  const code = await runCli({ argv: process.argv.slice(2), env: process.env, serve });
  // What serve has set says more than that the command line was understood.
  process.exitCode ||= code;
}

void main();
