/**
 * `npm start`, `npm test` and `npm run check`: sets up what is missing, then runs it on a Node that
 * is new enough.
 *
 *   run.mjs start                             a cluster on this computer
 *   run.mjs start -- --single                 one node for development
 *   run.mjs start -- options of the node      the same, with these options
 *   run.mjs node [-- options of the node]     as it is, for production
 *   run.mjs test [part of a test file's path]... [--name pattern] [--concurrency N] [--repeat-failed]
 *   run.mjs check [--rest] [--repeat-failed]    --rest: only what `npm test` does not do
 *
 * --repeat-failed gives test files that fail a second try, where they are few, and says which.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './lib/commands.mjs';
import { runInForeground } from './lib/foreground.mjs';
import { portOrFree } from './lib/free-port.mjs';
import { inWords } from './lib/steps.mjs';
import { ROOT, runMain, setUp } from './setup.mjs';

const REPEAT_FAILED = '--repeat-failed';
/** Of a node for development. */
const RECORDINGS = path.join(ROOT, 'recordings');
/** What encoders expect. */
const RTMP_PORT = 1935;
const PAGE_SCRIPT = path.join(ROOT, 'scripts/build-page.mjs');

/** @typedef {{ node: string, env: NodeJS.ProcessEnv }} Ready */

/** @param {readonly string[]} args */
async function start(args) {
  const given = args[0] === '--' ? args.slice(1) : args;
  const options = given.filter((option) => option !== '--single');
  const hasConfig = hasOwnConfig(options, process.env);
  const isCluster = given.length === 0 && !hasConfig;
  const ready = await setUp({ tests: false, redis: isCluster });
  const page = await buildPage(ready);
  if (page !== 0) {
    return page;
  }
  const mode = hasConfig ? [] : await forDevelopment();
  const program = isCluster
    ? ['node-image/cli/main.ts', 'up']
    : ['node-image/lifecycle/main.ts', ...mode, '--console', ...options];
  return runInForeground(ready.node, ['--import', 'tsx', ...program], {
    cwd: ROOT,
    env: ready.env,
    ownGroup: true,
  });
}

async function forDevelopment() {
  const rtmp = ['--ingress.rtmp_port', `${await portOrFree(RTMP_PORT)}`];
  return ['--dev', '--egress.local_directory', RECORDINGS, ...rtmp];
}

/** @param {readonly string[]} args */
async function runNode(args) {
  const ready = await setUp({ tests: false });
  const options = args[0] === '--' ? args.slice(1) : args;
  return runInForeground(
    ready.node,
    ['--import', 'tsx', 'node-image/lifecycle/main.ts', ...options],
    { cwd: ROOT, env: ready.env, ownGroup: true },
  );
}

/**
 * A node with a configuration of its own is no node for development: that one gives tokens to
 * whoever asks.
 *
 * @param {readonly string[]} options
 * @param {NodeJS.ProcessEnv} env
 */
function hasOwnConfig(options, env) {
  const named = /^--(config|config-body|keys|key-file)(=|$)/;
  const variables = ['LIVEKIT_CONFIG', 'SLUICE_CONFIG', 'LIVEKIT_KEYS'];
  return options.some((option) => named.test(option)) || variables.some((name) => env[name]);
}

/**
 * The script sees for itself whether the page is up to date.
 *
 * @param {Ready} ready
 */
async function buildPage({ node, env }) {
  return runInForeground(node, [PAGE_SCRIPT], { cwd: ROOT, env });
}

/**
 * @param {readonly string[]} args
 * @param {Ready} [ready]
 */
async function test(args, ready) {
  const python = args.some((arg) => arg === '--slow' || /aws-lab|\.slow\./.test(arg));
  const agentsPython = args.some((arg) => /agents\/python\.long\./.test(arg));
  const { node, env } =
    ready ?? (await setUp({ tests: true, python, agentsPython, pulumi: python }));
  const page = await buildPage({ node, env });
  if (page !== 0) {
    return page;
  }
  // Some thousand processes, of tests and of nodes, compile the same files: each file once is enough.
  const compiled = { NODE_COMPILE_CACHE: path.join(ROOT, 'node_modules/.cache/compiled') };
  return runInForeground(node, ['scripts/test-runner.mjs', ...args], {
    cwd: ROOT,
    env: { ...compiled, ...env },
  });
}

/** @param {readonly string[]} args */
async function check(args) {
  const unknown = args.filter((arg) => arg !== '--rest' && arg !== REPEAT_FAILED);
  if (unknown.length > 0) {
    throw new SetupError(
      `check does not know ${unknown.join(' ')}; it takes --rest, ${REPEAT_FAILED} or nothing.`,
    );
  }
  const repeat = args.filter((arg) => arg === REPEAT_FAILED);
  const ready = await setUp({ tests: true, python: true, pulumi: true });
  const { node, env } = ready;
  /** @param {string} name */
  const tool = (name) => path.join(ROOT, 'node_modules', name);
  /** @param {readonly string[]} command */
  const onNode = (command) => runInForeground(node, command, { cwd: ROOT, env });

  /** @type {[string, () => Promise<number>][]} */
  const parts = [
    ['lint', () => onNode([tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'])],
    ['types', () => onNode([tool('typescript/bin/tsc'), '-b'])],
    ...checkScripts().map(
      /** @returns {[string, () => Promise<number>]} */
      (file) => [path.basename(file, '.mjs'), () => onNode([file])],
    ),
  ];
  if (!args.includes('--rest')) {
    parts.push(['tests', () => test(repeat, ready)]);
  }
  parts.push(['slow tests', () => test(['--slow', ...repeat], ready)]);

  // All of them, also after a failure: one run shows everything there is to mend.
  const failed = [];
  for (const [name, part] of parts) {
    const begun = performance.now();
    console.log(`\n== ${name}`);
    const code = await part();
    console.log(
      `== ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${inWords(performance.now() - begun)}`,
    );
    if (code !== 0) {
      failed.push(name);
    }
  }
  console.log(`\ncheck: ${failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`}`);
  return failed.length === 0 ? 0 : 1;
}

/** Those in scripts/checks, in the order of their names. */
function checkScripts() {
  const folder = path.join(ROOT, 'scripts/checks');
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.mjs'))
        .sort()
        .map((name) => path.join(folder, name))
    : [];
}

/** @type {Record<string, (args: readonly string[]) => Promise<number>>} */
const COMMANDS = {
  start,
  node: runNode,
  test: (args) => test(args[0] === '--' ? args.slice(1) : args),
  check,
};

await runMain(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    throw new SetupError(
      `Unknown command "${name}": it is one of ${Object.keys(COMMANDS).join(', ')}.`,
    );
  }
  return command(args);
});
