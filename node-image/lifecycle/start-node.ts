import type { Logger } from 'pino';
import { newId } from '../room/ids';
import { createLog } from '../telemetry/log';
import { Closers, NodeEndedError } from './closers';
import type { NodeOptions, RunningNode } from './running-node';

/** What a node has before anything of it runs. */
export interface NodeStart extends NodeOptions {
  readonly nodeId: string;
  readonly log: Logger;
  /** What is started is closed by these. */
  readonly closers: Closers;
}

/**
 * Starts a node; where that fails, what had been started already is closed.
 *
 * @throws NodeEndedError where it is ended meanwhile. What its start still opens is closed at once.
 */
export async function startNode(
  options: NodeOptions,
  start: (node: NodeStart) => Promise<Pick<RunningNode, 'port' | 'stop'>>,
): Promise<RunningNode> {
  const nodeId = newId('ND_');
  const log = createLog({ logging: options.config.logging, fields: { node_id: nodeId } });
  const closers = new Closers(log);
  const { signal } = options;
  const end = (): void => void closers.close();
  signal?.addEventListener('abort', end, { once: true });
  try {
    // It may wait for something that never comes.
    const started = await Promise.race([
      start({ ...options, nodeId, log, closers }),
      closers.closed.then(() => undefined),
    ]);
    if (started === undefined || closers.closing) {
      throw new NodeEndedError();
    }
    const { port, stop } = started;
    return { nodeId, port, log, ended: closers.closed, stop, close: closers.close };
  } catch (error) {
    // What fails because its parts are closed says nothing that helps.
    const failure = closers.closing ? new NodeEndedError({ cause: error }) : error;
    await closers.close();
    throw failure;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
