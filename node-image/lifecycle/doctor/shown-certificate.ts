import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';

const LONGEST_CHAIN = 10;

/** What a TLS server shows, its own first. @throws where none answers in time, with the reason */
export function shownChain(options: {
  readonly host: string;
  readonly port: number;
  /** Name that is asked for. */
  readonly serverName: string;
  readonly timeoutMs: number;
}): Promise<readonly X509Certificate[]> {
  const { host, port, serverName, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      // It is judged afterwards, with everything that is wrong with it.
      rejectUnauthorized: false,
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
    socket.on('secureConnect', () => {
      resolve(chainOf(socket.getPeerCertificate(true)));
      socket.destroy();
    });
  });
}

function chainOf(first: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = first;
  // The last one is its own issuer.
  while (next?.raw !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}
