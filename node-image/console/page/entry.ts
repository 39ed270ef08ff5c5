/** What the address of the page says. */
export interface Entry {
  /** The server was started for development: it gives tokens to whoever asks. */
  readonly development: boolean;
  /** The room to join, or an empty string when the address names none. */
  readonly room: string;
  /** The token of the link, or an empty string. */
  readonly token: string;
  /** Where the LiveKit protocol is served, such as `wss://meet.example.com`. */
  readonly serverUrl: string;
}

/**
 * Reads the address of the page.
 *
 * A token is read from the fragment only, which browsers send to no server: it reaches no log.
 *
 * @param href the address, such as `http://127.0.0.1:7880/meet?room=demo`
 * @param development whether the server gives tokens; only then does `?url=` name another server
 */
export function readEntry(href: string, development: boolean): Entry {
  const address = new URL(href);
  const fragment = new URLSearchParams(address.hash.slice(1));
  const said = (name: string): string =>
    fragment.get(name)?.trim() || address.searchParams.get(name)?.trim() || '';
  const token = fragment.get('token')?.trim() ?? '';
  const own = `${address.protocol === 'https:' ? 'wss:' : 'ws:'}//${address.host}`;
  return {
    development,
    room: tokenFacts(token)?.room || said('room'),
    token,
    serverUrl: (development && said('url')) || own,
  };
}

/** What a join token says of itself. Read, not verified: the server does that. */
export interface TokenFacts {
  /** The room it opens; empty when it does not say. */
  readonly room: string;
  readonly name: string;
  /** When it ends, in milliseconds since 1970; undefined when it does not say. */
  readonly expiresAt: number | undefined;
}

/** @returns undefined when the text is not a JSON Web Token. */
export function tokenFacts(token: string): TokenFacts | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isRecord(claims)) return undefined;
    const video = isRecord(claims['video']) ? claims['video'] : {};
    return {
      room: text(video['room']),
      name: text(claims['name']) || text(claims['sub']),
      expiresAt: typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : undefined,
    };
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const COLOURS = ['Amber', 'Azure', 'Coral', 'Ivory', 'Jade', 'Misty', 'Olive', 'Scarlet'];
const ANIMALS = ['Badger', 'Curlew', 'Dipper', 'Heron', 'Kingfisher', 'Otter', 'Salmon', 'Teal'];

/** A name that is easy to say, for somebody who has not given one: "Amber Otter". */
export function friendlyName(random: () => number = Math.random): string {
  const pick = (words: readonly string[]): string =>
    words[Math.floor(random() * words.length)] ?? '';
  return `${pick(COLOURS)} ${pick(ANIMALS)}`;
}
