import { isScalar, parseDocument } from 'yaml';
import type { ConfigKey } from '../../contract';

const YES = /^(?:y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE)$/;
const NO = /^(?:n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$/;
const SPACED_NUMBER = /^[-+]?\d[\d_]*(?:\.[\d_]+)?$/;

/**
 * A scalar as its key wants it, where YAML alone would make something else of it: a secret of
 * digits is text, `yes` is true, `1_000_000` is a number. LiveKit's reader does the same.
 *
 * @param source - the scalar as it was written, where that is known
 */
export function scalarFor(key: ConfigKey, value: unknown, source: string | undefined): unknown {
  if (key.kind === 'text' && typeof value !== 'string') {
    return source ?? String(value);
  }
  if (typeof value !== 'string') {
    return value;
  }
  if (key.kind === 'flag') {
    return YES.test(value) ? true : NO.test(value) ? false : value;
  }
  if (key.kind === 'number' && SPACED_NUMBER.test(value)) {
    return Number(value.replaceAll('_', ''));
  }
  return value;
}

/** A value from an environment variable or a flag, read as it would be in the file. */
export function scalarFromText(key: ConfigKey, text: string): unknown {
  if (key.kind === 'text') {
    return text;
  }
  const { contents, errors } = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  return errors.length === 0 && isScalar(contents)
    ? scalarFor(key, contents.value ?? text, text)
    : text;
}
