import { mock } from 'node:test';
import { configSchema } from '../../../../node-image/contract';
import { startSingleNode } from '../../../../node-image/lifecycle/single-node';
import { LocalRooms } from '../../../../node-image/room/local-rooms';
import type { TappedRoom } from '../../../../node-image/room/tapped-room';
import { freePortRange, freeTcpPort } from '../../../support/ports';
import type { Signer } from '../../../support/tokens';

/** A Single Node in this process, whose Rooms can be reached without its API. */
export interface NodeWithRooms extends Signer {
  /** ws:// */
  readonly url: string;
  /** First of the UDP ports of its worker. */
  readonly udpPort: number;
  readonly rooms: Pick<LocalRooms, 'get'>;
  openRoom(room: string): Promise<TappedRoom | undefined>;
  close(): Promise<void>;
}

/** @param relay - an address of the loopback that clients are told, for a bad network before the node */
export async function startNodeWithRooms(relay?: string): Promise<NodeWithRooms> {
  const apiKey = 'devkey';
  const apiSecret = 'a-secret-of-the-tests-that-is-long-enough';
  const port = await freeTcpPort();
  const udpPort = await freePortRange(1);
  const config = configSchema.parse({
    port,
    bind_addresses: ['127.0.0.1'],
    keys: { [apiKey]: apiSecret },
    prometheus: { port: await freeTcpPort() },
    rtc: {
      udp_port: udpPort,
      tcp_port: await freeTcpPort(),
      node_ip: relay ?? '127.0.0.1',
      use_external_ip: false,
      enable_loopback_candidate: true,
      ...(relay === undefined ? {} : { interfaces: { includes: ['lo'] } }),
    },
    logging: { level: process.env['TEST_LOG'] ?? 'error' },
    room: { enable_remote_unmute: true },
    sluice: { workers: 1 },
  });
  let rooms: LocalRooms | undefined;
  const { getOrCreate } = LocalRooms.prototype;
  const spy = mock.method(
    LocalRooms.prototype,
    'getOrCreate',
    function (this: LocalRooms, ...args: Parameters<typeof getOrCreate>) {
      rooms = this;
      return getOrCreate.apply(this, args);
    },
  );
  const node = await startSingleNode({ config, console: false, load: { env: {} } });
  return {
    url: `ws://127.0.0.1:${port}`,
    apiKey,
    apiSecret,
    udpPort,
    rooms: { get: (room) => rooms?.get(room) },
    openRoom: async (room) => rooms?.get(room)?.taps.open(),
    close: async () => {
      spy.mock.restore();
      await node.close();
    },
  };
}
