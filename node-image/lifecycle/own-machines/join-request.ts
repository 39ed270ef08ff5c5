import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import {
  type JoinGrant,
  type JoinRequest,
  newReplyKey,
  openAnswer,
  sealRequest,
} from '../../cluster/join-channel';
import type { JoinTokenText } from '../../cluster/join-token-text';
import type { JoinRole } from '../../cluster/join-tokens';
import { LINK_PROTOCOL } from '../../cluster/link/link';
import { BootError, reasonOf } from '../boot/boot-error';
import { PROGRAM_VERSION } from '../version';

export interface JoinAskOptions {
  /** Of a Master Node's entry. */
  readonly master: URL;
  readonly token: JoinTokenText;
  readonly claim: string;
  /** Name of this machine. */
  readonly machine: string;
  /** @default media */
  readonly role?: JoinRole | undefined;
  /** @default 15000 */
  readonly timeoutMs?: number | undefined;
  /** @default Date.now */
  readonly now?: (() => number) | undefined;
}

const PATH = '/sluice/v1/join';
const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1 << 20;

/**
 * The entry of the cluster, as somebody types it: `host`, `host:port`, or a URL.
 *
 * @throws BootError
 */
export function masterUrl(text: string): URL {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const isUsable =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    url.username + url.password === '' &&
    ['', '/'].includes(url.pathname);
  if (!isUsable) {
    throw new BootError(
      `${JSON.stringify(text)} is no Master Node: give its name or address, such as meet.example.com, 10.0.0.5 or [fd00::5]:8443.`,
    );
  }
  return url;
}

/**
 * Asks a Master Node to let this machine in.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function askToJoin(options: JoinAskOptions): Promise<JoinGrant> {
  const { master, token, claim, machine, role = 'media', now = Date.now } = options;
  const request: JoinRequest = {
    id: token.id,
    secret: token.secret,
    claim,
    replyKey: newReplyKey(),
    machine,
    role,
    version: PROGRAM_VERSION,
    linkProtocol: LINK_PROTOCOL,
    nowMs: now(),
  };
  const { status, body } = await send(
    options,
    await sealRequest(request, token.publicKey).catch(() => {
      throw new BootError('The token is damaged: copy it anew from where it was made.');
    }),
  );
  if (status !== 200) throw refusalOf(master, status, body);
  const answer = await openAnswer(body, request).catch(() => {
    throw new BootError(
      `What answers at ${master.origin} is not the cluster that the token is of, though it says so: see who stands between this machine and its Master Node.`,
    );
  });
  if (answer.outcome === 'refused') throw new BootError(answer.message);
  return answer.grant;
}

function refusalOf(master: URL, status: number, body: string): BootError {
  if (status === 403) {
    return new BootError(
      `What answers at ${master.origin} is of another cluster than the token, or the token is mistyped: copy the token anew, and see that the name is right.`,
    );
  }
  const message = messageOf(body);
  if (message === undefined || status === 404) {
    return new BootError(
      `What answers at ${master.origin} (status ${status}) is no Master Node of Sluice, or an older one: give the name that clients connect to.`,
    );
  }
  return new BootError(
    `The Master Node at ${master.origin} cannot let this machine in: ${message}`,
  );
}

function send(
  { master, timeoutMs = TIMEOUT_MS }: JoinAskOptions,
  body: string,
): Promise<{ status: number; body: string }> {
  const isTls = master.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(
        new BootError(
          `No Master Node answers at ${master.origin}: ${reason}; see that the name is right, that it runs, and that firewalls let this machine through to that port.`,
        ),
      );
    const request = (isTls ? requestHttps : requestHttp)(
      new URL(PATH, master),
      {
        method: 'POST',
        headers: {
          'content-type': 'application/jose',
          'content-length': Buffer.byteLength(body),
        },
        // Whoever answers has to read what is encrypted for the cluster: that says more than a
        // certificate, and holds for one that is self-signed too.
        ...(isTls && { rejectUnauthorized: false }),
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('it answers without an end'));
          else chunks.push(chunk);
        });
        response.on('error', (error) => fail(reasonOf(error)));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    request.on('error', (error) =>
      fail(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? `no answer within ${timeoutMs / 1000} s`
          : reasonOf(error),
      ),
    );
    request.end(body);
  });
}

function messageOf(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    // Of somebody who has proven nothing: nothing in it is to steer a terminal.
    return typeof message === 'string'
      ? message.slice(0, 500).replaceAll(/\p{C}/gu, ' ')
      : undefined;
  } catch {
    return undefined;
  }
}
