import type { Logger } from 'pino';
import { LINK_PROTOCOL } from '../cluster/link/link';
import type { SluiceConfig } from '../contract';
import type { Closers } from './closers';
import type { SeatOptions } from './seat';
import { PROGRAM_VERSION } from './version';

/** What every node says of itself, whatever its role. */
export const nodeIdentity = (
  nodeId: string,
  { sluice, region }: SluiceConfig,
): SeatOptions['identity'] => ({
  id: nodeId,
  role: sluice.role,
  version: PROGRAM_VERSION,
  linkProtocol: LINK_PROTOCOL,
  machineId: sluice.machine_id,
  region,
  startedAtMs: Date.now(),
});

/** Ends a node whose id another process has: clients and Rooms of the two could not be told apart. */
export const endDuplicate = (log: Logger, closers: Closers) => (): void => {
  log.fatal('another process goes by the same node id; this one ends');
  process.exitCode = 1;
  void closers.close();
};
