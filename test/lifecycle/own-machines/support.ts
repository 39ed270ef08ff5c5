import type { TestContext } from 'node:test';
import type { MachineFacts } from '../../../node-image/lifecycle/own-machines/machine-check';
import { BootMachine } from '../../image/support/boot-machine';

export const ADDRESS = '10.0.0.7';

/** A machine on which install.sh has been run, and whose services start at once. */
export function installedMachine(t: TestContext): BootMachine {
  const machine = new BootMachine(t);
  machine.write('/opt/sluice/current/x', '');
  machine.write('/run/systemd/system/x', '');
  machine.answer = (command) => {
    if (command === '/opt/sluice/bin/start') bootSays(machine, { state: 'done' });
    return command.startsWith('systemctl is-active') ? { code: 3 } : undefined;
  };
  return machine;
}

/** How `sluice boot` ends on a machine. */
export function bootSays(machine: BootMachine, status: object): void {
  machine.write('/run/sluice/boot-status.json', JSON.stringify(status));
}

export const factsWith = (changed: Partial<MachineFacts> = {}): MachineFacts => ({
  uid: 0,
  hostName: 'here',
  interfaces: {
    eth0: [
      {
        address: ADDRESS,
        family: 'IPv4',
        internal: false,
        netmask: '255.255.255.0',
        mac: '02:00:00:00:00:01',
        cidr: `${ADDRESS}/24`,
      },
    ],
  },
  freeMb: async () => 10_000,
  portProblem: async () => undefined,
  ...changed,
});
