import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CRC32C } from '@google-cloud/storage';

/** Google Cloud Storage as far as recordings need it. Source: its JSON API, v1. */
export interface FakeGcs {
  readonly url: string;
  /** What is there, by its name. */
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** The next so many requests that store something fail. */
  refuse(count: number, status: number): void;
  close(): void;
}

export interface StoredObject {
  readonly body: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
}

interface Metadata {
  readonly name?: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
}

/** @param bucket - the only one that there is */
export async function startFakeGcs(bucket: string): Promise<FakeGcs> {
  const objects = new Map<string, StoredObject>();
  const sessions = new Map<string, { metadata: Metadata; body: Buffer }>();
  let refusals = 0;
  let refusal = 503;

  const store = (name: string, metadata: Metadata, body: Buffer) => {
    const { contentType = '', cacheControl = '' } = metadata;
    objects.set(name, { body, contentType, cacheControl });
    return { name, bucket, size: String(body.length), contentType, ...sumsOf(body) };
  };
  const upload = (request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse) => {
    if (refusals > 0) {
      refusals -= 1;
      return answer(response, refusal, { error: { code: refusal, message: 'refused' } });
    }
    const name = url.searchParams.get('name') ?? '';
    const session = url.searchParams.get('upload_id');
    if (session !== null) {
      const open = sessions.get(session);
      if (open === undefined) return answer(response, 404, {});
      open.body = Buffer.concat([open.body, body]);
      const total = /\/(\d+)$/.exec(request.headers['content-range'] ?? '')?.[1];
      if (total !== undefined && open.body.length < Number(total)) {
        response.setHeader('range', `bytes=0-${open.body.length - 1}`);
        return answer(response, 308, {});
      }
      return answer(response, 200, store(open.metadata.name ?? name, open.metadata, open.body));
    }
    if (url.searchParams.get('uploadType') === 'resumable') {
      const id = String(sessions.size + 1);
      const given = body.length > 0 ? (JSON.parse(body.toString()) as Metadata) : {};
      const contentType = String(request.headers['x-upload-content-type'] ?? '');
      const metadata = { contentType, ...given, name: given.name ?? name };
      sessions.set(id, { metadata, body: Buffer.alloc(0) });
      const at = `http://${request.headers.host}${url.pathname}?upload_id=${id}`;
      response.setHeader('location', at);
      return answer(response, 200, {});
    }
    const { metadata, media } = partsOf(request, body);
    return answer(response, 200, store(metadata.name || name, metadata, media));
  };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '', 'http://gcs');
    const [, there, rest = ''] = /\/storage\/v1\/b\/([^/]+)\/?(.*)$/.exec(url.pathname) ?? [];
    if (there !== bucket) {
      const message = 'The specified bucket does not exist.';
      return answer(response, 404, { error: { code: 404, message } });
    }
    if (url.pathname.startsWith('/upload/')) {
      return upload(request, url, Buffer.concat(chunks), response);
    }
    if (rest === 'iam/testPermissions') {
      return answer(response, 200, { permissions: url.searchParams.getAll('permissions') });
    }
    const name = decodeURIComponent(rest.replace(/^o\//, ''));
    const object = objects.get(name);
    if (object === undefined) return answer(response, 404, { error: { code: 404, message: 'no' } });
    if (request.method === 'DELETE') objects.delete(name);
    const { crc32c, md5Hash } = sumsOf(object.body);
    response.setHeader('x-goog-hash', [`crc32c=${crc32c}`, `md5=${md5Hash}`]);
    response.end(request.method === 'DELETE' ? undefined : object.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    refuse: (count, status) => {
      refusals = count;
      refusal = status;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What the client compares with its own. */
function sumsOf(body: Buffer): { crc32c: string; md5Hash: string } {
  const sum = new CRC32C();
  sum.update(body);
  return { crc32c: sum.toString(), md5Hash: createHash('md5').update(body).digest('base64') };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Of multipart/related: what it is, and its bytes. Source: RFC 2387. */
function partsOf(request: IncomingMessage, body: Buffer): { metadata: Metadata; media: Buffer } {
  const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
  const mark = Buffer.from(`--${boundary}`);
  const first = body.indexOf(mark);
  const second = body.indexOf(mark, first + mark.length);
  const last = body.lastIndexOf(mark);
  const content = (from: number, to: number): Buffer => {
    const start = body.indexOf('\r\n\r\n', from) + 4;
    return body.subarray(start, to - 2);
  };
  const metadata = JSON.parse(content(first, second).toString()) as Metadata;
  return { metadata, media: content(second, last) };
}
