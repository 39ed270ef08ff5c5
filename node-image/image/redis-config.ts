/** The Redis that a master runs for its cluster. */
export interface RedisConfig {
  /** Addresses of this machine to listen on, beside loopback. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly password: string;
  /** Taken as well, while the nodes are given another one. @default - none */
  readonly previousPassword?: string | undefined;
  /** Where it keeps its data. */
  readonly directory: string;
  /** Where there are others that take its place: by which address they reach it, and whom it follows. */
  readonly replicated?:
    | {
        readonly address: string;
        /** @default - it is the primary itself */
        readonly replicaOf?: { readonly host: string; readonly port: number } | undefined;
      }
    | undefined;
}

/**
 * redis.conf for Redis 7. It holds the password, so it belongs into a file that nobody else may
 * read.
 *
 * @throws Error when a value cannot be written into the file safely.
 */
export function renderRedisConfig(config: RedisConfig): string {
  const { addresses, port, password, previousPassword, directory, replicated } = config;
  const passwords = [password, ...(previousPassword === undefined ? [] : [previousPassword])];
  for (const one of passwords) {
    if (/^[\x21-\x7e]{16,}$/.test(one) && !/["'\\]/.test(one)) continue;
    throw new Error(
      'The password of Redis must have 16 or more printable characters, without quotes and backslashes.',
    );
  }
  // Redis does not start where one is named twice.
  const others = new Set(['::1', ...addresses]);
  others.delete('127.0.0.1');
  const lines = [
    // With a dash, one that the machine does not have is left out.
    `bind 127.0.0.1 ${[...others].map((address) => `-${address}`).join(' ')}`,
    `port ${port}`,
    'protected-mode yes',
    previousPassword === undefined
      ? `requirepass "${password}"`
      : // The same, with both.
        `user default on ~* &* +@all ">${password}" ">${previousPassword}"`,
    'daemonize no',
    'supervised systemd',
    'logfile ""',
    `dir ${directory}`,
    // What a machine that loses power has lost is a second at most.
    'appendonly yes',
    'appendfsync everysec',
    'save 300 1',
    // Facts about the cluster are never thrown away to make space.
    'maxmemory-policy noeviction',
    'tcp-backlog 4096',
    'tcp-keepalive 60',
    ...(replicated === undefined ? [] : replication(replicated, password)),
    // No second door.
    'enable-debug-command no',
    'enable-module-command no',
  ];
  return `${lines.join('\n')}\n`;
}

function replication(
  { address, replicaOf }: NonNullable<RedisConfig['replicated']>,
  password: string,
): string[] {
  return [
    // Whoever is the primary may follow another one next.
    `masterauth "${password}"`,
    `replica-announce-ip ${address}`,
    ...(replicaOf === undefined ? [] : [`replicaof ${replicaOf.host} ${replicaOf.port}`]),
  ];
}
