export { componentLog, createLog, type LogScope, scopedLog, withoutSecrets } from './log';
export {
  type Direction,
  type JoinState,
  Metrics,
  type MetricsOptions,
  type PacketReport,
  type StreamReport,
  type TwirpReport,
} from './metrics';
export { MetricsServer, type MetricsServerOptions } from './metrics-server';
export { NodeTotals } from './node-totals';
