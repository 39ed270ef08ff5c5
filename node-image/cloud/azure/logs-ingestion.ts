import type { TokenCredential } from '@azure/identity';
import { type Client, getClient } from '@azure-rest/core-client';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { JournalEntry } from '../agent/journal-entry';
import type { LogSink } from '../agent/journal-shipper';

/** Source of all of them: learn.microsoft.com, "Azure Monitor service limits", Logs Ingestion API. */
export const INGESTION_LIMITS = {
  /** Of one call. */
  bytes: 1_048_576,
  /** Of one value, which Azure would cut by itself. */
  valueBytes: 65_536,
} as const;

export interface LogsIngestionOptions {
  /** Of the data collection endpoint, such as "https://NAME.westeurope-1.ingest.monitor.azure.com". */
  readonly endpoint: string;
  /** Immutable id of the data collection rule, such as "dcr-0123". */
  readonly rule: string;
  /** As the rule declares it, such as "Custom-Sluice_CL". */
  readonly stream: string;
  readonly credential: TokenCredential;
  readonly machineId: string;
  readonly log: Pick<Logger, 'error'>;
  /** Who may sign for the endpoint beside those that Node.js knows, PEM. @default - nobody */
  readonly ca?: string | undefined;
}

interface Row {
  readonly TimeGenerated: string;
  readonly Computer: string;
  readonly Service: string;
  readonly Message: string;
}

const FAULT = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const API = '2023-01-01';
const CUT = ' [cut]';

/**
 * A table of Log Analytics, by a data collection rule. A line is a row with TimeGenerated, Computer,
 * Service and Message.
 *
 * Source: learn.microsoft.com, "Logs Ingestion API in Azure Monitor".
 */
export class LogsIngestion implements LogSink {
  readonly #options: LogsIngestionOptions;
  readonly #client: Client;

  constructor(options: LogsIngestionOptions) {
    this.#options = options;
    const { endpoint, credential, ca } = options;
    this.#client = getClient(endpoint, credential, {
      credentials: { scopes: ['https://monitor.azure.com/.default'] },
      // Whoever sends the journal tries again by itself, and reads no more of it meanwhile.
      retryOptions: { maxRetries: 0 },
      ...(ca === undefined ? {} : { tlsOptions: { ca } }),
    });
  }

  async put(unit: string, lines: readonly JournalEntry[], signal: AbortSignal): Promise<number> {
    const rows = lines
      .filter(({ text }) => text !== '')
      .map(({ atMs, text }) => ({
        TimeGenerated: new Date(atMs).toISOString(),
        Computer: this.#options.machineId,
        Service: unit,
        Message: cut(text),
      }));
    let refused = 0;
    for (const request of requests(rows)) refused += await this.#put(request, signal);
    return refused;
  }

  async #put(rows: readonly Row[], abortSignal: AbortSignal): Promise<number> {
    const { rule, stream, log } = this.#options;
    const { status, body } = await this.#client
      .path('/dataCollectionRules/{rule}/streams/{stream}', rule, stream)
      .post({
        queryParameters: { 'api-version': API },
        contentType: 'application/json',
        body: rows,
        abortSignal,
      });
    if (status === '204' || status === '200') return 0;
    const fault = FAULT.safeParse(body);
    const { code, message } = fault.success ? fault.data.error : { code: '', message: '' };
    const said = `${status} ${code} ${message}`.trim();
    // They would be refused for ever, and keep all that comes after them.
    if (status === '400' || status === '413') {
      log.error({ said, lines: rows.length }, 'Azure Monitor does not take these lines');
      return rows.length;
    }
    throw new Error(`Azure Monitor does not take the journal: ${said}${todoOf(status, rule)}`);
  }
}

function todoOf(status: string, rule: string): string {
  if (status === '401' || status === '403') {
    return `: give the machine's identity the role Monitoring Metrics Publisher on the data collection rule ${rule}; a new role takes up to half an hour to be known there`;
  }
  return status === '404'
    ? `: there is no data collection rule ${rule} at this endpoint; make it, or take log_ingestion out of boot.json`
    : '';
}

/** Puts rows into calls that Azure takes. Pure. */
function requests(rows: readonly Row[]): Row[][] {
  const all: Row[][] = [];
  let request: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    // With the comma or a bracket; the last bracket is the 1 at the end.
    const size = Buffer.byteLength(JSON.stringify(row)) + 1;
    if (request.length === 0 || bytes + size + 1 > INGESTION_LIMITS.bytes) {
      request = [];
      all.push(request);
      bytes = 0;
    }
    request.push(row);
    bytes += size;
  }
  return all;
}

function cut(message: string): string {
  const most = INGESTION_LIMITS.valueBytes;
  // No character has more than three bytes for each unit that JavaScript counts.
  if (message.length * 3 <= most || Buffer.byteLength(message) <= most) return message;
  const bytes = Buffer.from(message);
  let end = most - CUT.length;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}${CUT}`;
}
