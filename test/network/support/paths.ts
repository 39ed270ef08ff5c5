import type { TestPage } from '../../support/browser';
import { until } from '../../support/wait';

/** How one peer connection of a page reaches the server. */
export interface Path {
  /** 'host', 'srflx', 'prflx' or 'relay': of the client's own candidate. */
  readonly type: string;
  /** 'udp' or 'tcp', to the server, or from the TURN server on. */
  readonly protocol: string;
  /** 'udp', 'tcp' or 'tls', to the TURN server; '' where there is none. */
  readonly relayProtocol: string;
  /** The server's address and port. */
  readonly address: string;
  readonly port: number;
  readonly bytes: number;
}

/** The paths that ICE has chosen for the open peer connections of a page. */
export function chosenPaths(page: TestPage): Promise<Path[]> {
  return page.page.evaluate(async () => {
    const paths = [];
    for (const peer of window.peers.filter((one) => one.connectionState === 'connected')) {
      const byId = new Map<string, Record<string, unknown>>();
      (await peer.getStats()).forEach((stats: Record<string, unknown>) => {
        byId.set(String(stats['id']), stats);
      });
      const transport = [...byId.values()].find((stats) => stats['type'] === 'transport');
      const pair = byId.get(String(transport?.['selectedCandidatePairId']));
      const local = byId.get(String(pair?.['localCandidateId']));
      const remote = byId.get(String(pair?.['remoteCandidateId']));
      if (pair === undefined || local === undefined || remote === undefined) continue;
      paths.push({
        type: String(local['candidateType']),
        protocol: String(local['protocol']),
        relayProtocol: String(local['relayProtocol'] ?? ''),
        address: String(remote['address']),
        port: Number(remote['port']),
        bytes: Number(pair['bytesReceived']) + Number(pair['bytesSent']),
      });
    }
    return paths;
  });
}

/** Waits until both peer connections, to publish and to subscribe, have a path. */
export function bothPaths(page: TestPage): Promise<Path[]> {
  return until('a path for both peer connections', async () => {
    const paths = await chosenPaths(page);
    return paths.length === 2 ? paths : undefined;
  }).then((paths) => paths as Path[]);
}

/** A candidate that the server has offered. */
export interface ServerCandidate {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** Every candidate in the descriptions that the server has sent to a page, each once. */
export async function serverCandidates(page: TestPage): Promise<ServerCandidate[]> {
  const descriptions = await page.page.evaluate(() =>
    window.peers.map((peer) => peer.remoteDescription?.sdp ?? ''),
  );
  const found = new Map<string, ServerCandidate>();
  for (const sdp of descriptions) {
    for (const [line, protocol, address, port] of sdp.matchAll(
      /^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) typ .*$/gm,
    )) {
      const candidate = {
        protocol: String(protocol).toLowerCase(),
        address: String(address),
        port: Number(port),
      };
      found.set(line, candidate);
    }
  }
  return [...found.values()];
}

/** The ICE user fragments of a page's own peer connections: what a UDP relay knows it by. */
export function ownFragments(page: TestPage): Promise<string[]> {
  return page.page.evaluate(() =>
    window.peers.flatMap((peer) => {
      const fragment = /a=ice-ufrag:(\S+)/.exec(peer.localDescription?.sdp ?? '')?.[1];
      return fragment === undefined ? [] : [fragment];
    }),
  );
}
