/** The thread of a `UdpRelay`: nothing that a test does on its own thread delays a datagram. */
import { createSocket, type Socket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { type Carried, type Line, Link } from './link';
import { senderOfCheck } from './stun-username';

export interface RelayData {
  readonly listen: { readonly address: string; readonly port: number };
  readonly target: { readonly address: string; readonly port: number };
  readonly seed: number;
}

export type RelayCommand =
  | { readonly do: 'line'; readonly name: string; readonly line: Line }
  | { readonly do: 'assign'; readonly name: string; readonly fragments: readonly string[] }
  | { readonly do: 'carried'; readonly name: string; readonly id: number };

export type RelayMessage =
  | { readonly is: 'ready' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'carried'; readonly id: number; readonly up: Carried; readonly down: Carried };

/** One direction of a line, with what is under way. */
interface Direction {
  readonly link: Link;
  readonly underWay: { readonly dueMs: number; readonly deliver: () => void }[];
  timer: NodeJS.Timeout | undefined;
}

/** Both ways of a line. */
interface Directions {
  readonly up: Direction;
  readonly down: Direction;
}

const { listen, target, seed } = workerData as RelayData;
const tell = (message: RelayMessage): void => parentPort?.postMessage(message);

const lines = new Map<string, Directions>();
const lineOfFragment = new Map<string, string>();
/** Of flows that have none of their own. Perfect until it is set. */
const common = lineOf('');

/** A client's socket, as its address, and the socket that stands for it towards the server. */
interface Flow {
  readonly socket: Socket;
  line: Directions;
}
const flows = new Map<string, Flow>();

const front = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
front.once('error', (error) => tell({ is: 'failed', why: error.message }));
front.on('message', (datagram, { address, port }) => {
  const flow = flows.get(`${address}:${port}`) ?? newFlow(address, port);
  const fragment = senderOfCheck(datagram);
  if (fragment !== undefined) {
    const name = lineOfFragment.get(fragment);
    flow.line = name === undefined ? common : lineOf(name);
  }
  pass(flow.line.up, datagram, () => flow.socket.send(datagram, target.port, target.address));
});
front.bind(listen.port, listen.address, () => tell({ is: 'ready' }));

parentPort?.on('message', (command: RelayCommand) => {
  if (command.do === 'assign') {
    for (const fragment of command.fragments) lineOfFragment.set(fragment, command.name);
    return;
  }
  const { up, down } = lineOf(command.name);
  if (command.do === 'line') {
    up.link.impairment = command.line.up ?? {};
    down.link.impairment = command.line.down ?? {};
    return;
  }
  tell({ is: 'carried', id: command.id, up: up.link.carried, down: down.link.carried });
});

function newFlow(address: string, port: number): Flow {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const flow: Flow = { socket, line: common };
  socket.on('message', (datagram) =>
    pass(flow.line.down, datagram, () => front.send(datagram, port, address)),
  );
  // A port that is no more answers by ICMP: no end of the relay.
  socket.on('error', () => undefined);
  flows.set(`${address}:${port}`, flow);
  return flow;
}

function pass(direction: Direction, datagram: Buffer, deliver: () => void): void {
  const nowMs = performance.now();
  const dueMs = direction.link.arrival(datagram.length, nowMs);
  if (dueMs === undefined) return;
  if (dueMs <= nowMs && direction.underWay.length === 0) {
    deliver();
    return;
  }
  direction.underWay.push({ dueMs, deliver });
  wait(direction);
}

/** One timer a direction, so that nothing overtakes. */
function wait(direction: Direction): void {
  const [next] = direction.underWay;
  if (next === undefined || direction.timer !== undefined) return;
  direction.timer = setTimeout(
    () => {
      direction.timer = undefined;
      const nowMs = performance.now();
      while ((direction.underWay[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
        direction.underWay.shift()?.deliver();
      }
      wait(direction);
    },
    Math.max(0, next.dueMs - performance.now()),
  );
}

function lineOf(name: string): Directions {
  const known = lines.get(name);
  if (known !== undefined) return known;
  const made = newLine();
  lines.set(name, made);
  return made;
}

function newLine(): Directions {
  const direction = (from: number): Direction => ({
    link: new Link(from),
    underWay: [],
    timer: undefined,
  });
  return { up: direction(seed), down: direction(seed + 1) };
}
