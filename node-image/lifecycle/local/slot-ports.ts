import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { NEXT_NODE_BASE, PORTS, PORTS_ON_REQUEST } from '../../contract';

/** How many nodes there can be on one machine: further bases reach into the ports of clients. */
export const MAX_BASES = 8;

/** The ports of a Media Node that shares a machine with others. It has one worker. */
export interface SlotPorts {
  /** What was added to each port of the contract. */
  readonly base: number;
  readonly health: number;
  readonly nodeLink: number;
  readonly iceUdp: number;
  readonly iceTcp: number;
}

const portsAt = (base: number): SlotPorts => ({
  base,
  health: PORTS.http + base,
  nodeLink: PORTS.nodeLink + base,
  iceUdp: PORTS.iceUdp + base,
  iceTcp: PORTS.iceTcp + base,
});

/**
 * The lowest ports that no other node of this cluster has, and no other program.
 *
 * @param taken - bases of nodes that may just not listen yet
 * @returns undefined where all are in use.
 */
export async function findSlotPorts(taken: ReadonlySet<number>): Promise<SlotPorts | undefined> {
  for (let number = 1; number <= MAX_BASES; number += 1) {
    const base = number * NEXT_NODE_BASE;
    if (!taken.has(base) && (await areFree(portsAt(base)))) {
      return portsAt(base);
    }
  }
  return undefined;
}

async function areFree({ health, nodeLink, iceTcp, iceUdp }: SlotPorts): Promise<boolean> {
  const tcp = [health, nodeLink, iceTcp].map((port) => isTcpPortFree(port, '0.0.0.0'));
  return (await Promise.all([...tcp, isUdpPortFree(iceUdp)])).every(Boolean);
}

const LOOPBACK = ['127.0.0.1', '::1'];
/** Those below need root. */
const LOWEST_PORT = 1024;
const HIGHEST_PORT = 65_535;

/** A machine without the address, or without IPv6 at all: nobody listens there. */
const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** Whether nobody listens there now. */
export function isTcpPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
      resolve(NO_SUCH_ADDRESS.has(code)),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** @returns the address of this machine at which somebody listens there, if there is one. */
export async function busyHost(port: number): Promise<string | undefined> {
  for (const host of LOOPBACK) {
    if (!(await isTcpPortFree(port, host))) {
      return host;
    }
  }
  return undefined;
}

/**
 * Where encoders are taken beside clients at `port`: 1935 beside 7880, which encoders expect, and as far
 * from it as that is; a free one where somebody else has that.
 */
export async function findRtmpPort(port: number): Promise<number> {
  const wanted = PORTS_ON_REQUEST.rtmp + port - PORTS.http;
  const isUsable = wanted >= LOWEST_PORT && wanted <= HIGHEST_PORT;
  return isUsable && (await busyHost(wanted)) === undefined ? wanted : anyFreePort();
}

function isUdpPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** A TCP port on loopback that nobody listens on now. */
export function anyFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
