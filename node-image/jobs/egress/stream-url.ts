import { invalidUrl } from './egress-error';

/** An address that a stream is sent to, and how to write it where others can read it. */
export interface StreamUrl {
  readonly protocol: 'rtmp' | 'srt' | 'websocket';
  /** With its secrets. */
  readonly url: string;
  /** Without. It says which of several it is: LiveKit's server shows it in this form too. */
  readonly shown: string;
  /** What ffmpeg is given as an argument, which everybody on the machine can read: no secrets. */
  readonly target: string;
  /** What ffmpeg reads from a file: name and value of each option. */
  readonly options: readonly (readonly [name: string, value: string])[];
  /** What must not be in anything that others read. */
  readonly secrets: readonly string[];
  /** Whether TLS carries it. */
  readonly tls: boolean;
}

/** Query parameters of SRT that are options of ffmpeg, and secret. Source: ffmpeg-protocols(1). */
const SRT_SECRETS = ['passphrase', 'streamid'] as const;
/** Others that may be given. What else there is could name files of the node. */
const SRT_PUBLIC = ['mode', 'latency', 'pbkeylen', 'maxbw', 'transtype', 'mss', 'pkt_size'];
/** ffmpeg cuts lines of the file that are longer. Source: fftools, opt_preset. */
const MAX_OPTION = 900;

/** @throws EgressError where it cannot be sent to. */
export function streamUrl(given: string): StreamUrl {
  const url = URL.parse(given);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: one option a line is given to ffmpeg.
  if (url === null || /[\u0000-\u0020\u007f]/.test(given)) {
    throw invalidUrl(redacted(given), 'it is not a URL');
  }
  switch (url.protocol) {
    case 'rtmp:':
    case 'rtmps:':
      return rtmpUrl(given, url);
    case 'srt:':
      return srtUrl(given, url);
    case 'ws:':
    case 'wss:':
      return webSocketUrl(given, url);
    default:
      throw invalidUrl(redacted(given), 'rtmp, rtmps, srt, ws and wss can be sent to');
  }
}

function rtmpUrl(given: string, url: URL): StreamUrl {
  // "/app/key", "/app/instance/key", and some have their secret in a query at the end.
  const path = given.slice(given.indexOf(url.host) + url.host.length);
  const cut = path.split('?', 1).join('').lastIndexOf('/');
  const app = path.slice(1, Math.max(cut, 1));
  const key = path.slice(cut + 1);
  if (url.hostname === '' || app === '' || key === '') {
    throw invalidUrl(redacted(given), 'it has to be rtmp://host/app/key');
  }
  if (path.length > MAX_OPTION) {
    throw invalidUrl(redacted(given), `its path is longer than ${MAX_OPTION} characters`);
  }
  return {
    protocol: 'rtmp',
    url: given,
    shown: `${url.protocol}//${url.host}/${app}/${hidden(key)}`,
    target: `${url.protocol}//${url.host}/`,
    options: [
      ['rtmp_app', app],
      ['rtmp_playpath', key],
      ['rtmp_tcurl', `${url.protocol}//${url.host}/${app}`],
    ],
    secrets: [key],
    tls: url.protocol === 'rtmps:',
  };
}

function srtUrl(given: string, url: URL): StreamUrl {
  if (url.hostname === '' || url.port === '') {
    throw invalidUrl(redacted(given), 'it has to be srt://host:port');
  }
  const shown = new URL(url);
  const target = new URL(url);
  const options: (readonly [string, string])[] = [];
  for (const name of SRT_SECRETS) {
    const value = url.searchParams.get(name);
    if (value === null) continue;
    if (value === '' || value.length > MAX_OPTION || /[\r\n\0]/.test(value)) {
      throw invalidUrl(redacted(given), `${name} is empty, of several lines or too long`);
    }
    options.push([name, value]);
    target.searchParams.delete(name);
    shown.searchParams.set(name, hidden(value));
  }
  for (const name of target.searchParams.keys()) {
    if (!SRT_PUBLIC.includes(name)) {
      throw invalidUrl(redacted(given), `${name} is not among ${SRT_PUBLIC.join(', ')}`);
    }
  }
  return {
    ...{ protocol: 'srt', url: given, shown: shown.href, target: target.href, options },
    secrets: options.map(([, value]) => value),
    tls: false,
  };
}

/** What stands in its query is taken for secret, as LiveKit does, and a password is. */
function webSocketUrl(given: string, url: URL): StreamUrl {
  // Clients of WebSockets take none. Source: RFC 6455 section 3.
  if (given.includes('#')) throw invalidUrl(redacted(given), 'it has a fragment (#…)');
  const values = [...url.searchParams.values()].filter((value) => value !== '');
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  const query = [...url.searchParams].map(([name, value]) => `${name}=${value && '{...}'}`);
  return {
    ...{ protocol: 'websocket', url: given, target: given, options: [] },
    shown: [shown.href, ...(query.length > 0 ? [query.join('&')] : [])].join('?'),
    secrets: [...values, url.password].filter((value) => value !== ''),
    tls: url.protocol === 'wss:',
  };
}

/** `{abc...xyz}`, or no more than its length where it is short. Source: livekit/protocol utils. */
function hidden(secret: string): string {
  if (secret.length <= 3) return `{${'.'.repeat(secret.length)}}`;
  const keep = Math.min(3, Math.floor(secret.length / 4));
  return `{${secret.slice(0, keep)}...${secret.slice(secret.length - keep)}}`;
}

/** A URL that was not understood: no more of it than up to its host. */
const redacted = (given: string): string =>
  given.slice(0, 100).replace(/^([^/]*\/\/[^/]*).*$/s, '$1');
