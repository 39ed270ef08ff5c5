import type { IncomingMessage } from 'node:http';

/**
 * Reads the body of a request that came over the node link; its server has bounded the size.
 *
 * @throws Error when the connection breaks off.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  }
  return Buffer.concat(chunks);
}
