import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a machine's metadata says; read anew for each request. */
export interface MachineMetadata {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly region: string;
  readonly privateAddress: string;
  /** Empty: 404. */
  readonly publicAddress: string;
  /** InService | Terminated. Empty: in no group, 404. */
  readonly targetLifecycleState: string;
  /** @default none, 404 */
  readonly spotAction?: { readonly action: string; readonly time: string };
  /** When a rebalance was recommended. @default none, 404 */
  readonly rebalance?: string;
}

const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';

/**
 * The instance metadata service, version 2, of one machine of the lab: nothing without a token.
 *
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
 */
export class MetadataMock {
  readonly #server: Server;
  readonly #read: () => MachineMetadata;
  /** Token → when it ends, in ms. */
  readonly #tokens = new Map<string, number>();

  private constructor(read: () => MachineMetadata) {
    this.#read = read;
    this.#server = createServer((request, response) => {
      const [status, body] = this.#answer(request);
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
    });
  }

  static async start(read: () => MachineMetadata): Promise<MetadataMock> {
    const mock = new MetadataMock(read);
    await new Promise<void>((resolve) => mock.#server.listen(0, '127.0.0.1', resolve));
    mock.#server.unref();
    return mock;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Tokens given before are not taken any more, as after their time. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) {
      await new Promise((resolve) => this.#server.close(resolve));
    }
  }

  #answer(request: IncomingMessage): [number, string] {
    const path = new URL(request.url ?? '', 'http://metadata').pathname;
    if (path === '/latest/api/token') return this.#token(request);
    if (request.method !== 'GET') return [405, ''];
    const ends = this.#tokens.get(`${request.headers[TOKEN_HEADER] ?? ''}`);
    if (ends === undefined || ends < Date.now()) return [401, ''];
    const value = this.#value(path.replace(/\/$/, ''));
    return value === undefined || value === '' ? [404, ''] : [200, value];
  }

  #token(request: IncomingMessage): [number, string] {
    if (request.method !== 'PUT') return [405, ''];
    const seconds = Number(request.headers[TTL_HEADER]);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return [400, ''];
    const token = randomUUID();
    this.#tokens.set(token, Date.now() + seconds * 1000);
    return [200, token];
  }

  #value(path: string): string | undefined {
    const data = this.#read();
    const { instanceId, instanceType, availabilityZone, region } = data;
    const spot = data.spotAction;
    const values: Readonly<Record<string, string | undefined>> = {
      '/latest/meta-data/instance-id': instanceId,
      '/latest/meta-data/instance-type': instanceType,
      '/latest/meta-data/local-ipv4': data.privateAddress,
      '/latest/meta-data/public-ipv4': data.publicAddress,
      '/latest/meta-data/placement/availability-zone': availabilityZone,
      '/latest/meta-data/placement/region': region,
      '/latest/meta-data/autoscaling/target-lifecycle-state': data.targetLifecycleState,
      '/latest/meta-data/spot/instance-action': spot === undefined ? '' : JSON.stringify(spot),
      '/latest/meta-data/events/recommendations/rebalance':
        data.rebalance === undefined ? '' : JSON.stringify({ noticeTime: data.rebalance }),
      '/latest/dynamic/instance-identity/document': JSON.stringify({
        instanceId,
        instanceType,
        availabilityZone,
        region,
        privateIp: data.privateAddress,
      }),
    };
    return values[path];
  }
}
