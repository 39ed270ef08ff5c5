import { ClientInfo, ClientInfo_Capability, ClientInfo_SDK } from '@livekit/protocol';

/** What the query of `/rtc` says. Source: livekit-server, the parameters of its v0 signal endpoint. */
export interface JoinQuery {
  readonly reconnect: boolean;
  /** The participant to resume; empty where the client does not say. */
  readonly participantSid: string;
  readonly autoSubscribe: boolean;
  readonly autoSubscribeDataTrack: boolean;
  readonly adaptiveStream: boolean;
  /** Suffix of a second, publish-only connection; empty for none. */
  readonly publish: string;
  /** The room, where the token names none. */
  readonly room: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly client: ClientInfo;
}

const SDKS: ReadonlyMap<string, ClientInfo_SDK> = new Map(
  Object.entries({
    js: ClientInfo_SDK.JS,
    ios: ClientInfo_SDK.SWIFT,
    swift: ClientInfo_SDK.SWIFT,
    android: ClientInfo_SDK.ANDROID,
    flutter: ClientInfo_SDK.FLUTTER,
    go: ClientInfo_SDK.GO,
    unity: ClientInfo_SDK.UNITY,
    reactnative: ClientInfo_SDK.REACT_NATIVE,
    rust: ClientInfo_SDK.RUST,
    python: ClientInfo_SDK.PYTHON,
    cpp: ClientInfo_SDK.CPP,
    unityweb: ClientInfo_SDK.UNITY_WEB,
    node: ClientInfo_SDK.NODE,
    esp32: ClientInfo_SDK.ESP32,
  }),
);

const CAPABILITIES: ReadonlyMap<string, ClientInfo_Capability> = new Map(
  Object.entries(ClientInfo_Capability).filter(
    (entry): entry is [string, ClientInfo_Capability] => typeof entry[1] === 'number',
  ),
);

/** @param address - the client's own, as the connection or a trusted proxy says. */
export function readJoinQuery(query: URLSearchParams, address: string): JoinQuery {
  const text = (name: string): string => query.get(name) ?? '';
  const flag = (name: string, otherwise = false): boolean => {
    const value = text(name);
    return value === '' ? otherwise : value === '1' || value === 'true';
  };
  return {
    reconnect: flag('reconnect'),
    participantSid: text('sid'),
    autoSubscribe: flag('auto_subscribe', true),
    autoSubscribeDataTrack: flag('auto_subscribe_data_track', true),
    adaptiveStream: flag('adaptive_stream'),
    publish: text('publish'),
    room: text('room'),
    attributes: readAttributes(text('attributes')),
    client: new ClientInfo({
      sdk: SDKS.get(text('sdk')) ?? ClientInfo_SDK.UNKNOWN,
      version: text('version'),
      protocol: whole(text('protocol')),
      clientProtocol: whole(text('client_protocol')),
      os: text('os'),
      osVersion: text('os_version'),
      deviceModel: text('device_model'),
      browser: text('browser'),
      browserVersion: text('browser_version'),
      network: text('network'),
      address,
      capabilities: readCapabilities(text('capabilities')),
    }),
  };
}

function whole(text: string): number {
  const value = Number.parseInt(text, 10);
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : 0;
}

/** base64url of a JSON object of strings; what is anything else is left alone, as LiveKit does. */
function readAttributes(text: string): Record<string, string> {
  if (text === '') {
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      return {};
    }
    const entries = Object.entries(parsed).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    );
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

function readCapabilities(text: string): ClientInfo_Capability[] {
  return text
    .split(',')
    .map((name) => CAPABILITIES.get(name.trim()))
    .filter((value) => value !== undefined);
}
