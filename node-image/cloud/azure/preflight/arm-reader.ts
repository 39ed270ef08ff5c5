import type { TokenCredential } from '@azure/identity';
import { type Client, getClient } from '@azure-rest/core-client';
import { z } from 'zod';

export interface ArmReaderOptions {
  /** Of the resource manager, such as "https://management.azure.com". */
  readonly endpoint: string;
  readonly credential: TokenCredential;
  /** Who may sign for it beside those that Node.js knows, PEM. @default - nobody */
  readonly ca?: string | undefined;
}

/** Azure has answered by an error. */
export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly status: number;
  /** As Azure names it: "AuthorizationFailed". */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(`${status} ${code}: ${message}`);
    this.status = status;
    this.code = code;
  }
}

const FAULT = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const PAGE = z.object({ value: z.array(z.unknown()), nextLink: z.string().nullish() });

/** Reads of Azure's resource manager. It knows one method, GET, so that nothing can be changed by it. */
export class ArmReader {
  readonly #client: Client;
  readonly #endpoint: string;

  constructor({ endpoint, credential, ca }: ArmReaderOptions) {
    this.#endpoint = endpoint.replace(/\/$/, '');
    this.#client = getClient(this.#endpoint, credential, {
      // Each of Azure's clouds takes tokens for its own resource manager only.
      credentials: { scopes: [`${this.#endpoint}/.default`] },
      ...(ca === undefined ? {} : { tlsOptions: { ca } }),
    });
  }

  /**
   * @param path - as the REST reference has it, such as "/subscriptions/ID"
   * @throws ArmError where Azure refuses; ZodError where it answers in another form
   */
  async get<T>(
    form: z.ZodType<T>,
    path: string,
    apiVersion: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    return form.parse(await this.#get(path, { 'api-version': apiVersion, ...query }));
  }

  /** The same; undefined where there is no such thing. */
  async find<T>(form: z.ZodType<T>, path: string, apiVersion: string): Promise<T | undefined> {
    try {
      return await this.get(form, path, apiVersion);
    } catch (error) {
      if (error instanceof ArmError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** All pages of a list. */
  async list<T>(
    form: z.ZodType<T>,
    path: string,
    apiVersion: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<readonly T[]> {
    const found: T[] = [];
    let page = PAGE.parse(await this.#get(path, { 'api-version': apiVersion, ...query }));
    for (;;) {
      found.push(...page.value.map((each) => form.parse(each)));
      const next = page.nextLink ?? '';
      if (next === '') return found;
      // The token is for the resource manager, and goes nowhere else.
      if (!next.startsWith(`${this.#endpoint}/`)) throw new Error(`a list goes on at ${next}`);
      page = PAGE.parse(await this.#get(next, {}));
    }
  }

  async #get(path: string, queryParameters: Readonly<Record<string, string>>): Promise<unknown> {
    const { status, body } = await this.#client
      .pathUnchecked(path)
      .get({ queryParameters: { ...queryParameters } });
    if (status === '200') return body;
    const fault = FAULT.safeParse(body);
    const { code, message } = fault.success
      ? fault.data.error
      : { code: 'NoReason', message: 'it gives no reason' };
    throw new ArmError(Number(status), code, message);
  }
}
