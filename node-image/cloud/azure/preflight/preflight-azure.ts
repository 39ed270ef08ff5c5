import { Resolver } from 'node:dns/promises';
import { DefaultAzureCredential } from '@azure/identity';
import { ArmReader } from './arm-reader';
import type { PreflightQuestion } from './question';
import { type PreflightReport, runPreflight } from './run-preflight';

/** Of each try to ask a name server. */
const DNS_MS = 3000;
const DNS_TRIES = 2;
const ENDPOINT = 'https://management.azure.com';

export interface PreflightAzureOptions {
  readonly question: PreflightQuestion;
  /** ARM_SUBSCRIPTION_ID and ARM_LOCATION, as Pulumi takes them, hold where nothing else was said. */
  readonly env: NodeJS.ProcessEnv;
}

/** Asks as whom `az login` or the environment names, and the DNS of this computer. */
export async function preflightAzure({
  question,
  env,
}: PreflightAzureOptions): Promise<PreflightReport> {
  const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES });
  return runPreflight({
    question: {
      ...question,
      subscription: question.subscription ?? env['ARM_SUBSCRIPTION_ID'],
      location: question.location ?? env['ARM_LOCATION'],
    },
    arm: new ArmReader({ endpoint: ENDPOINT, credential: new DefaultAzureCredential() }),
    resolveNs: (name) => resolver.resolveNs(name),
  });
}
