/** What is different between two values, by path. Pure. */

/** How Pulumi writes a path: `sku.capacity`, `zones[0]`, `tags["sluice:max-nodes"]`. */
export function differences(old: unknown, now: unknown, path = ''): string[] {
  if (Array.isArray(old) && Array.isArray(now)) {
    return indices(Math.max(old.length, now.length)).flatMap((index) =>
      differences(old[index], now[index], `${path}[${index}]`),
    );
  }
  if (isObject(old) && isObject(now)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(now)]);
    return [...keys].sort().flatMap((key) => differences(old[key], now[key], joined(path, key)));
  }
  return Object.is(old, now) ? [] : [path];
}

function joined(path: string, key: string): string {
  if (!/^\w+$/.test(key)) return `${path}["${key}"]`;
  return path === '' ? key : `${path}.${key}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const indices = (length: number) => Array.from({ length }, (_, index) => index);
