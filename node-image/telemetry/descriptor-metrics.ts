import { Gauge, type Registry } from 'prom-client';
import type { Usage } from '../cluster/node-record';
import { SLUICE_METRIC_NAMES } from '../contract';
import { readDescriptors } from './descriptors';

/** Shows how many file descriptors are open and may be, read anew at each scrape. */
export function watchDescriptors(registry: Registry, read: () => Usage = readDescriptors): void {
  const used: Gauge = new Gauge({
    name: SLUICE_METRIC_NAMES.fileDescriptors,
    help: 'File descriptors that this process has open.',
    registers: [registry],
    collect: () => used.set(read().used),
  });
  const limit: Gauge = new Gauge({
    name: SLUICE_METRIC_NAMES.fileDescriptorLimit,
    help: 'File descriptors that this process may have open.',
    registers: [registry],
    collect: () => limit.set(read().limit),
  });
}
