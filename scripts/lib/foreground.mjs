/** Runs a program in place of this one: its output, its signals, its exit code. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { SetupError } from './commands.mjs';

/**
 * Ctrl-C at a terminal reaches the whole process group, and npm passes it on once more: what
 * arrives within this time is one and the same request.
 */
const SAME_REQUEST_MILLISECONDS = 500;

/**
 * @typedef {object} ForegroundOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {boolean} [ownGroup] Gives it a process group of its own, so that Ctrl-C reaches only
 *   itself, once, and it ends its own children in its own order. For what never reads the terminal.
 *   `@default` false
 */

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ForegroundOptions} options
 * @returns {Promise<number>} its exit code; 128 + the signal's number when a signal ended it
 */
export function runInForeground(command, args, { cwd, env, ownGroup = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: [ownGroup ? 'ignore' : 'inherit', 'inherit', 'inherit'],
      detached: ownGroup,
    });
    let lastAt = Number.NEGATIVE_INFINITY;
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      const now = performance.now();
      if (now - lastAt > SAME_REQUEST_MILLISECONDS) {
        lastAt = now;
        child.kill(signal);
      }
    };
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) {
      process.on(signal, passOn);
    }
    const forget = () => {
      for (const signal of signals) {
        process.off(signal, passOn);
      }
    };
    child.on('error', (error) => {
      forget();
      reject(new SetupError(`${command} cannot be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      forget();
      resolve(code ?? 128 + (signal ? os.constants.signals[signal] : 0));
    });
  });
}
