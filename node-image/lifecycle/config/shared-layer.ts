import { type ConfigKey, DEPRECATED_KEYS, ownKeyReason } from '../../contract';
import { at, ConfigDraft, type Path, pathText } from './draft';
import { readYaml } from './read-yaml';

/** What a running cluster has announced to its nodes. */
export interface SharedYaml {
  readonly yaml: string;
  /** What messages call it: "config:3:5: ...". @default config */
  readonly source?: string | undefined;
  /** API keys that are not in the node's file, but in its cluster. @default none */
  readonly apiKeys?: readonly string[] | undefined;
}

/**
 * Lays the announced configuration over the file that was read into the draft, key by key; a list is
 * one value. What cannot be announced is a problem.
 */
export function layShared(draft: ConfigDraft, { yaml, source = 'config' }: SharedYaml): void {
  const shared = new ConfigDraft(draft.tree, draft.strict);
  readYaml(shared, yaml, source);
  draft.problems.push(...shared.problems);
  draft.warnings.push(...shared.warnings);
  for (const path of valuesIn(shared, draft.tree, shared.values, [])) {
    refuseOwn(draft, shared, path);
    draft.adopt(path, shared);
  }
  for (const [deprecated, current] of DEPRECATED_KEYS) {
    // Left alone, the deprecated key of the file would win over what was announced.
    if (shared.valueAt(current.split('.')) !== undefined) {
      draft.forget(deprecated.split('.'));
    }
  }
}

/** The paths of what was written, down to where sections end. */
function valuesIn(shared: ConfigDraft, key: ConfigKey, value: unknown, path: Path): Path[] {
  if (key.kind !== 'section' || typeof value !== 'object' || value === null) {
    return [path];
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const below = key.keys.get(name);
    return below === undefined ? [] : valuesIn(shared, below, inner, [...path, name]);
  });
}

/** Says what of a value, or of the values in it, each node has in its own file. */
function refuseOwn(draft: ConfigDraft, shared: ConfigDraft, path: Path): void {
  const reason = ownKeyReason(draft.tree, path);
  if (reason !== undefined) {
    const origin = at(shared.originOf(path));
    draft.problems.push(
      `${origin}${pathText(path)} cannot be announced, because ${reason}; leave it in the files of the nodes`,
    );
    return;
  }
  const value = shared.valueAt(path);
  if (typeof value === 'object' && value !== null) {
    const isList = Array.isArray(value);
    for (const step of Object.keys(value)) {
      refuseOwn(draft, shared, [...path, isList ? Number(step) : step]);
    }
  }
}
