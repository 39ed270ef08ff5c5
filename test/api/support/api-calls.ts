import assert from 'node:assert/strict';
import { AccessToken, type VideoGrant } from 'livekit-server-sdk';

export const keys = { devkey: 'secret' };

export async function tokenFor(grant: VideoGrant, secret = keys.devkey): Promise<string> {
  const token = new AccessToken('devkey', secret, { identity: 'tester' });
  token.addGrant(grant);
  return token.toJwt();
}

/** Asserts that a call of an SDK is refused, and how. */
export const fails = (promise: Promise<unknown>, status: number, code: string, message: string) =>
  assert.rejects(promise, (error: Error) => {
    const { status: gotStatus, code: gotCode } = error as unknown as Record<string, unknown>;
    assert.deepEqual([gotStatus, gotCode, error.message], [status, code, message]);
    return true;
  });

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Record<string, unknown>;
}

/** What is called, and how: without the URL. */
export type PostCall = Parameters<typeof postTo> extends [string, ...infer Call] ? Call : never;

/** Calls a method of the RoomService without any SDK. */
export async function postTo(
  url: string,
  method: string,
  body: string | Uint8Array<ArrayBuffer>,
  grant: VideoGrant | undefined,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  const authorization: Record<string, string> =
    grant === undefined ? {} : { authorization: `Bearer ${await tokenFor(grant)}` };
  const response = await fetch(`${url}/twirp/livekit.RoomService/${method}`, {
    method: 'POST',
    body,
    headers: { ...authorization, ...headers },
  });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, type: response.headers.get('content-type'), body: json };
}
