/** An answer that is an error. Source: "Common Azure Resource Manager error codes". */
export class AzureFault extends Error {
  override readonly name = 'AzureFault';
  readonly code: string;
  readonly status: number;
  /** As header Retry-After, s. */
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, status: number, retryAfter?: number) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Source: "Understand how Azure Resource Manager throttles requests". */
export const tooManyRequests = (seconds: number): AzureFault =>
  new AzureFault('TooManyRequests', 'Number of requests exceeded the limit', 429, seconds);

/** Source: "Asynchronous operations" of the REST API: another operation has the resource. */
export const conflict = (): AzureFault =>
  new AzureFault('Conflict', 'Another operation is in progress', 409);

/** Source: "Resolve errors for resource quotas". */
export const quotaExceeded = (): AzureFault =>
  new AzureFault('OperationNotAllowed', 'exceeding approved Total Regional Cores quota', 409);
