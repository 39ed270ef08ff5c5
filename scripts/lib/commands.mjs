/** Runs other programs, quietly: what they print is shown only when they fail. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Says what went wrong in words for the reader: printed without a stack trace. */
export class SetupError extends Error {}

/** How much of a failed program's output helps the reader. */
const SHOWN_LINES = 40;

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<void>}
 * @throws {SetupError} with the end of what it printed, when it cannot be started or fails
 */
export function run(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      // Bounded: a compiler can print a great deal.
      output = (output + chunk.toString()).slice(-100_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) =>
      reject(new SetupError(`${command} cannot be started: ${error.message}`)),
    );
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve();
        return;
      }
      const end = output.trim().split('\n').slice(-SHOWN_LINES).join('\n');
      const outcome = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
      reject(new SetupError(`\`${[command, ...args].join(' ')}\` ${outcome}:\n${end}`));
    });
  });
}

/**
 * The absolute path of a program, or undefined.
 *
 * @param {string} name or a path
 * @param {NodeJS.ProcessEnv} env
 */
export function findProgram(name, env) {
  // Programs for the administrator are often missing from the PATH of others.
  const folders = name.includes(path.sep)
    ? ['.']
    : [...(env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders.filter(Boolean)) {
    const file = path.resolve(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/**
 * Whether a worker starts on this machine: without its environment it answers with exit code 41,
 * and with another one when a library is missing.
 *
 * @param {string} file
 */
export function workerRuns(file) {
  return spawnSync(file, [], { stdio: 'ignore', env: {} }).status === 41;
}
