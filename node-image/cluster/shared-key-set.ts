/** An API key that the nodes of a cluster share. */
export interface SharedKey {
  readonly secret: string;
  /** ms since 1970, by the clock of the node that added it. */
  readonly addedAtMs: number;
}

/** What the nodes of a cluster know of API keys together. */
export interface SharedKeySet {
  readonly keys: ReadonlyMap<string, SharedKey>;
  /** Keys that nobody may use any more, configured ones too, and since when (ms since 1970). */
  readonly retired: ReadonlyMap<string, number>;
}

export const NO_KEYS: SharedKeySet = { keys: new Map(), retired: new Map() };

/** Everything that either knows; what one of them calls retired is. */
export function mergeKeys(one: SharedKeySet, other: SharedKeySet): SharedKeySet {
  const retired = new Map([...other.retired, ...one.retired]);
  const all = [...other.keys, ...one.keys].filter(([apiKey]) => !retired.has(apiKey));
  return { keys: new Map(all), retired };
}

export const isSameKeys = (one: SharedKeySet, other: SharedKeySet): boolean =>
  hasSameNames(one.keys, other.keys) && hasSameNames(one.retired, other.retired);

/** A key never gets another secret: it is enough to know which there are. */
const hasSameNames = (
  one: ReadonlyMap<string, unknown>,
  other: ReadonlyMap<string, unknown>,
): boolean => one.size === other.size && [...one.keys()].every((name) => other.has(name));
