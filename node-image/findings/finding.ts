/**
 * `failed`: a deployment fails by it, or nobody can join. `warning`: it may come to that. `unchecked`:
 * it was not asked for, or who could say did not, or nobody can know before.
 */
export type FindingStatus = 'ok' | 'warning' | 'failed' | 'unchecked';

/** What one check has found. */
export interface Finding {
  /** What was looked at, for people, such as "Certificate". */
  readonly check: string;
  readonly status: FindingStatus;
  /** What is so. */
  readonly found: string;
  /** What to do about it. There for all that failed. */
  readonly todo?: string;
}

/** Makes the findings of one check. */
export const findingsOf = (check: string) => ({
  ok: (found: string): Finding => ({ check, status: 'ok', found }),
  failed: (found: string, todo: string): Finding => ({ check, status: 'failed', found, todo }),
  warning: (found: string, todo: string): Finding => ({ check, status: 'warning', found, todo }),
  unchecked: (found: string, todo?: string): Finding => ({
    check,
    status: 'unchecked',
    found,
    ...(todo === undefined ? {} : { todo }),
  }),
});
