import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { type Closable, HOST, type WorldPorts } from './world';

export interface FakeNodeOptions {
  /** @default 200 */
  readonly status?: number;
  /** @default "OK" */
  readonly health?: string;
  /** @default those of a node that may have a million files open, and has 100 */
  readonly metrics?: string;
  /** Ports that it does not listen on, though it should. @default none */
  readonly without?: readonly ('udp' | 'tcp')[];
  /** And these ports, over UDP and TCP. @default none */
  readonly also?: readonly number[];
}

const METRICS = `sluice_file_descriptors{node_id="ND_1"} 100
sluice_file_descriptor_limit{node_id="ND_1"} 1048576
`;

/** What can be seen of a node from outside: health, metrics, ports that are taken. */
export async function fakeNode(
  ports: WorldPorts,
  options: FakeNodeOptions = {},
): Promise<Closable> {
  const { status = 200, health = 'OK', metrics = METRICS, without = [], also = [] } = options;
  const open: (() => Promise<unknown>)[] = [];
  const http = async (port: number, code: number, text: string): Promise<void> => {
    const server = createServer((_request, response) => response.writeHead(code).end(text));
    await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
    open.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
  };
  await http(ports.http, status, health);
  await http(ports.metrics, 200, metrics);
  const udp = [...(without.includes('udp') ? [] : [ports.udp]), ...also];
  const tcp = [...(without.includes('tcp') ? [] : [ports.tcp]), ...also];
  for (const port of udp) open.push(await takeUdp(port));
  for (const port of tcp) open.push(await takeTcp(port));
  return { close: () => Promise.all(open.map((close) => close())) };
}

/** Has a UDP port, and says nothing. @returns gives it back */
export async function takeUdp(port: number): Promise<() => Promise<void>> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, HOST, resolve));
  return () => new Promise((resolve) => socket.close(() => resolve()));
}

/** Has a TCP port, and says nothing. @returns gives it back */
export async function takeTcp(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
  return () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
}
