/** A server could not listen. The message is one sentence that says what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** Where a server listens, and the config keys that say so, for the message. */
export interface ListenPlace {
  readonly address: string;
  readonly port: number;
  /** @default "port" */
  readonly portKey?: string;
  /** @default "bind_addresses" */
  readonly addressKey?: string;
}

/** Turns what `listen` failed with into a sentence for the operator. */
export function listenErrorOf(cause: unknown, place: ListenPlace): ListenError {
  const { address, port, portKey = 'port', addressKey = 'bind_addresses' } = place;
  const where = address === '' ? `port ${port}` : `port ${port} of ${address}`;
  const code = codeOf(cause);
  switch (code) {
    case 'EADDRINUSE':
      return new ListenError(
        code,
        `Cannot listen on ${where}: another program has it; stop that program, or set "${portKey}" to a free port.`,
        cause,
      );
    case 'EACCES':
      return new ListenError(
        code,
        `Cannot listen on ${where}: this user may not; set "${portKey}" to 1024 or above, or give the process CAP_NET_BIND_SERVICE.`,
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError(
        code,
        `Cannot listen on ${where}: this machine has no such address; correct "${addressKey}".`,
        cause,
      );
    default:
      return new ListenError(code, `Cannot listen on ${where}: ${String(cause)}`, cause);
  }
}

function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
