import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type RejectedLogEventsInfo,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Logger } from 'pino';
import type { JournalEntry } from '../agent/journal-entry';
import type { LogSink } from '../agent/journal-shipper';
import { awsErrorName } from './clients';
import { type LogEvent, logRequests } from './log-requests';

export interface CloudWatchLogsOptions {
  readonly client: Pick<CloudWatchLogsClient, 'send'>;
  /** Name of the log group; it is there. */
  readonly group: string;
  readonly machineId: string;
  readonly log: Pick<Logger, 'error'>;
}

/**
 * A log group of CloudWatch. Each service of each machine has a stream of its own in it:
 * `i-0123456789abcdef0/sluice-node`.
 */
export class CloudWatchLogs implements LogSink {
  readonly #options: CloudWatchLogsOptions;

  constructor(options: CloudWatchLogsOptions) {
    this.#options = options;
  }

  async put(unit: string, lines: readonly JournalEntry[], signal: AbortSignal): Promise<number> {
    const stream = `${this.#options.machineId}/${unit}`;
    const events = lines.map(({ atMs, text }) => ({ timestamp: atMs, message: text }));
    let refused = 0;
    for (const request of logRequests(events)) refused += await this.#put(stream, request, signal);
    return refused;
  }

  async #put(stream: string, events: LogEvent[], abortSignal: AbortSignal): Promise<number> {
    const { client, group, log } = this.#options;
    const command = new PutLogEventsCommand({
      logGroupName: group,
      logStreamName: stream,
      logEvents: events,
    });
    try {
      const send = () => client.send(command, { abortSignal });
      const { rejectedLogEventsInfo } = await send().catch(async (error: unknown) => {
        if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
        await this.#create(stream, abortSignal);
        return send();
      });
      return rejectedIn(rejectedLogEventsInfo, events.length);
    } catch (error) {
      // It would be refused for ever, and keep all that comes after it.
      if (awsErrorName(error) !== 'InvalidParameterException') throw error;
      log.error(
        { err: error, stream, lines: events.length },
        'CloudWatch does not take these lines',
      );
      return events.length;
    }
  }

  async #create(stream: string, abortSignal: AbortSignal): Promise<void> {
    const { client, group } = this.#options;
    try {
      await client.send(
        new CreateLogStreamCommand({ logGroupName: group, logStreamName: stream }),
        { abortSignal },
      );
    } catch (error) {
      const name = awsErrorName(error);
      if (name === 'ResourceAlreadyExistsException') return;
      if (name !== 'ResourceNotFoundException') throw error;
      throw new Error(
        `there is no log group ${group} in this region: make it, or take log_group out of boot.json`,
        { cause: error },
      );
    }
  }
}

/** Those at the beginning are too old, those at the end are of a clock that is hours ahead. */
function rejectedIn(info: RejectedLogEventsInfo | undefined, sent: number): number {
  const { tooOldLogEventEndIndex = 0, expiredLogEventEndIndex = 0 } = info ?? {};
  const { tooNewLogEventStartIndex = sent } = info ?? {};
  return (
    Math.max(tooOldLogEventEndIndex, expiredLogEventEndIndex) + sent - tooNewLogEventStartIndex
  );
}
