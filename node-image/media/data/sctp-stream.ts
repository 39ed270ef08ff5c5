import type { DataConsumer, DataProducer, Transport } from 'mediasoup/types';
import type { StreamDelivery } from './data-kinds';

interface StreamIdAllocator {
  allocateSctpStreamId: () => number;
}

/**
 * Makes a DataConsumer that sends on the given SCTP stream, and delivers nothing of the
 * DataProducer until it is given subchannels.
 *
 * mediasoup counts stream ids up by itself and has no option to choose one. It asks its own
 * `allocateSctpStreamId` before its first await, so replacing that for the length of the
 * synchronous part affects this call only.
 */
export function consumeDataOnStream(
  transport: Transport,
  dataProducer: DataProducer,
  streamId: number,
  delivery: StreamDelivery,
): Promise<DataConsumer> {
  const allocator = transport as unknown as StreamIdAllocator;
  allocator.allocateSctpStreamId = () => streamId;
  try {
    return transport.consumeData({
      dataProducerId: dataProducer.id,
      subchannels: [],
      ...delivery,
    });
  } finally {
    // Uncovers the method of the prototype again.
    delete (allocator as Partial<StreamIdAllocator>).allocateSctpStreamId;
  }
}
