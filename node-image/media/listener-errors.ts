import type { Router, Transport, Worker } from 'mediasoup/types';
import type { Logger } from 'pino';

interface Emitter {
  on(event: 'listenererror', listener: (event: string, error: Error) => void): unknown;
}

/** Logs what a listener of ours throws: mediasoup catches it, so that nothing else would show it. */
export function logListenerErrors(worker: Worker, log: Logger): void {
  const watch = (emitter: unknown): void => {
    (emitter as Emitter).on('listenererror', (event, error) =>
      log.error({ event, err: error }, 'a listener of a media event failed'),
    );
  };
  const watchTransport = (transport: Transport): void => {
    watch(transport);
    for (const event of [
      'newproducer',
      'newconsumer',
      'newdataproducer',
      'newdataconsumer',
    ] as const) {
      transport.observer.on(event, watch);
    }
  };
  watch(worker);
  worker.observer.on('newrouter', (router: Router) => {
    watch(router);
    router.observer.on('newtransport', watchTransport);
  });
}
