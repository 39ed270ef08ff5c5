import { adminRoutes } from '../../../node-image/api/cluster/admin-routes';
import { HttpServer } from '../../../node-image/api/http-server';
import { KeyRing } from '../../../node-image/api/key-ring';
import { TokenVerifier } from '../../../node-image/api/tokens';
import { SharedKeys } from '../../../node-image/cluster/shared-keys';
import { loadConfig } from '../../../node-image/lifecycle/config';
import { keysAndConfigRoutes } from '../../../node-image/lifecycle/keys-and-config';
import { createLog } from '../../../node-image/telemetry/log';
import { AdminCluster } from '../../cluster/cluster-admin-support';

const SECRET = 'one-secret-of-32-characters-or-more-for-all';
const LOAD = {
  argv: ['--dev', '--keys', 'devkey: secret\nAPIkq3Vx9ZrT2wB: another-secret-of-32-characters'],
  env: {},
  cores: 2,
};

/** A Master Node as `bin/sluice` sees it, and two Media Nodes that are records: what pages ask works. */
export class DocumentedCluster {
  readonly url: string;
  readonly #cluster: AdminCluster;
  readonly #close: () => Promise<void>;

  private constructor(url: string, cluster: AdminCluster, close: () => Promise<void>) {
    this.url = url;
    this.#cluster = cluster;
    this.#close = close;
  }

  static async start(): Promise<DocumentedCluster> {
    const cluster = new AdminCluster();
    const { registry, admin } = cluster;
    await cluster.beat('ND_one', { machineId: 'media-1' });
    await cluster.beat('ND_two', { machineId: 'media-2' });
    const { config } = loadConfig(LOAD);
    const log = createLog({ logging: { ...config.logging, level: 'error' }, fields: {} });
    const sharedKeys = new SharedKeys({ registry, clusterSecret: SECRET, log });
    const keys = new KeyRing({ configured: config.keys, shared: sharedKeys });
    const tokens = new TokenVerifier({ keys });
    const common = { config, registry, sharedKeys, keys, tokens, log };
    const server = new HttpServer({
      bindAddresses: ['127.0.0.1'],
      port: 0,
      health: () => ({ status: 200, text: 'OK' }),
      validate: async () => ({ status: 200, text: 'success' }),
      upgrade: (_request, socket) => void socket.destroy(),
      routes: [
        adminRoutes({ admin, tokens, log }),
        keysAndConfigRoutes({ ...common, load: LOAD, nodeId: 'ND_master', lasting: true }),
      ],
      log,
    });
    await server.listen();
    return new DocumentedCluster(`http://127.0.0.1:${server.port}`, cluster, async () => {
      await server.close();
      keys.close();
      sharedKeys.close();
    });
  }

  /** The first Media Node has nothing left. */
  async drained(): Promise<void> {
    await this.#cluster.beat('ND_one', { machineId: 'media-1', state: 'drained' });
  }

  /** A Room on the first Media Node. */
  async room(name: string): Promise<void> {
    await this.#cluster.place('ND_one', name);
  }

  /** What was decided, one sentence each. */
  audited(): Promise<string[]> {
    return this.#cluster.audited();
  }

  close(): Promise<void> {
    return this.#close();
  }
}
