import type { Duplex } from 'node:stream';
import { type FlvTag, flvTag } from './flv';
import type { TagSink } from './rtmp-session';

const HEAD_BYTES = 11;
const SIZE_BYTES = 4;
const MAX_BODY_BYTES = 8 << 20;

/** Sends tags to another node, as FLV has them. */
export class TagSender implements TagSink {
  readonly #socket: Duplex;

  /** @param onClosed - the other node takes no more; called once */
  constructor(socket: Duplex, onClosed: () => void) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.once('close', onClosed);
    // It sends nothing; its end is to be seen.
    socket.once('end', () => socket.destroy()).resume();
  }

  write(tag: FlvTag): boolean {
    return this.#socket.destroyed || this.#socket.write(flvTag(tag));
  }

  drained(): Promise<void> {
    if (this.#socket.destroyed || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve);
      this.#socket.once('close', resolve);
    });
  }

  end(): void {
    this.#socket.end();
  }
}

/** Passes what a `TagSender` sends on to a sink, as fast as that takes it. */
export function receiveTags(socket: Duplex, head: Buffer, sink: TagSink): void {
  let pending = head;
  let ended = false;
  const end = (): void => {
    if (!ended) {
      ended = true;
      sink.end();
    }
  };
  const take = (data: Buffer): void => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    let at = 0;
    let isBehind = false;
    while (pending.length >= at + HEAD_BYTES) {
      const length = pending.readUIntBE(at + 1, 3);
      if (length > MAX_BODY_BYTES) {
        socket.destroy();
        return;
      }
      const next = at + HEAD_BYTES + length + SIZE_BYTES;
      if (pending.length < next) break;
      isBehind = !sink.write(tagAt(pending, at, length)) || isBehind;
      at = next;
    }
    pending = Buffer.from(pending.subarray(at));
    if (isBehind) {
      socket.pause();
      void sink.drained().then(() => socket.resume());
    }
  };
  socket.on('error', () => {});
  socket.on('data', take);
  socket.once('end', () => {
    end();
    socket.end();
  });
  socket.once('close', end);
}

function tagAt(buffer: Buffer, at: number, length: number): FlvTag {
  const low = buffer.readUIntBE(at + 4, 3);
  const timestamp = buffer.readUInt8(at + 7) * 0x100_0000 + low;
  const from = at + HEAD_BYTES;
  return {
    type: buffer.readUInt8(at),
    timestamp,
    body: Buffer.from(buffer.subarray(from, from + length)),
  };
}
