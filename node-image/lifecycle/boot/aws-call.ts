import pRetry, { AbortError } from 'p-retry';
import { BootError, reasonOf } from './boot-error';

/** What one call of AWS is about, in words, for when it fails. */
export interface AwsCallWords {
  /** Such as "the configuration (SSM parameter /sluice/x/config-media)". */
  readonly what: string;
  /** The permission it takes, such as "ssm:GetParameter". */
  readonly permission: string;
  readonly region: string;
  /** What to do where it is not there. */
  readonly missing: string;
}

export interface Patience {
  /** How often is tried again. @default 6 */
  readonly retries?: number | undefined;
  /** The first wait, ms; doubles. @default 1000 */
  readonly minMs?: number | undefined;
}

const RETRIES = 6;
const MIN_MS = 1000;
const MAX_MS = 15_000;

/** Names of errors after which the same call never works. */
const HOPELESS =
  /NotFound|ValidationException|InvalidParameter|Malformed|InvalidRequest|Decryption/;
const DENIED = /AccessDenied|Unauthorized|UnrecognizedClient/;
const NO_CREDENTIALS = /Credentials/;

/**
 * Calls AWS, and again where that may help: a role can take seconds until it is known everywhere,
 * and the network of a machine that has just started is not always there.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function callAws<T>(
  words: AwsCallWords,
  call: () => Promise<T>,
  { retries = RETRIES, minMs = MIN_MS }: Patience = {},
): Promise<T> {
  try {
    return await pRetry(
      () =>
        call().catch((error: unknown) => {
          const isHopeless = error instanceof Error && HOPELESS.test(error.name);
          throw isHopeless ? new AbortError(error) : errorOf(error);
        }),
      { retries, minTimeout: minMs, maxTimeout: MAX_MS, randomize: true },
    );
  } catch (error) {
    if (error instanceof BootError) throw error;
    throw inWords(words, error);
  }
}

/** p-retry tells network errors from mistakes by their class. */
const errorOf = (error: unknown): Error =>
  error instanceof Error && !(error instanceof TypeError)
    ? error
    : new Error(reasonOf(error), { cause: error });

function inWords({ what, permission, region, missing }: AwsCallWords, error: unknown): BootError {
  const name = error instanceof Error ? error.name : '';
  const text = `${what} in ${region}`;
  const options = { cause: error };
  if (/NotFound/.test(name)) {
    return new BootError(`There is no ${text}: ${missing}.`, options);
  }
  if (DENIED.test(name)) {
    return new BootError(
      `This machine may not read or use ${text} (${reasonOf(error)}): give the role of its instance profile ${permission} on it, and kms:Decrypt where it has a key of its own.`,
      options,
    );
  }
  if (NO_CREDENTIALS.test(name)) {
    return new BootError(
      `This machine has no AWS credentials (${reasonOf(error)}), which ${text} takes: give its launch template an instance profile.`,
      options,
    );
  }
  if (HOPELESS.test(name)) {
    return new BootError(`${text} is refused (${reasonOf(error)}): ${missing}.`, options);
  }
  return new BootError(
    `AWS cannot be asked for ${text} (${reasonOf(error)}): see that the machine's subnet has a route there, its security group lets out TCP 443, and the time is right.`,
    options,
  );
}
