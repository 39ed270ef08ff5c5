import { STALE_MS } from './node-record';
import type { SortKey } from './placement-load';
import type { PlacementReason } from './placement-reasons';

const KEY_NAMES: Readonly<Record<SortKey, string>> = {
  cpuload: 'CPU load',
  sysload: 'system load',
  rooms: 'Rooms',
  clients: 'clients',
  tracks: 'tracks',
  bytespersec: 'bytes a second',
};

/** A reason as a sentence for people, without a full stop. */
export function reasonInWords(reason: PlacementReason): string {
  switch (reason.kind) {
    case 'role':
      return `it is a ${reason.role} node, and hosts no Rooms`;
    case 'left-out':
      return 'the Room is to leave it';
    case 'stale':
      return (
        `it has said nothing for ${seconds(reason.seenAgoMs)}; ` +
        `after ${STALE_MS / 1000} s a node is given nothing new`
      );
    case 'state':
      return stateInWords(reason.state, reason.order);
    case 'link-protocol':
      return (
        `it speaks version ${reason.theirs} of the node link, and this node version ${reason.ours}; ` +
        'run the same version of Sluice on both'
      );
    case 'no-link':
      return 'its record has no address of a node link';
    case 'cpu-load':
      return `its CPU load, ${figure(reason.load)}, is not below node_selector.cpu_load_limit, ${figure(reason.limit)}`;
    case 'sys-load':
      return `its system load, ${figure(reason.load)}, is not below node_selector.sysload_limit, ${figure(reason.limit)}`;
    case 'ledger-full':
      return `all of its ${figure(reason.cpus)} CPU cores are promised: ${figure(reason.reservedCpus)}`;
    case 'disk':
      return `its disk is ${percent(reason.share)} full, more than sluice.ledger.disk_limit, ${percent(reason.limit)}`;
    case 'memory':
      return `${percent(reason.share)} of its memory is in use, more than ${percent(reason.limit)}`;
    case 'descriptors':
      return `${percent(reason.share)} of its file descriptors are in use, more than ${percent(reason.limit)}`;
    case 'limit-reached':
      return 'it has reached limit.num_tracks or limit.bytes_per_sec';
    case 'late':
      return `it has missed a heartbeat: the last came ${seconds(reason.seenAgoMs)} ago`;
    case 'farther':
      return `its region, ${named(reason.region)}, is farther away than ${named(reason.chosen)}`;
    case 'more':
      return `${keyed(reason.sortBy, reason.value)}, more than ${figure(reason.best)}`;
    case 'equal':
      return `${keyed(reason.sortBy, reason.value)}, the same as the chosen one: chance decided`;
    case 'not-drawn':
      return 'chance drew two others to choose from (node_selector.algorithm: twochoice)';
    case 'chance':
      return 'chance decided (random is asked for)';
    case 'least':
      return `${keyed(reason.sortBy, reason.value)}, the least of those that it was chosen from`;
    case 'only':
      return 'it is the only node that can be given a Room';
  }
}

function stateInWords(state: 'starting' | 'draining' | 'drained', order: string): string {
  const why = order === '' ? '' : ` (${order})`;
  switch (state) {
    case 'starting':
      return 'it is starting';
    case 'draining':
      return `it is draining${why}`;
    case 'drained':
      return `it has been drained${why}`;
  }
}

const keyed = (key: SortKey, value: number): string => `${KEY_NAMES[key]}: ${figure(value)}`;
const figure = (value: number): string => String(Number(value.toFixed(value < 10 ? 2 : 0)));
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const percent = (share: number): string => `${figure(share * 100)} %`;
const named = (region: string): string => (region === '' ? '(none)' : region);
