import { type Finding, findingsOf } from './finding';
import { reasonOf } from './reason';

/** Something that is looked at, under one title. */
export interface TitledCheck {
  readonly title: string;
  /** May reject: that is a finding. */
  readonly run: () => Promise<readonly Finding[]>;
}

/**
 * Makes all checks at once. Never rejects: a check that fails by itself, or takes too long, has found
 * out nothing, and says so.
 *
 * @param limitMs - for each check. @default - as long as it takes
 * @returns what they have found, in the order of the checks
 */
export async function runChecks(
  checks: readonly TitledCheck[],
  limitMs?: number,
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ title, run }): Promise<readonly Finding[]> => {
      const { unchecked } = findingsOf(title);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<readonly Finding[]>((resolve) => {
        if (limitMs === undefined) return;
        timer = setTimeout(
          () => resolve([unchecked(`this check has taken longer than ${limitMs / 1000} s`)]),
          limitMs,
        );
      });
      try {
        return await Promise.race([run(), late]);
      } catch (error) {
        return [unchecked(`this check has failed: ${reasonOf(error)}`)];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return found.flat();
}
