import type { JsonObject } from '@bufbuild/protobuf';
import { EgressInfo, EgressSourceType, EgressStatus } from '@livekit/protocol';
import type { NewJob } from '../job-store';
import { type EgressRequest, specOf } from './from-request';
import type { SpecSealer } from './sealed-spec';
import { type EgressSpec, isOfPage } from './spec';
import type { DefaultStorage } from './storage-choice';
import { streamUrl } from './stream-url';

/** Fields of requests that are secrets. Source: livekit_egress.proto. */
const SECRETS = new Set([
  'accessKey',
  'secret',
  'sessionToken',
  'assumeRoleExternalId',
  'accountKey',
  'credentials',
  'password',
]);
const HIDDEN = '{...}';

/** What is said of an Egress before anything of it runs. */
export function newEgressInfo(
  egressId: string,
  request: EgressRequest,
  spec: EgressSpec,
  nowNs: bigint,
): EgressInfo {
  const info = new EgressInfo({
    egressId,
    roomId: spec.roomId,
    roomName: spec.room,
    sourceType: isOfPage(spec.source) ? EgressSourceType.WEB : EgressSourceType.SDK,
    status: EgressStatus.EGRESS_STARTING,
    updatedAt: nowNs,
    request,
  });
  // A copy, as the secrets in it are blacked out.
  const copy = EgressInfo.fromBinary(info.toBinary());
  hideSecrets(copy.request.value);
  return copy;
}

/** An Egress as it is to be run; nothing of it has begun. @throws EgressError */
export function newEgressJob(options: {
  readonly id: string;
  readonly request: EgressRequest;
  /** Empty: it is of none. */
  readonly roomSid: string;
  readonly sealer: SpecSealer;
  readonly storage: DefaultStorage;
  /** Whether somebody else than a node may run it, who is given the request. @default false */
  readonly keepsRequest?: boolean | undefined;
  /** @default Date.now */
  readonly now?: (() => number) | undefined;
}): NewJob {
  const { id, request, roomSid, sealer, storage, keepsRequest, now = Date.now } = options;
  const asked = keepsRequest ? { request: new EgressInfo({ request }).toJsonString() } : {};
  const spec = { ...specOf(request, storage), ...asked, roomId: roomSid };
  const info = newEgressInfo(id, request, spec, BigInt(now()) * 1_000_000n);
  return {
    ...{ id, kind: 'egress', room: spec.room },
    spec: sealer.seal(id, spec),
    info: info.toJsonString(),
  };
}

/** As it is kept, and answered. */
export function infoText(info: EgressInfo): string {
  info.result = resultOf(info);
  return info.toJsonString();
}

/** @throws Error for what `infoText` has not written. */
export const infoOfText = (text: string): EgressInfo =>
  EgressInfo.fromJsonString(text, { ignoreUnknownFields: true });

/** It has ended, one way or another. */
export const hasEnded = ({ status }: Pick<EgressInfo, 'status'>): boolean =>
  status >= EgressStatus.EGRESS_COMPLETE;

/** Of the calls of version 1, with one output: where their clients look for it. */
function resultOf(info: EgressInfo): EgressInfo['result'] {
  const { fileResults, segmentResults, streamResults } = info;
  if (info.request.case === 'egress') return { case: undefined };
  const [file] = fileResults;
  if (file !== undefined) return { case: 'file', value: file };
  const [segments] = segmentResults;
  if (segments !== undefined) return { case: 'segments', value: segments };
  if (streamResults.length > 0) {
    const list = EgressInfo.fromJson({
      stream: { info: streamResults.map((one) => one.toJson()) },
    });
    return list.result;
  }
  return { case: undefined };
}

function hideSecrets(value: unknown): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  const fields = value as JsonObject;
  const { case: choice, value: chosen } = fields;
  if (choice === 'websocketUrl' && typeof chosen === 'string') fields['value'] = shownUrl(chosen);
  for (const [name, field] of Object.entries(fields)) {
    if (typeof field === 'string') {
      if (field !== '' && SECRETS.has(name)) fields[name] = HIDDEN;
    } else if (name === 'urls' && Array.isArray(field)) {
      fields[name] = field.map((url) => (typeof url === 'string' ? shownUrl(url) : HIDDEN));
    } else hideSecrets(field);
  }
}

function shownUrl(url: string): string {
  try {
    return streamUrl(url).shown;
  } catch {
    return HIDDEN;
  }
}
