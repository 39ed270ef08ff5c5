import { BootError, reasonOf } from './boot-error';

/** What EC2 says of this machine. */
export interface Instance {
  readonly id: string;
  readonly region: string;
  /** Its availability zone. */
  readonly zone: string;
  readonly privateIpv4: string | undefined;
  readonly publicIpv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface InstanceOptions {
  /** @default http://169.254.169.254 */
  readonly url?: string | undefined;
  /** How long is tried, ms. @default 60000 */
  readonly patienceMs?: number | undefined;
}

const URL_DEFAULT = 'http://169.254.169.254';
const PATIENCE_MS = 60_000;
const ANSWER_MS = 3000;
const PAUSE_MS = 500;
const TOKEN_SECONDS = '300';

/**
 * Asks the metadata service (IMDSv2) which machine this is.
 *
 * @throws BootError when it does not answer.
 */
export async function describeInstance(options: InstanceOptions = {}): Promise<Instance> {
  const { url = URL_DEFAULT, patienceMs = PATIENCE_MS } = options;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await ask(url);
    } catch (error) {
      if (performance.now() >= deadline) {
        throw new BootError(
          `The metadata service ${url} does not say which machine this is (${reasonOf(error)}): this works on EC2 only; see that the instance's metadata options have HttpEndpoint enabled, or set "cloud" to "none".`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

async function ask(url: string): Promise<Instance> {
  const token = await fetchText(new URL('/latest/api/token', url), {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS },
  });
  const get = async (path: string): Promise<string> =>
    (await optional(path)) ?? Promise.reject(new Error(`it has no ${path}`));
  const optional = (path: string): Promise<string | undefined> =>
    fetchText(new URL(`/latest/meta-data/${path}`, url), {
      headers: { 'x-aws-ec2-metadata-token': token ?? '' },
    });
  const [id, region, zone, privateIpv4, publicIpv4, ipv6] = await Promise.all([
    get('instance-id'),
    get('placement/region'),
    get('placement/availability-zone'),
    optional('local-ipv4'),
    optional('public-ipv4'),
    optional('ipv6'),
  ]);
  return { id, region, zone, privateIpv4, publicIpv4, ipv6 };
}

/** @returns undefined where there is nothing by this name. */
async function fetchText(url: URL, init: RequestInit): Promise<string | undefined> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
  if (answer.status === 404) {
    return undefined;
  }
  if (!answer.ok) {
    throw new Error(`it answered ${answer.status}`);
  }
  return (await answer.text()).trim();
}
