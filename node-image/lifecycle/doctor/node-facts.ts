import type { SluiceConfig } from '../../contract';
import { SLUICE_METRIC_NAMES } from '../../contract';
import { askHttp } from './ask-http';

const ANSWER_MS = 3000;
const OF_A_NODE = /^(?:OK|Not Ready)\b/;

/**
 * Whether the node runs: `node`, it answers; `nobody`, nobody is at its port; `other`, another program
 * is; `silent`, whoever is there says nothing.
 */
export type NodeFacts =
  | {
      readonly kind: 'node';
      readonly isReady: boolean;
      /** Of its health. */
      readonly text: string;
      /** undefined where the configuration has none. */
      readonly metrics: MetricsFacts | undefined;
    }
  | { readonly kind: 'nobody' | 'other' | 'silent' };

export interface MetricsFacts {
  /** What is wrong with the answer; undefined: it is of a node. */
  readonly trouble: string | undefined;
  /** Files it may have open, and has; undefined where it does not say. */
  readonly openFilesLimit: number | undefined;
  readonly openFiles: number | undefined;
}

/** Asks whoever is at the HTTP port of the configuration. */
export async function askNode(config: SluiceConfig): Promise<NodeFacts> {
  const host = hostOf(config);
  const answer = await askHttp({ host, port: config.port, timeoutMs: ANSWER_MS });
  if (answer.kind !== 'answer') return { kind: answer.kind };
  const isNode = [200, 406].includes(answer.status) && OF_A_NODE.test(answer.text);
  if (!isNode) return { kind: 'other' };
  return {
    kind: 'node',
    isReady: answer.status === 200,
    text: answer.text,
    metrics: config.prometheus.port === 0 ? undefined : await askMetrics(config),
  };
}

async function askMetrics(config: SluiceConfig): Promise<MetricsFacts> {
  const { port, username, password } = config.prometheus;
  const isGuarded = username !== '' && password !== '';
  const login = Buffer.from(`${username}:${password}`).toString('base64');
  const answer = await askHttp({
    host: hostOf(config),
    port,
    timeoutMs: ANSWER_MS,
    path: '/metrics',
    headers: isGuarded ? { authorization: `Basic ${login}` } : {},
  });
  const text = answer.kind === 'answer' ? answer.text : '';
  const limit = metricIn(text, SLUICE_METRIC_NAMES.fileDescriptorLimit);
  const said = answer.kind === 'answer' ? `HTTP ${answer.status}` : 'nothing that is HTTP';
  return {
    trouble: limit === undefined ? `what answers there says ${said}` : undefined,
    openFilesLimit: limit,
    openFiles: metricIn(text, SLUICE_METRIC_NAMES.fileDescriptors),
  };
}

const metricIn = (text: string, name: string): number | undefined => {
  const [, value] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text) ?? [];
  return value === undefined ? undefined : Number(value);
};

/** Where the servers of the node are reached from its own machine. */
export function hostOf({ bind_addresses }: Pick<SluiceConfig, 'bind_addresses'>): string {
  const [first = '127.0.0.1'] = bind_addresses;
  return first === '0.0.0.0' ? '127.0.0.1' : first === '::' ? '::1' : first;
}
