import { readFileSync } from 'node:fs';

/** IPv4 and IPv6 sockets of this network namespace. Source: proc(5), /proc/net/udp. */
const TABLES = ['/proc/self/net/udp', '/proc/self/net/udp6'];

/**
 * How many TURN allocations there are: coturn has one UDP socket for each, on a port of the relay
 * range, which nothing else on the machine uses.
 *
 * @param range - both ends included
 */
export function countRelaySockets(
  range: { readonly start: number; readonly end: number },
  read: (path: string) => string = readTable,
): number {
  let count = 0;
  for (const table of TABLES) {
    for (const line of read(table).split('\n').slice(1)) {
      const port = Number.parseInt(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line)?.[1] ?? '', 16);
      if (port >= range.start && port <= range.end) {
        count += 1;
      }
    }
  }
  return count;
}

/** Without the table there is nothing to count. */
function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
