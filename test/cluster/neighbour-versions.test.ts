/** Nodes of neighbouring versions read what each other writes into the registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  orderSchema,
  placementSchema,
  recordOf,
} from '../../node-image/cluster/redis/stored-values';

/** As the first version writes them, whatever came later: a key that is wanted by now fails here. */
const FIRST = {
  record: {
    id: 'ND_1',
    role: 'media',
    state: 'draining',
    version: '0.1.0',
    linkProtocol: 1,
    link: { host: '10.0.0.4', port: 7870 },
    machineId: 'media-1',
    region: '',
    configVersion: 0,
    startedAtMs: 1_700_000_000_000,
    load: {
      cpus: 4,
      cpuLoad: 0.25,
      sysLoad: 0.5,
      rooms: 1,
      clients: 2,
      tracksIn: 4,
      tracksOut: 4,
      bytesPerSec: 1000,
      bytesPerSecLimit: 0,
      descriptors: { used: 100, limit: 65_536 },
      disk: { used: 1, limit: 0 },
      memory: { used: 1, limit: 0 },
      turnAllocations: 0,
      reservedCpus: 0,
      limitReached: false,
    },
    drain: {
      orderId: 'DO_1',
      roomsLeft: 1,
      participantsLeft: 2,
      turnAllocationsLeft: 0,
      roomsMoved: 0,
      obstacle: '',
      overdue: false,
    },
  },
  order: {
    id: 'DO_1',
    reason: 'SIGTERM',
    patienceUntilMs: 1_700_000_000_000,
    deadlineMs: 1_700_000_060_000,
    onDeadline: 'force',
  },
  placement: { nodeId: 'ND_1', epoch: 1_700_000_000_000 },
};
const SCHEMAS = { record: recordOf('ND_1'), order: orderSchema, placement: placementSchema };

for (const name of ['record', 'order', 'placement'] as const) {
  test(`a ${name} of the first version is read as it is`, () => {
    assert.deepEqual(SCHEMAS[name].parse(FIRST[name]), FIRST[name]);
  });

  test(`a ${name} of a later version is read without what is new in it`, () => {
    const later = { ...FIRST[name], later: { than: 'this' } };
    assert.deepEqual(SCHEMAS[name].parse(later), FIRST[name]);
  });
}
