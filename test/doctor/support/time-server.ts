import { createSocket } from 'node:dgram';
import { writeTime } from '../../../node-image/net/sntp';

export interface FakeClockOptions {
  /** How far it is ahead of this machine, ms. @default 0 */
  readonly aheadMs?: number;
  /** What is wrong with its answers. @default nothing */
  readonly spoil?: 'cut' | 'stranger' | 'kiss' | 'unset' | 'client' | 'silent';
}

export interface FakeClock {
  readonly port: number;
  /** Once only. */
  close(): Promise<void>;
}

/** A time server on 127.0.0.1. Source: RFC 4330, section 4. */
export async function fakeTimeServer(options: FakeClockOptions = {}): Promise<FakeClock> {
  const { aheadMs = 0, spoil } = options;
  const socket = createSocket('udp4');
  socket.on('message', (request, { address, port }) => {
    if (spoil === 'silent') return;
    const answer = Buffer.alloc(48);
    // No leap second, version 4, server; synchronised by a clock of its own.
    answer.writeUInt8(spoil === 'unset' ? 0xe4 : spoil === 'client' ? 0x23 : 0x24, 0);
    answer.writeUInt8(spoil === 'kiss' ? 0 : 1, 1);
    if (spoil !== 'stranger') request.copy(answer, 24, 40, 48);
    writeTime(answer, 32, Date.now() + aheadMs);
    writeTime(answer, 40, Date.now() + aheadMs);
    socket.send(spoil === 'cut' ? answer.subarray(0, 47) : answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
