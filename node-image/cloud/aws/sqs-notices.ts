import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { NoticeQueue, QueuedNotice } from '../notices';
import { parseNotice } from './parse-notice';

/** As many as one answer can hold. Source: SQS, ReceiveMessage, MaxNumberOfMessages. */
const MOST_AT_ONCE = 10;
/** What is not done by then comes again, s. */
const COMES_AGAIN_SECONDS = 30;

/** The queue of the cluster's notices in SQS. Methods reject with what the SDK says. */
export class SqsNotices implements NoticeQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  /** @param url - sluice.cloud.notices_queue */
  constructor({ client, url }: { readonly client: SQSClient; readonly url: string }) {
    this.#client = client;
    this.#url = url;
  }

  async receive(): Promise<QueuedNotice[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: MOST_AT_ONCE,
        WaitTimeSeconds: 0,
        VisibilityTimeout: COMES_AGAIN_SECONDS,
      }),
    );
    return Messages.map(({ Body = '', ReceiptHandle }) => ({
      notice: parseNotice(Body),
      done: async () => {
        await this.#client.send(
          new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: ReceiptHandle }),
        );
      },
    }));
  }
}
