import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { NodeWatch } from '../cluster/node-watch';
import type { SluiceConfig } from '../contract';
import { watchTurnEntry } from '../telemetry/cluster-metrics';
import type { Closers } from './closers';
import { HaproxySocket } from './haproxy-socket';
import { isTurnTlsPassedOn, TurnEntry } from './turn-entry';

/** A registry that remembers for a shorter time may not have heard of every node again, ms. */
const WHOLE_MS = 10_000;

/** On a Master Node whose HAProxy passes TURN/TLS on: tells it to which Media Nodes. */
export async function startTurnEntry(options: {
  readonly config: SluiceConfig;
  readonly watch: NodeWatch;
  readonly metrics: Registry;
  readonly closers: Closers;
  readonly log: Logger;
}): Promise<void> {
  const { config, watch, metrics, closers, log } = options;
  const { entry_socket } = config.sluice;
  if (!isTurnTlsPassedOn(config) || entry_socket === '') return;
  const turnEntry = new TurnEntry({
    haproxy: new HaproxySocket(entry_socket),
    known: () => {
      const ageMs = watch.registryAgeMs;
      return ageMs === undefined
        ? undefined
        : { nodes: watch.nodes(), maybeMore: ageMs < WHOLE_MS };
    },
    log,
  });
  closers.add(() => turnEntry.close());
  watchTurnEntry(metrics, turnEntry);
  await turnEntry.start();
}
