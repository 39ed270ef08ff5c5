import type { Producer } from 'mediasoup/types';
import type { ReceivedBytes } from '../input-rates';

/** What a sender has sent of each kind, with what was sent again. */
export async function bytesOf(producers: readonly Producer[]): Promise<ReceivedBytes> {
  const bytes = { audio: 0, video: 0 };
  for (const producer of producers) {
    const stats = producer.closed ? [] : await producer.getStats();
    for (const { byteCount } of stats) bytes[producer.kind] += byteCount;
  }
  return bytes;
}
