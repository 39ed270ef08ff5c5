import type { Finding } from '../../../findings/finding';
import type { Asked } from './ask';
import type { Caller } from './caller';
import type { PreflightClients } from './clients';
import type { MachineTypes } from './machine-types';
import type { PreflightQuestion } from './question';
import type { SubnetFacts } from './subnet-facts';

/** What every check is given. */
export interface PreflightContext {
  readonly question: PreflightQuestion;
  readonly clients: PreflightClients;
  readonly caller: Caller;
  /** The types that are asked for, as far as the region has them. */
  readonly types: Asked<MachineTypes>;
  /** The subnets that are asked for, as far as the region has them. */
  readonly subnets: Asked<readonly SubnetFacts[]>;
  /** As resolveNs() of node:dns/promises. */
  readonly resolveNs: (name: string) => Promise<readonly string[]>;
}

/** Asks AWS by calls that change nothing, and judges what it says. */
export type Check = (context: PreflightContext) => Promise<readonly Finding[]>;
