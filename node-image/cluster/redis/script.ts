import { createHash } from 'node:crypto';
import type { KeyName } from './keys';

export interface ScriptParts {
  /** Keys that it works on, as Lua variables of their names. */
  readonly keys: readonly KeyName[];
  /** A further key, which its caller names. */
  readonly ownKey?: string;
  /** Arguments, as Lua variables; what comes after them stays in ARGV. */
  readonly args: readonly string[];
  /** Lua that comes first. */
  readonly uses?: readonly string[];
  readonly lua: string;
}

/** A Lua script: runs in Redis as one step, all or nothing for everybody else. */
export interface Script extends ScriptParts {
  readonly source: string;
  readonly sha1: string;
}

export function defineScript(parts: ScriptParts): Script {
  const { keys, ownKey, args, uses = [], lua } = parts;
  const names = ownKey === undefined ? keys : [...keys, ownKey];
  const source = [
    names.length > 0 ? `local ${names.join(', ')} = unpack(KEYS)` : '',
    args.length > 0 ? `local ${args.join(', ')} = unpack(ARGV, 1, ${args.length})` : '',
    ...uses.map((text) => text.trim()),
    lua.trim(),
  ].join('\n');
  return { ...parts, source, sha1: createHash('sha1').update(source).digest('hex') };
}
