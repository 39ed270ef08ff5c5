import { hostname } from 'node:os';
import type { Machine as OwnMachine } from '../../lifecycle/boot/machine';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import type { MachineFacts } from '../../lifecycle/own-machines/machine-check';
import { CliError } from '../io';

/**
 * Does something to this machine. What only these commands need is loaded only for them.
 *
 * @throws CliError with the one sentence of what keeps it from that.
 */
export async function onThisMachine<T>(
  act: (own: { readonly machine: OwnMachine; readonly facts: MachineFacts }) => Promise<T>,
): Promise<T> {
  const { Machine } = await import('../../lifecycle/boot/machine.js');
  const { BootError } = await import('../../lifecycle/boot/boot-error.js');
  const { realFacts } = await import('../../lifecycle/own-machines/machine-check.js');
  try {
    return await act({ machine: new Machine(), facts: realFacts(hostname()) });
  } catch (error) {
    throw error instanceof BootError ? new CliError(EXIT_FAILED, error.message) : error;
  }
}
