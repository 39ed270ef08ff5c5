import { z } from 'zod';

const TIMEOUT_MS = 3000;
const VERSION = '2021-02-01';
const LOAD_BALANCER_VERSION = '2020-10-01';

/** Azure's metadata of this machine cannot be read. The text is for people; trying again may help. */
export class AzureMetadataError extends Error {
  override readonly name = 'AzureMetadataError';
}

const addresses = z.object({
  ipAddress: z
    .array(
      z.object({
        privateIpAddress: z.string().default(''),
        publicIpAddress: z.string().default(''),
      }),
    )
    .default([]),
});
const instanceSchema = z.object({
  compute: z.object({
    name: z.string().min(1),
    location: z.string().min(1),
    zone: z.string().default(''),
    vmId: z.string().min(1),
    vmScaleSetName: z.string().default(''),
  }),
  network: z.object({
    interface: z
      .array(z.object({ ipv4: addresses.optional(), ipv6: addresses.optional() }))
      .default([]),
  }),
});
const loadBalancerSchema = z.object({
  loadbalancer: z.object({
    publicIpAddresses: z
      .array(z.object({ frontendIpAddress: z.string(), privateIpAddress: z.string() }))
      .default([]),
  }),
});

/** What Azure says of this machine. */
export interface AzureInstance {
  /** Name of the resource: the machine's id in its group. */
  readonly name: string;
  readonly region: string;
  /** "westeurope-1"; the region where it is in no zone. */
  readonly zone: string;
  /** '' where it is in none. */
  readonly scaleSet: string;
  readonly privateIpv4: string | undefined;
  readonly publicIpv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface AzureMetadataOptions {
  /** sluice.cloud.metadata_url */
  readonly url: string;
  /** Of each request, ms. @default 3000 */
  readonly timeoutMs?: number;
}

/**
 * What Azure tells a machine about itself.
 *
 * Every method rejects with AzureMetadataError where there is no answer.
 * Source: learn.microsoft.com, "Azure Instance Metadata Service for virtual machines".
 */
export class AzureMetadata {
  readonly #options: AzureMetadataOptions;

  constructor(options: AzureMetadataOptions) {
    this.#options = options;
  }

  async instance(): Promise<AzureInstance> {
    const { compute, network } = await this.#read(
      `instance?api-version=${VERSION}`,
      instanceSchema,
    );
    const { name, location, zone, vmScaleSetName } = compute;
    const of = (family: 'ipv4' | 'ipv6') =>
      network.interface.flatMap((one) => one[family]?.ipAddress ?? []);
    const privateIpv4 = firstOf(of('ipv4').map((one) => one.privateIpAddress));
    const basic = firstOf(of('ipv4').map((one) => one.publicIpAddress));
    return {
      name,
      region: location,
      zone: zone === '' ? location : `${location}-${zone}`,
      scaleSet: vmScaleSetName,
      privateIpv4,
      publicIpv4: basic ?? (await this.#standardAddress(privateIpv4)),
      ipv6: firstOf(of('ipv6').map((one) => one.publicIpAddress || one.privateIpAddress)),
    };
  }

  /**
   * Public addresses of the Standard SKU show here only.
   *
   * Source: learn.microsoft.com, "Retrieve load balancer metadata by using Azure Instance Metadata
   * Service (IMDS)".
   */
  async #standardAddress(privateIpv4: string | undefined): Promise<string | undefined> {
    const path = `loadbalancer?api-version=${LOAD_BALANCER_VERSION}`;
    const found = await this.#find(path, loadBalancerSchema);
    const all = found?.loadbalancer.publicIpAddresses ?? [];
    return all.find((one) => one.privateIpAddress === privateIpv4)?.frontendIpAddress;
  }

  async #read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const found = await this.#find(path, schema);
    if (found === undefined) {
      throw new AzureMetadataError(`the metadata service at ${this.#options.url} has no ${path}`);
    }
    return found;
  }

  /** @returns undefined where there is no such thing. */
  async #find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const { url, timeoutMs = TIMEOUT_MS } = this.#options;
    const { status, text } = await askMetadata({ url, path, timeoutMs });
    if (status === 404) return undefined;
    return parsed(path, { status, text }, schema);
  }
}

export interface MetadataQuestion {
  readonly url: string;
  /** Below /metadata/. */
  readonly path: string;
  readonly timeoutMs: number;
  /** Sent by POST. @default - it is a GET */
  readonly body?: unknown;
  /** Nobody waits for the answer any more. @default - somebody does */
  readonly signal?: AbortSignal | undefined;
}

export interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
}

/** Asks once, as the service demands it. @throws AzureMetadataError where nobody answers. */
export async function askMetadata({
  url,
  path,
  timeoutMs,
  body,
  signal,
}: MetadataQuestion): Promise<MetadataAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(new URL(`/metadata/${path}`, url), {
      headers: { Metadata: 'true' },
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const why = error instanceof Error ? String(error.cause ?? error.message) : String(error);
    throw new AzureMetadataError(
      `the metadata service at ${url} does not answer (${why}); this must run on a machine of Azure, or sluice.cloud.metadata_url must name another one`,
      { cause: error },
    );
  }
}

/** @throws AzureMetadataError where that is no answer, or another one than Azure's. */
export function parsed<T>(path: string, { status, text }: MetadataAnswer, schema: z.ZodType<T>): T {
  if (status !== 200) {
    throw new AzureMetadataError(`the metadata service answers ${status} for ${path}`);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new AzureMetadataError(
      `the metadata service answers ${JSON.stringify(text.slice(0, 100))} for ${path}, which is not what Azure says there`,
      { cause: error },
    );
  }
}

const firstOf = (texts: readonly string[]): string | undefined => texts.find((text) => text !== '');
