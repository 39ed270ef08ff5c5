import type { z } from 'zod';
import { configKeysSchema } from './config-schema';

/** What a key of sluice.yaml is, read off the schema. */
export interface ConfigKey {
  /**
   * - section: keys of its own, listed in `keys`
   * - named: any names, each with an `item`
   * - list: any number of `item`
   * - either: text or number
   */
  readonly kind: 'section' | 'named' | 'list' | 'text' | 'number' | 'flag' | 'either' | 'anything';
  /** What may be written, in words. */
  readonly allowed: string;
  /** Its value must never be printed. */
  readonly secret: boolean;
  /** Its default as it would be written in the file; undefined where it has none. */
  readonly byDefault: unknown;
  readonly keys: ReadonlyMap<string, ConfigKey>;
  readonly item: ConfigKey | undefined;
}

/** The few parts of a zod schema that are read here. Source: zod 4, core/schemas. */
interface SchemaDef {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly defaultValue?: unknown;
}

const NO_KEYS: ReadonlyMap<string, ConfigKey> = new Map();

/** All keys of sluice.yaml. */
export const configTree = (): ConfigKey => describeKey(configKeysSchema);

/** The key at a path, through lists and names; undefined where the schema has none. */
export function keyAt(tree: ConfigKey, path: readonly PropertyKey[]): ConfigKey | undefined {
  let key: ConfigKey | undefined = tree;
  for (const step of path) {
    key = key.kind === 'section' ? key.keys.get(String(step)) : key.item;
    if (key === undefined) {
      return undefined;
    }
  }
  return key;
}

/** Every key that is no section, by its path with dots, in the order of the schema. */
export function leavesOf(tree: ConfigKey, prefix = ''): Map<string, ConfigKey> {
  const leaves = new Map<string, ConfigKey>();
  for (const [name, key] of tree.keys) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (key.kind === 'section') {
      leavesOf(key, path).forEach((leaf, leafPath) => {
        leaves.set(leafPath, leaf);
      });
    } else {
      leaves.set(path, key);
    }
  }
  return leaves;
}

function describeKey(schema: z.ZodType): ConfigKey {
  let allowed: string | undefined;
  let secret = false;
  let byDefault: unknown;
  let inner = schema;
  for (;;) {
    const meta = inner.meta();
    allowed ??= meta?.allowed;
    secret ||= meta?.secret === true;
    const def = defOf(inner);
    byDefault ??= def.defaultValue;
    const next = def.innerType ?? def.in;
    if (next === undefined) {
      break;
    }
    inner = next;
  }
  return {
    ...shapeOf(defOf(inner)),
    allowed: allowed ?? 'any value',
    secret,
    byDefault,
  };
}

function shapeOf(def: SchemaDef): Pick<ConfigKey, 'kind' | 'keys' | 'item'> {
  const leaf = { keys: NO_KEYS, item: undefined };
  switch (def.type) {
    case 'object': {
      const entries = Object.entries(def.shape ?? {});
      return {
        kind: 'section',
        keys: new Map(entries.map(([name, each]) => [name, describeKey(each)])),
        item: undefined,
      };
    }
    case 'array':
      return { kind: 'list', keys: NO_KEYS, item: def.element && describeKey(def.element) };
    case 'record':
      return { kind: 'named', keys: NO_KEYS, item: def.valueType && describeKey(def.valueType) };
    case 'boolean':
      return { kind: 'flag', ...leaf };
    case 'number':
      return { kind: 'number', ...leaf };
    case 'string':
    case 'enum':
      return { kind: 'text', ...leaf };
    case 'union':
      return { kind: unionKind(def.options ?? []), ...leaf };
    default:
      return { kind: 'anything', ...leaf };
  }
}

function unionKind(options: readonly z.ZodType[]): ConfigKey['kind'] {
  const kinds = new Set(options.map((option) => describeKey(option).kind));
  const [only] = kinds;
  return kinds.size === 1 && only !== undefined ? only : 'either';
}

function defOf(schema: z.ZodType): SchemaDef {
  return schema.def as unknown as SchemaDef;
}
