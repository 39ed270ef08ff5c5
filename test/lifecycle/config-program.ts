import { runCli } from '../../node-image/lifecycle/cli';

/** The program of a node, but for the node: it says what it would serve. */
void runCli({
  argv: process.argv.slice(2),
  env: process.env,
  serve: async ({ port }) => {
    process.stdout.write(`serving on ${port}\n`);
  },
}).then((code) => {
  process.exitCode = code;
});
