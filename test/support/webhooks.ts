import { createServer } from 'node:http';
import { type WebhookEvent, WebhookReceiver } from 'livekit-server-sdk';
import type { Signer } from './tokens';
import { until } from './wait';

/** Receives webhooks as an application would, with the signature verified. */
export interface WebhookListener {
  readonly url: string;
  readonly events: WebhookEvent[];
  /** Why a webhook was not accepted; empty when all was well. */
  readonly failures: string[];
  /** Tell which keys sign; until then webhooks are refused. */
  trust(signer: Signer): void;
  /** The first event of this name that fits, now or later. */
  event(name: string, fits?: (event: WebhookEvent) => boolean): Promise<WebhookEvent>;
  close(): Promise<void>;
}

export async function listenForWebhooks(): Promise<WebhookListener> {
  const events: WebhookEvent[] = [];
  const failures: string[] = [];
  let receiver: WebhookReceiver | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      Promise.resolve()
        .then(() => {
          if (!receiver) throw new Error('no keys are known yet');
          return receiver.receive(body, request.headers.authorization);
        })
        .then((event) => {
          events.push(event);
          response.writeHead(200).end();
        })
        .catch((error: unknown) => {
          failures.push(String(error));
          response.writeHead(401).end();
        });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    events,
    failures,
    trust: ({ apiKey, apiSecret }) => {
      receiver = new WebhookReceiver(apiKey, apiSecret);
    },
    event: async (name, fits = () => true) => {
      const found = await until(
        `webhook ${name}`,
        () => events.find((event) => event.event === name && fits(event)),
        { explain: () => `got ${events.map((event) => event.event).join()} ${failures.join()}` },
      );
      return found as WebhookEvent;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
