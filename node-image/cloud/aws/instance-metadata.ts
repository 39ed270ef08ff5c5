import { z } from 'zod';

/** A token is good for so long, s: the longest that is allowed. It is renewed well before. */
const TOKEN_SECONDS = 21_600;
const RENEW_AFTER_MS = (TOKEN_SECONDS / 2) * 1000;
const TIMEOUT_MS = 2000;

/** EC2's metadata of this machine cannot be read. The text is for people; trying again may help. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError';
}

/** That EC2 takes a spot machine back. */
export interface SpotAction {
  readonly action: 'terminate' | 'stop' | 'hibernate';
  /** ms since 1970. */
  readonly atMs: number;
}

const spotSchema = z.object({
  action: z.enum(['terminate', 'stop', 'hibernate']),
  time: z.iso.datetime({ offset: true }),
});
const rebalanceSchema = z.object({ noticeTime: z.iso.datetime({ offset: true }) });

export interface InstanceMetadataOptions {
  /** sluice.cloud.metadata_url */
  readonly url: string;
  /** Of each request, ms. @default 2000 */
  readonly timeoutMs?: number;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * What EC2 tells a machine about itself, by version 2 of the metadata service: with a token.
 *
 * Every method rejects with MetadataError where there is no answer.
 * Source: EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
 */
export class InstanceMetadata {
  readonly #options: InstanceMetadataOptions;
  readonly #now: () => number;
  #token: { readonly value: string; readonly sinceMs: number } | undefined;

  constructor(options: InstanceMetadataOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  instanceId(): Promise<string> {
    return this.#required('instance-id');
  }

  region(): Promise<string> {
    return this.#required('placement/region');
  }

  /**
   * What Auto Scaling is about to make of this machine: "InService", "Terminated", "Standby",
   * "Warmed:Stopped" and so on.
   *
   * @returns undefined where it is in no group.
   * Source: Auto Scaling User Guide, "Retrieve the target lifecycle state through instance metadata".
   */
  targetLifecycleState(): Promise<string | undefined> {
    return this.get('autoscaling/target-lifecycle-state');
  }

  /** @returns undefined where none is announced. Source: EC2 User Guide, "Spot Instance interruption notices". */
  async spotAction(): Promise<SpotAction | undefined> {
    const found = await this.#json('spot/instance-action', spotSchema);
    return found && { action: found.action, atMs: Date.parse(found.time) };
  }

  /**
   * Since when this spot machine is at an elevated risk of being taken back.
   *
   * @returns ms since 1970; undefined where it is not.
   * Source: EC2 User Guide, "EC2 instance rebalance recommendations".
   */
  async rebalanceSince(): Promise<number | undefined> {
    const found = await this.#json('events/recommendations/rebalance', rebalanceSchema);
    return found && Date.parse(found.noticeTime);
  }

  /** @returns undefined where there is no such thing. */
  async get(path: string): Promise<string | undefined> {
    const answer = await this.#ask(path);
    // The token was taken back: a machine that was moved, or a clock that jumped.
    if (answer.status !== 401) return textOf(answer, path);
    this.#token = undefined;
    return textOf(await this.#ask(path), path);
  }

  async #ask(path: string): Promise<Answer> {
    const token = await this.#validToken();
    return this.#fetch(`/latest/meta-data/${path}`, {
      headers: { 'X-aws-ec2-metadata-token': token },
    });
  }

  async #validToken(): Promise<string> {
    if (this.#token !== undefined && this.#now() - this.#token.sinceMs < RENEW_AFTER_MS) {
      return this.#token.value;
    }
    const sinceMs = this.#now();
    const { status, text } = await this.#fetch('/latest/api/token', {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
    });
    if (status !== 200) {
      throw new MetadataError(
        `the metadata service at ${this.#options.url} gives no token: it answers ${status}. Is it enabled for this machine, with a hop limit that suffices?`,
      );
    }
    this.#token = { value: text, sinceMs };
    return text;
  }

  async #fetch(path: string, init: RequestInit): Promise<Answer> {
    const { url, timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const response = await fetch(new URL(path, url), {
        ...init,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const why = error instanceof Error ? String(error.cause ?? error.message) : String(error);
      throw new MetadataError(
        `the metadata service at ${url} does not answer (${why}); this must run on a machine of EC2, or sluice.cloud.metadata_url must name another one`,
        { cause: error },
      );
    }
  }

  async #required(path: string): Promise<string> {
    const text = await this.get(path);
    if (text === undefined || text === '') {
      throw new MetadataError(`the metadata service at ${this.#options.url} has no ${path}`);
    }
    return text;
  }

  async #json<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const text = await this.get(path);
    if (text === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(text));
    } catch (error) {
      throw new MetadataError(
        `the metadata service answers ${JSON.stringify(text.slice(0, 100))} for ${path}, which is not what EC2 says there`,
        { cause: error },
      );
    }
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function textOf({ status, text }: Answer, path: string): string | undefined {
  if (status === 200) return text.trim();
  if (status === 404) return undefined;
  throw new MetadataError(`the metadata service answers ${status} for ${path}`);
}
