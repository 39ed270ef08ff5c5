/** The Redis of the local cluster that `npm start` runs. */
import { findProgram, SetupError } from './commands.mjs';
import { installPackages } from './debian.mjs';
import { note } from './steps.mjs';

/**
 * Installs redis-server where it is missing and that can be done without asking. Where it cannot,
 * `npm start` says how to get it, and runs a Single Node.
 *
 * @param {object} [machine] what there is, for tests
 * @param {(program: string) => string | undefined} [machine.find]
 * @param {boolean} [machine.isRoot]
 * @param {(packages: readonly string[], purpose: string) => Promise<void>} [machine.install]
 * @param {(line: string) => void} [machine.say]
 */
export async function ensureRedis({
  find = (program) => findProgram(program, process.env),
  isRoot = process.getuid?.() === 0,
  install = installPackages,
  say = note,
} = {}) {
  const given = process.env.REDIS_SERVER_BIN;
  if (given || find('redis-server') || !isRoot || !find('apt-get')) {
    return;
  }
  try {
    await install(['redis-server'], 'the local cluster');
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    say(`redis-server cannot be installed: ${error.message.split('\n').at(-1)}`);
  }
}
