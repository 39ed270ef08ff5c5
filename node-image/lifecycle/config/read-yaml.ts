import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { ConfigKey } from '../../contract';
import { at, type ConfigDraft, type Path, type Values } from './draft';
import { scalarFor } from './scalars';

/** Far above any configuration, far below what would take long. */
const MAX_CHARACTERS = 1_000_000;
/** Aliases multiply what is read: "billion laughs" ends here. */
const MAX_NODES = 50_000;
/** An alias may stand for what it stands in, and so have no end. */
const MAX_DEPTH = 100;

interface Reader {
  readonly draft: ConfigDraft;
  readonly document: Document;
  /** `sluice.yaml:12:3` of a node. */
  readonly where: (node: Node | null | undefined) => string;
  nodesLeft: number;
  depth: number;
  tooDeep: boolean;
}

/**
 * Reads YAML into the draft, guided by the schema: unknown keys are found here, while it is known
 * where they stand; scalars become what their key wants, as LiveKit's reader does it.
 */
export function readYaml(
  draft: ConfigDraft,
  body: string,
  source: string,
  /** Of the section that the body is; what it holds wins over what is there. @default all of it */
  section: Path = [],
): void {
  if (body.length > MAX_CHARACTERS) {
    draft.problems.push(
      `${source}: ${body.length} characters; a configuration has at most ${MAX_CHARACTERS}`,
    );
    return;
  }
  const lines = new LineCounter();
  const document = parse(body, lines);
  if (document === undefined) {
    draft.problems.push(`${source}: this is nested too deeply`);
    return;
  }
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${source}:${line}:${col}`;
  };
  for (const { pos, message } of document.errors) {
    draft.problems.push(`${place(pos[0])}: this is not YAML: ${message}`);
  }
  if (document.errors.length > 0) {
    return;
  }
  const reader: Reader = {
    draft,
    document,
    where: (node) => place(node?.range?.[0] ?? 0),
    nodesLeft: MAX_NODES,
    depth: 0,
    tooDeep: false,
  };
  const key = section.reduce<ConfigKey | undefined>(
    (above, step) => above?.keys.get(String(step)),
    draft.tree,
  );
  const values = read(reader, document.contents, key ?? draft.tree, section);
  if (section.length === 0) {
    Object.assign(draft.values, values ?? {});
  } else if (values !== undefined) {
    draft.merge(section, values);
  }
  if (reader.nodesLeft < 0) {
    draft.problems.push(`${source}: aliases make it longer than ${MAX_NODES} values`);
  }
  if (reader.tooDeep) {
    draft.problems.push(`${source}: this is nested deeper than ${MAX_DEPTH} levels`);
  }
}

/** @returns undefined where it is nested so deeply that the parser runs out of stack. */
function parse(body: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(body, {
      lineCounter,
      merge: true,
      prettyErrors: false,
      // With 'silent' a second document would be left out without a word.
      logLevel: 'error',
    });
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

/** @returns undefined where nothing was written, or nothing that can be used. */
function read(reader: Reader, node: unknown, key: ConfigKey, path: Path): unknown {
  reader.nodesLeft -= 1;
  const target = isAlias(node) ? node.resolve(reader.document) : (node as Node | null);
  if (isAlias(node) && target === undefined) {
    reader.draft.problems.push(
      `${at(reader.where(node))}this is not YAML: nothing above is named &${node.source}`,
    );
  }
  const isNothing = target == null || (isScalar(target) && target.value === null);
  if (isNothing || reader.nodesLeft < 0) {
    return undefined;
  }
  if (path.length > 0) {
    reader.draft.remember(path, reader.where(node as Node));
  }
  switch (key.kind) {
    case 'section':
    case 'named':
      return isMap(target)
        ? readMap(reader, target, key, path)
        : refuse(reader, target, key, path, node as Node);
    case 'list':
      return isSeq(target)
        ? readList(reader, target, key.item ?? key, path)
        : refuse(reader, target, key, path, node as Node);
    case 'anything':
      return readAnything(reader, target, key, path);
    default:
      return isScalar(target)
        ? scalarFor(key, target.value, target.source)
        : refuse(reader, target, key, path, node as Node);
  }
}

function readList(reader: Reader, list: YAMLSeq, item: ConfigKey, path: Path): unknown[] {
  reader.tooDeep ||= reader.depth >= MAX_DEPTH;
  if (reader.tooDeep) {
    return [];
  }
  reader.depth += 1;
  const values = list.items
    .filter((each) => !(isScalar(each) && each.value === null))
    .map((each, index) => read(reader, each, item, [...path, index]));
  reader.depth -= 1;
  return values;
}

function readAnything(reader: Reader, target: Node, key: ConfigKey, path: Path): unknown {
  if (isMap(target)) {
    return readMap(reader, target, { ...key, kind: 'named', item: key }, path);
  }
  if (isSeq(target)) {
    return readList(reader, target, key, path);
  }
  return isScalar(target) ? target.value : undefined;
}

function readMap(reader: Reader, map: YAMLMap, key: ConfigKey, path: Path): Values {
  const values: Values = Object.create(null);
  reader.tooDeep ||= reader.depth >= MAX_DEPTH;
  if (reader.tooDeep) {
    return values;
  }
  reader.depth += 1;
  // What is written here wins over what `<<` brings in, wherever in the map that stands.
  const merged = map.items.filter(isMerge).flatMap((pair) => mergedMaps(reader, pair));
  for (const source of merged) {
    Object.assign(values, { ...readMap(reader, source, key, path), ...values });
  }
  for (const pair of map.items) {
    reader.nodesLeft -= 1;
    if (reader.nodesLeft < 0) {
      break;
    }
    if (!isMerge(pair)) {
      readPair(reader, pair, key, path, values);
    }
  }
  reader.depth -= 1;
  return values;
}

function readPair(reader: Reader, pair: Pair, key: ConfigKey, path: Path, values: Values): void {
  const { draft } = reader;
  const origin = reader.where(pair.key as Node);
  if (!isScalar(pair.key)) {
    draft.problems.push(`${at(origin)}a key is given as a list or section; allowed is a name`);
    return;
  }
  const name = nameOf(pair.key);
  const inner = [...path, name];
  const known = key.kind === 'section' ? key.keys.get(name) : key.item;
  if (known === undefined) {
    if (!draft.warnIfUnused(inner, origin)) {
      draft.unknownKey(inner, key, origin);
    }
    return;
  }
  const value = read(reader, pair.value, known, inner);
  if (value !== undefined) {
    values[name] = value;
  }
}

const nameOf = (key: Scalar): string =>
  typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));

const isMerge = (pair: Pair): boolean =>
  isScalar(pair.key) && (pair.key.value === '<<' || typeof pair.key.value === 'symbol');

/** The maps that `<<: *a` or `<<: [*a, *b]` stands for, the strongest first. */
function mergedMaps(reader: Reader, pair: Pair): YAMLMap[] {
  const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
  return sources.flatMap((source) => {
    reader.nodesLeft -= 1;
    const target = isAlias(source) ? source.resolve(reader.document) : source;
    return isMap(target) && reader.nodesLeft >= 0 ? [target] : [];
  });
}

function refuse(reader: Reader, target: Node, key: ConfigKey, path: Path, node: Node): undefined {
  const given = isScalar(target) ? target.value : isSeq(target) ? [] : {};
  const origin = reader.where(node);
  if (path.length === 0) {
    reader.draft.problems.push(
      `${at(origin)}the file is not a section of keys, such as port: 7880`,
    );
  } else {
    reader.draft.wrongValue(path, key, given, origin);
  }
  return undefined;
}
