import { z } from 'zod';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat());

const statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z
    .union([z.literal('*'), z.object({ AWS: oneOrMore.optional() })])
    .optional()
    .transform((given) => (given === '*' ? ['*'] : (given?.AWS ?? []))),
  NotPrincipal: z.unknown().optional(),
  Action: oneOrMore.optional(),
  NotAction: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

const policy = z.object({
  Statement: z.union([statement, z.array(statement)]).transform((given) => [given].flat()),
});

type Statement = z.infer<typeof statement>;

/** What the policy of a key says of one role. */
export interface PolicyView {
  /** Actions such as "kms:Decrypt", or patterns such as "kms:ReEncrypt*". */
  readonly allowed: readonly string[];
  /** Allowed under conditions that are not judged here. */
  readonly conditional: readonly string[];
  /** Whether anything is denied to it, or to all. */
  readonly denies: boolean;
}

/**
 * Reads the policy of a key. What it lets the account decide by itself (the principal "root") does
 * not count: service-linked roles have no rights of their own on keys.
 *
 * @returns undefined where the text is not understood
 */
export function policyFor(text: string, role: string, account: string): PolicyView | undefined {
  const parsed = policy.safeParse(jsonOf(text));
  if (!parsed.success) return undefined;
  const statements = parsed.data.Statement;
  const concerns = ({ Principal }: Statement): boolean =>
    Principal.some((each) => each === '*' || each === role);
  const allows = statements.filter((each) => each.Effect === 'Allow' && concerns(each));
  const actionsOf = (some: readonly Statement[]) => some.flatMap(({ Action = [] }) => Action);
  return {
    allowed: actionsOf(allows.filter((each) => isPlain(each, account))),
    conditional: actionsOf(allows.filter((each) => !isPlain(each, account))),
    denies: statements.some(
      (each) => each.Effect === 'Deny' && (concerns(each) || each.NotPrincipal !== undefined),
    ),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether Auto Scaling meets the conditions. */
function isPlain({ Condition = {} }: Statement, account: string): boolean {
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, value]) => {
      const given = String(value);
      if (operator === 'Bool') return key === 'kms:GrantIsForAWSResource' && given === 'true';
      return operator === 'StringEquals' && key === 'kms:CallerAccount' && given === account;
    }),
  );
}

/** @param pattern - of an action, with * and ? */
export function permits(pattern: string, action: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(action);
}
