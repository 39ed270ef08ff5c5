import type { Router, Transport, Worker } from 'mediasoup/types';

/** Everything that lives in a worker and has to be closed by somebody. */
export const MEDIA_OBJECT_KINDS = [
  'router',
  'transport',
  'producer',
  'consumer',
  'data_producer',
  'data_consumer',
] as const;

export type MediaObjectKind = (typeof MEDIA_OBJECT_KINDS)[number];

interface Observable {
  readonly observer: { once(event: 'close', listener: () => void): unknown };
}

/**
 * How many objects live in the workers right now.
 *
 * Counted from mediasoup's own events, not from what the Rooms know, so that an object that a Room
 * has forgotten still shows. A worker that dies takes its objects out of the count.
 */
export class ObjectCounts {
  readonly #counts = new Map<MediaObjectKind, number>();

  /** Counts what a worker makes from now on. */
  watch(worker: Worker): void {
    worker.observer.on('newrouter', (router) => this.#watchRouter(router));
  }

  /** The number of each kind, 0 included. */
  read(): Record<MediaObjectKind, number> {
    const of = (kind: MediaObjectKind): number => this.#counts.get(kind) ?? 0;
    return {
      router: of('router'),
      transport: of('transport'),
      producer: of('producer'),
      consumer: of('consumer'),
      data_producer: of('data_producer'),
      data_consumer: of('data_consumer'),
    };
  }

  #watchRouter(router: Router): void {
    this.#count('router', router);
    router.observer.on('newtransport', (transport) => this.#watchTransport(transport));
  }

  #watchTransport(transport: Transport): void {
    this.#count('transport', transport);
    const { observer } = transport;
    observer.on('newproducer', (producer) => this.#count('producer', producer));
    observer.on('newconsumer', (consumer) => this.#count('consumer', consumer));
    observer.on('newdataproducer', (producer) => this.#count('data_producer', producer));
    observer.on('newdataconsumer', (consumer) => this.#count('data_consumer', consumer));
  }

  #count(kind: MediaObjectKind, object: Observable): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    object.observer.once('close', () => this.#counts.set(kind, (this.#counts.get(kind) ?? 0) - 1));
  }
}
