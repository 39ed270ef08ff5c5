import pino from 'pino';
import type {
  LinkAnswer,
  LinkClient,
  LinkRequest,
  LinkUpgrade,
  ProbeResult,
} from '../../node-image/cluster/link/link';
import type { LinkAddress, NodeRecord } from '../../node-image/cluster/node-record';
import { IDLE } from './placement-nodes';

export const quiet = pino({ level: 'silent' });

export function recordOf(id: string, changes: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    role: 'media',
    state: 'serving',
    version: '1',
    linkProtocol: 1,
    link: { host: '10.0.0.1', port: Number(id.replace(/\D/g, '')) || 1 },
    machineId: id,
    region: '',
    configVersion: 0,
    startedAtMs: 1,
    load: IDLE,
    ...changes,
  };
}

/** A link whose nodes answer as the test says, by node id. */
export class FakeLink implements LinkClient {
  readonly probes = new Map<string, ProbeResult>();
  readonly probed: string[] = [];
  /** What a node answers to requests, by its port. */
  readonly answers = new Map<number, (request: LinkRequest) => Partial<LinkAnswer>>();
  readonly cut: LinkAddress[] = [];

  async request(to: LinkAddress, request: LinkRequest): Promise<LinkAnswer> {
    const answer = this.answers.get(to.port)?.(request) ?? { status: 404 };
    return { status: 200, headers: {}, body: Buffer.alloc(0), ...answer };
  }

  async upgrade(): Promise<LinkUpgrade | LinkAnswer> {
    throw new Error('no handshakes here');
  }

  async probe(_to: LinkAddress, nodeId: string): Promise<ProbeResult> {
    this.probed.push(nodeId);
    return this.probes.get(nodeId) ?? 'alive';
  }

  destroyAll(to: LinkAddress): void {
    this.cut.push(to);
  }

  close(): void {}
}
