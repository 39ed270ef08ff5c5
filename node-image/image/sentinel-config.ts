/** The Sentinel of a Master Node, which with the others watches over the Redis of the cluster. */
export interface SentinelConfig {
  /** Of this machine: the others, and the nodes, come by it. */
  readonly address: string;
  readonly port: number;
  /** Of Redis, and of the Sentinels. */
  readonly password: string;
  /** What the Redis of the cluster is called. */
  readonly name: string;
  /** Where its primary is, or was when this Sentinel was asked last. */
  readonly primary: { readonly host: string; readonly port: number };
  /** So many Sentinels have to agree that the primary is gone. */
  readonly quorum: number;
  /** Where it may write. */
  readonly directory: string;
  /** What it has learned, from its file before. @default - nothing */
  readonly learned?: readonly string[] | undefined;
}

/** The primary has not answered for so long: it may be gone, ms. */
const DOWN_MS = 5000;
/** After so long without an end another fail-over may begin, ms. */
const FAILOVER_MS = 20_000;

/**
 * sentinel.conf for Redis 7, which Sentinel itself writes on: what it learns, it keeps there.
 *
 * @throws Error when a value cannot be written into the file safely.
 */
export function renderSentinelConfig(config: SentinelConfig): string {
  const { address, port, password, name, primary, quorum, directory, learned = [] } = config;
  if (!/^[\x21-\x7e]{16,}$/.test(password) || /["'\\]/.test(password)) {
    throw new Error(
      'The password of Sentinel must have 16 or more printable characters, without quotes and backslashes.',
    );
  }
  const lines = [
    `bind 127.0.0.1 -::1 -${address}`,
    `port ${port}`,
    'protected-mode yes',
    // The Sentinels say it to each other as well.
    `requirepass "${password}"`,
    'daemonize no',
    'supervised systemd',
    'logfile ""',
    `dir ${directory}`,
    'sentinel resolve-hostnames no',
    `sentinel announce-ip ${address}`,
    `sentinel announce-port ${port}`,
    `sentinel monitor ${name} ${primary.host} ${primary.port} ${quorum}`,
    `sentinel auth-pass ${name} ${password}`,
    `sentinel down-after-milliseconds ${name} ${DOWN_MS}`,
    `sentinel failover-timeout ${name} ${FAILOVER_MS}`,
    `sentinel parallel-syncs ${name} 1`,
    'sentinel deny-scripts-reconfig yes',
    ...learned,
  ];
  return `${lines.join('\n')}\n`;
}

/** Lines by which a Sentinel stays who it is, and knows what it knew. */
const LEARNED =
  /^sentinel (?:myid|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) /;

export interface SentinelState {
  /** Where the primary was last. */
  readonly primary: { readonly host: string; readonly port: number };
  readonly learned: readonly string[];
}

/** Reads what a Sentinel has written. @returns undefined where that is none of ours */
export function sentinelState(text: string, name: string): SentinelState | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  for (const line of lines) {
    const [, of, host, port] = /^sentinel monitor (\S+) (\S+) (\d+) \d+$/.exec(line) ?? [];
    if (of !== name || host === undefined) continue;
    const learned = lines.filter((each) => LEARNED.test(each));
    return { primary: { host, port: Number(port) }, learned };
  }
  return undefined;
}
