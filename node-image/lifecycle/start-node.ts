import type { Logger } from 'pino';
import { newId } from '../room/ids';
import { createLog } from '../telemetry/log';
import { Closers } from './closers';
import type { NodeOptions, RunningNode } from './running-node';

/** What a node has before anything of it runs. */
export interface NodeStart extends NodeOptions {
  readonly nodeId: string;
  readonly log: Logger;
  /** What is started is closed by these. */
  readonly closers: Closers;
}

/** Starts a node; where that fails, what had been started already is closed. */
export async function startNode(
  options: NodeOptions,
  start: (node: NodeStart) => Promise<Pick<RunningNode, 'port' | 'stop'>>,
): Promise<RunningNode> {
  const nodeId = newId('ND_');
  const log = createLog({ logging: options.config.logging, fields: { node_id: nodeId } });
  const closers = new Closers(log);
  try {
    const { port, stop } = await start({ ...options, nodeId, log, closers });
    return { nodeId, port, log, ended: closers.closed, stop, close: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
