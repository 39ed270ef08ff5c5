export { componentLog, createLog, type LogScope, scopedLog, withoutSecrets } from './log';
export type {
  Direction,
  JoinState,
  PacketReport,
  StreamReport,
  TwirpReport,
} from './metric-reports';
export { Metrics, type MetricsOptions } from './metrics';
export { MetricsServer, type MetricsServerOptions } from './metrics-server';
export { NodeTotals } from './node-totals';
