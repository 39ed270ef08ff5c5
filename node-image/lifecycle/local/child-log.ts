import { LOG_LEVELS, type LogLevel } from '../../contract';

export interface ChildLogOptions {
  readonly name: string;
  /** Names are filled up to so many characters. */
  readonly width: number;
  /** The lowest level that is shown. @default info */
  readonly level?: LogLevel;
  readonly print: (line: string) => void;
  /** Told of each line of the log, shown or not. */
  readonly onEntry?: (entry: Readonly<Record<string, unknown>>) => void;
}

/** Fields that say nothing which the name of the node does not say. */
const NOT_SHOWN = new Set(['level', 'time', 'msg', 'node_id', 'component', 'pid', 'hostname']);
const LONGEST_VALUE = 200;
const KEPT_LINES = 20;

/** What a node of a local cluster writes, as lines for a person, with its name in front. */
export class ChildLog {
  readonly #options: ChildLogOptions;
  readonly #last: string[] = [];
  #quiet = false;

  constructor(options: ChildLogOptions) {
    this.#options = options;
  }

  /** The last lines, shown or not. */
  get last(): string {
    return this.#last.join('\n');
  }

  /** Shows nothing from now on: it is being stopped, and what it says of that is of no interest. */
  silence(): void {
    this.#quiet = true;
  }

  line(line: string): void {
    const entry = parseEntry(line);
    const text = entry === undefined ? line : textOf(entry);
    const { name, width, print, level = 'info', onEntry } = this.#options;
    const shown = `${name.padEnd(width)}  ${text}`;
    this.#last.push(shown);
    this.#last.splice(0, this.#last.length - KEPT_LINES);
    if (!this.#quiet && (entry === undefined || rank(entry['level']) >= rank(level))) {
      print(shown);
    }
    if (entry !== undefined) {
      onEntry?.(entry);
    }
  }
}

/** Levels that LOG_LEVELS has not, such as fatal, are above all others. */
function rank(level: unknown): number {
  const found = LOG_LEVELS.indexOf(level as LogLevel);
  return found === -1 ? LOG_LEVELS.length : found;
}

function parseEntry(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) {
    return undefined;
  }
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function textOf(entry: Readonly<Record<string, unknown>>): string {
  const { level, msg, component } = entry;
  const what = typeof component === 'string' ? `${component}: ` : '';
  const fields = Object.entries(entry)
    .filter(([name]) => !NOT_SHOWN.has(name))
    .map(([name, value]) => `  ${name}=${valueText(value)}`);
  const mark = rank(level) > rank('info') ? `${String(level).toUpperCase()} ` : '';
  return `${mark}${what}${String(msg ?? '')}${fields.join('')}`;
}

function valueText(value: unknown): string {
  const message =
    typeof value === 'object' && value !== null && 'message' in value ? value.message : value;
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const line = text.replaceAll('\n', ' ');
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
}
