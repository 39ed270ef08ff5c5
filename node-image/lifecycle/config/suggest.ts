import { distance } from 'fastest-levenshtein';

/** `tcp-port` and `tcpPort` are `tcp_port` to a reader, so they are no distance apart. */
const plain = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');

/** Two names further apart than this have nothing to do with each other. */
const farthest = (name: string): number =>
  name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));

/** The names nearest to a misspelt one: several where they are equally near, none where all are far. */
export function nearest(name: string, known: Iterable<string>): string[] {
  const given = plain(name);
  let best = farthest(given);
  let found: string[] = [];
  for (const candidate of known) {
    const apart = distance(given, plain(candidate));
    if (apart < best) {
      best = apart;
      found = [candidate];
    } else if (apart === best) {
      found.push(candidate);
    }
  }
  return found;
}
