import ipaddr from 'ipaddr.js';

/** A place for a TURN server in the configuration of HAProxy, as it is filled now. */
export interface TurnSlot {
  /** `backend/server` */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** drain: who is connected stays, nobody comes; empty: it is not used. */
  readonly state: 'ready' | 'drain' | 'empty';
}

/** A TURN server as HAProxy is to use it. */
export interface TurnServer {
  /** An address; HAProxy looks no names up. */
  readonly host: string;
  readonly port: number;
  readonly state: 'ready' | 'drain';
}

export interface SlotPlan {
  /** For HAProxy, in this order. */
  readonly commands: readonly string[];
  /** Servers for which there is no slot, or that HAProxy cannot be told of. */
  readonly leftOut: readonly TurnServer[];
}

/** SRV_ADMF_MAINT and SRV_ADMF_DRAIN, in which reason they have. Source: HAProxy, server-t.h. */
const MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40;
const DRAIN = 0x08 | 0x10;

/**
 * Reads the answer to `show servers state`.
 *
 * @param prefix - of the names of the servers that are slots
 * @returns undefined where it is no such answer: there is no such backend.
 */
export function parseSlots(answer: string, prefix: string): readonly TurnSlot[] | undefined {
  const lines = answer.split('\n').filter((line) => line !== '');
  const headerAt = lines.findIndex((line) => line.startsWith('# '));
  const columns = lines[headerAt]?.slice(2).split(' ');
  if (columns === undefined) return undefined;
  return lines
    .slice(headerAt + 1)
    .map((line) => {
      const cells = line.split(' ');
      return (column: string): string => cells[columns.indexOf(column)] ?? '';
    })
    .filter((cell) => cell('srv_name').startsWith(prefix))
    .map((cell) => {
      const admin = Number(cell('srv_admin_state'));
      const used = (admin & DRAIN) === 0 ? 'ready' : 'drain';
      return {
        name: `${cell('be_name')}/${cell('srv_name')}`,
        host: cell('srv_addr'),
        port: Number(cell('srv_port')),
        state: (admin & MAINTENANCE) === 0 ? used : 'empty',
      };
    });
}

/**
 * What HAProxy has to be told, so that its slots are what is wanted. A server keeps its slot, and
 * with it its connections. One that drains and has no slot needs none: nobody is connected to it.
 *
 * @param mayEmpty - false: those that are not wanted stay, as it may not be known what is wanted.
 */
export function planSlots(
  slots: readonly TurnSlot[],
  wanted: readonly TurnServer[],
  mayEmpty: boolean,
): SlotPlan {
  const open = new Map<string, TurnServer>();
  for (const server of wanted) {
    // A node that was started anew has the address of the one before.
    if (open.get(keyOf(server))?.state !== 'ready') open.set(keyOf(server), server);
  }
  const commands: string[] = [];
  const free: string[] = [];
  for (const slot of slots) {
    const server = open.get(keyOf(slot));
    if (slot.state === 'empty') {
      free.push(slot.name);
    } else if (server !== undefined) {
      open.delete(keyOf(slot));
      if (server.state !== slot.state) commands.push(stateCommand(slot.name, server.state));
    } else if (mayEmpty) {
      // Who is still connected to a dead node learns it so, and comes again.
      commands.push(stateCommand(slot.name, 'maint'), `shutdown sessions server ${slot.name}`);
      free.push(slot.name);
    }
  }
  const leftOut: TurnServer[] = [];
  for (const server of open.values()) {
    if (server.state !== 'ready') continue;
    const slot = ipaddr.isValid(server.host) ? free.shift() : undefined;
    if (slot === undefined) {
      leftOut.push(server);
      continue;
    }
    const { host, port } = server;
    commands.push(`set server ${slot} addr ${host} port ${port}`, stateCommand(slot, 'ready'));
  }
  return { commands, leftOut };
}

const stateCommand = (slot: string, state: 'ready' | 'drain' | 'maint'): string =>
  `set server ${slot} state ${state}`;

const keyOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${ipaddr.isValid(host) ? ipaddr.process(host).toString() : host} ${port}`;
