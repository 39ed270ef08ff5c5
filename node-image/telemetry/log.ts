import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';
import type { SluiceConfig } from '../contract';

export interface CreateLogOptions {
  readonly logging: SluiceConfig['logging'];
  /** Where lines go. @default - standard output */
  readonly destination?: DestinationStream;
  /** Whether a person reads it. @default - whether standard output is a terminal */
  readonly isTerminal?: boolean;
  /** On every line, such as `node_id`. @default none */
  readonly fields?: Readonly<Record<string, string>>;
}

/** What says of which Room, participant or track a line is. */
export interface LogScope {
  readonly room?: string;
  readonly roomID?: string;
  readonly participant?: string;
  readonly pID?: string;
  readonly trackID?: string;
}

const HIDDEN = '[hidden]';
const SECRET_NAMES = [
  'access_token',
  'authorization',
  'Authorization',
  'proxy-authorization',
  'cookie',
  'token',
  'secret',
  'apiSecret',
  'password',
  'credential',
];
/** A query parameter that is a secret, or a token that got into a text in some other way. */
const SECRET_IN_TEXT =
  /([?&](?:access_token|join_request)=)[^&#\s"']+|(\bBearer )[\w.~+/=-]+|(\beyJ[\w-]{5,})\.[\w-]+\.[\w-]+/gi;

/** Where a field is looked for: deeper is slower, and lines here are flat. */
const pathsOf = (name: string): string[] =>
  name.endsWith('headers')
    ? ['authorization', 'cookie'].map((header) => `${name}.${header}`)
    : [`["${name}"]`, `*["${name}"]`];

/** Takes tokens out of a text: `?access_token=...`, `Bearer ...`, and JWTs anywhere. */
export function withoutSecrets(text: string): string {
  return text.replace(
    SECRET_IN_TEXT,
    (_, parameter?: string, bearer?: string) => `${parameter ?? bearer ?? ''}${HIDDEN}`,
  );
}

/**
 * The log of this process: one JSON object a line, or, for a person at a terminal, readable lines.
 * Tokens and secrets are taken out of messages, URLs, errors and well-known fields.
 */
export function createLog(options: CreateLogOptions): Logger {
  const { logging, destination, isTerminal = process.stdout.isTTY === true } = options;
  const settings: LoggerOptions = {
    level: logging.level,
    base: { ...options.fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [...SECRET_NAMES, 'headers', 'req.headers'].flatMap((name) => pathsOf(name)),
      censor: HIDDEN,
    },
    hooks: {
      // The line as a whole, so that nothing slips through a field nobody thought of.
      streamWrite: withoutSecrets,
    },
  };
  if (logging.json || !isTerminal) {
    return destination === undefined ? pino(settings) : pino(settings, destination);
  }
  const stream = pretty({
    ignore: 'pid,hostname,component',
    messageFormat: '{if component}{component}: {end}{msg}',
    translateTime: 'SYS:HH:MM:ss.l',
    ...(destination !== undefined && { destination: toWritable(destination) }),
    // Lines must come out in order with what else the process prints.
    sync: true,
  });
  return pino(settings, stream);
}

/**
 * The log of one part of the program, with the level that `logging.component_levels` gives it.
 *
 * @param component - such as "media" or "api"; "media.worker" inherits from "media".
 */
export function componentLog(
  log: Logger,
  component: string,
  logging: SluiceConfig['logging'],
): Logger {
  const level = levelOf(component, logging.component_levels);
  return log.child({ component }, level === undefined ? {} : { level });
}

/** The log of a Room, a participant or a track. */
export function scopedLog(log: Logger, scope: LogScope): Logger {
  return log.child({ ...scope });
}

function levelOf(component: string, levels: Readonly<Record<string, string>>): string | undefined {
  const parts = component.split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const level = levels[parts.slice(0, length).join('.')];
    if (level !== undefined) {
      return level;
    }
  }
  return undefined;
}

function toWritable(destination: DestinationStream): NodeJS.WritableStream {
  return destination as unknown as NodeJS.WritableStream;
}
