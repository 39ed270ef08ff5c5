import { InvalidArgumentError } from 'commander';

/** An option that may be repeated. */
export const each =
  (parse: (text: string) => string) =>
  (text: string, earlier: readonly string[] = []): readonly string[] => [...earlier, parse(text)];

/** One argument of this form. */
export const formed =
  (form: RegExp, allowed: string) =>
  (text: string): string => {
    if (!form.test(text)) throw new InvalidArgumentError(`Allowed is ${allowed}.`);
    return text;
  };

/** A host name. */
export const domain = formed(
  /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i,
  'a host name such as meet.example.com',
);

/** 0 or more. */
export function numberArgument(text: string): number {
  if (!/^\d{1,4}$/.test(text)) {
    throw new InvalidArgumentError('Allowed is a whole number, 0 or more.');
  }
  return Number(text);
}
