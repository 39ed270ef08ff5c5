import { createHash } from 'node:crypto';
import { AwsFault } from './fault';

interface Message {
  readonly id: string;
  readonly body: string;
  visibleAtMs: number;
  receipt: string;
  received: number;
}

/**
 * As much of an SQS queue as the node uses. Each behaviour is that of the page of the SQS API
 * Reference (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/) named.
 */
export class FakeQueue {
  readonly #now: () => number;
  readonly #messages: Message[] = [];
  #count = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** How many are in it, those on their way included. */
  get size(): number {
    return this.#messages.length;
  }

  /** How often the one that was received most was. */
  get mostReceived(): number {
    return Math.max(0, ...this.#messages.map(({ received }) => received));
  }

  send(body: unknown): void {
    this.#count += 1;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.#messages.push({
      id: `message-${this.#count}`,
      body: text,
      visibleAtMs: 0,
      receipt: '',
      received: 0,
    });
  }

  /** API_ReceiveMessage.html: at most 10, hidden for the visibility timeout, with a new handle each. */
  receive(most: number, visibilitySeconds: number): object[] {
    if (most < 1 || most > 10) {
      throw new AwsFault('InvalidParameterValue', 'MaxNumberOfMessages must be between 1 and 10');
    }
    return this.#messages
      .filter(({ visibleAtMs }) => visibleAtMs <= this.#now())
      .slice(0, most)
      .map((message) => {
        message.received += 1;
        message.visibleAtMs = this.#now() + visibilitySeconds * 1000;
        message.receipt = `${message.id}#${message.received}`;
        return {
          MessageId: message.id,
          ReceiptHandle: message.receipt,
          Body: message.body,
          // The SDK compares it.
          MD5OfBody: createHash('md5').update(message.body).digest('hex'),
        };
      });
  }

  /** What the visibility timeout would do: all are seen again. */
  showAgain(): void {
    for (const message of this.#messages) message.visibleAtMs = 0;
  }

  /** API_DeleteMessage.html: by the handle; one that is gone is no error. */
  delete(receipt: string): void {
    const at = this.#messages.findIndex((message) => message.receipt === receipt);
    if (at >= 0) this.#messages.splice(at, 1);
  }
}
