import type { Finding } from '../../../findings/finding';
import type { ArmReader } from './arm-reader';
import type { Asked } from './ask';
import type { Caller } from './caller';
import type { MachineSizes } from './machine-sizes';
import type { PreflightQuestion } from './question';

/** What every check is given. */
export interface PreflightContext {
  readonly question: PreflightQuestion;
  readonly arm: ArmReader;
  readonly caller: Caller;
  /** Path of the subscription: "/subscriptions/ID". */
  readonly root: string;
  /** The sizes that are asked for, as far as the region has them. */
  readonly sizes: Asked<MachineSizes>;
  /** As resolveNs() of node:dns/promises. */
  readonly resolveNs: (name: string) => Promise<readonly string[]>;
}

/** Asks Azure by calls that change nothing, and judges what it says. */
export type Check = (context: PreflightContext) => Promise<readonly Finding[]>;

/** Whether it is the same region: "West Europe" is "westeurope". */
export const isHere = (location: string, { location: here }: Pick<Caller, 'location'>): boolean =>
  plainLocation(location) === here;

/** A region as paths and filters have it. */
export const plainLocation = (text: string): string => text.toLowerCase().replaceAll(' ', '');
