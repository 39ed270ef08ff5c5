import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { report } from '../../support/measure-report';
import { until } from '../../support/wait';
import { Container } from './container';

const BOOTS = 3;

/** ms from the first process of a machine. */
interface BootStamps {
  /** `sluice boot` has made the machine ready. */
  readonly ready: number;
  /** The process of the node begins. */
  readonly node: number;
  /** The node serves, by its log. */
  readonly serving: number;
  /** systemd has started all there is. */
  readonly all: number;
}

/** When what came in the boot of a machine whose node serves, by its own monotonic clock. */
function bootStamps(machine: Container): BootStamps {
  const stamp = (property: string, unit?: string): number => {
    const named = unit === undefined ? [] : [`sluice-${unit}.service`];
    const { output } = machine.run('systemctl', 'show', '--value', '-p', property, ...named);
    const us = Number(output);
    assert.ok(us > 0, `${property} of ${unit ?? 'systemd'}: ${output}`);
    return us;
  };
  const journal = machine.run('journalctl', '-b', '-u', 'sluice-node', '-o', 'json', '--no-pager');
  const line = journal.output
    .split('\n')
    .find((text) => text.includes(String.raw`\"msg\":\"serving\"`));
  assert.ok(line, machine.journal());
  const serving = Number(JSON.parse(line).__MONOTONIC_TIMESTAMP);
  const begun = stamp('UserspaceTimestampMonotonic');
  const since = (us: number): number => Math.round((us - begun) / 1000);
  return {
    ready: since(stamp('ActiveEnterTimestampMonotonic', 'boot')),
    node: since(stamp('ExecMainStartTimestampMonotonic', 'node')),
    serving: since(serving),
    all: since(stamp('FinishTimestampMonotonic')),
  };
}

/**
 * Boots a Single Node some times, and writes down how long that takes.
 *
 * @param root - with a configuration that has an entry
 * @returns the longest times
 */
export async function measureBoots(t: TestContext, root: string): Promise<BootStamps> {
  const boots: BootStamps[] = [];
  for (let boot = 0; boot < BOOTS; boot++) {
    const machine = await Container.boot(root);
    t.after(() => machine.close());
    const isUp = (): boolean =>
      machine.run('curl', '-skf', '-m', '2', 'https://127.0.0.1/').output === 'OK' &&
      machine.run('systemctl', 'is-system-running').output.trim() !== 'starting';
    const explain = (): string => machine.journal();
    await until('the node to answer through its entry', isUp, { timeoutMs: 60_000, explain });
    boots.push(bootStamps(machine));
    await machine.close();
  }
  const worst = (key: keyof BootStamps) => Math.max(...boots.map((stamps) => stamps[key]));
  const figures = (key: keyof BootStamps) => ({
    best: Math.min(...boots.map((stamps) => stamps[key])),
    worst: worst(key),
  });
  await report(t, {
    name: 'boot-time',
    about: `A Single Node with coturn and HAProxy on a Debian 12 that install.sh has been run on, booted ${BOOTS} times by systemd-nspawn, so without firmware, kernel and cloud-init. From the first process of the machine; the goal is to serve within 20 s.`,
    units: { best: 'ms', worst: 'ms' },
    rows: [
      { case: 'sluice boot has made the machine ready', figures: figures('ready') },
      { case: 'the node begins', figures: figures('node') },
      { case: 'the node serves', figures: figures('serving') },
      { case: 'systemd has started everything', figures: figures('all') },
    ],
  });
  return {
    ready: worst('ready'),
    node: worst('node'),
    serving: worst('serving'),
    all: worst('all'),
  };
}
