import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';

/** coturn reads for an instant now and then. */
const BUSY_MS = 200;

/**
 * The addresses that a coturn relays to beside those of its configuration: its own database, which
 * it reads anew every 5 s. Source: coturn, dbd_sqlite.c; table `allowed_peer_ip`.
 */
export class CoturnPeers {
  readonly #file: string;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  #written = '';
  #failed = '';

  constructor(file: string, log: Pick<Logger, 'info' | 'warn'>) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Lets it relay to these and no others. What could not be written is written with the next call.
   *
   * @param ranges - as coturn has them, see `rangeText`
   */
  async set(ranges: readonly string[]): Promise<void> {
    const wanted = [...new Set(ranges)].sort();
    const text = wanted.join(' ');
    if (text === this.#written) return;
    try {
      await write(this.#file, wanted);
      this.#written = text;
      this.#failed = '';
      this.#log.info({ peers: wanted }, 'TURN relays to these addresses of other nodes, too');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason === this.#failed) return;
      this.#failed = reason;
      this.#log.warn(
        { reason },
        'TURN cannot be told of the other nodes, it is tried again: until then it relays to this node, and to turn.allow_restricted_peer_cidrs',
      );
    }
  }
}

async function write(file: string, ranges: readonly string[]): Promise<void> {
  // Only here: it is not in every Node 22, and says that it is experimental.
  const { DatabaseSync: Database } = await import('node:sqlite');
  const database: DatabaseSync = new Database(file, { timeout: BUSY_MS });
  try {
    database.exec('BEGIN IMMEDIATE; DELETE FROM allowed_peer_ip');
    const insert = database.prepare("INSERT INTO allowed_peer_ip(realm, ip_range) VALUES ('', ?)");
    for (const range of ranges) insert.run(range);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}
