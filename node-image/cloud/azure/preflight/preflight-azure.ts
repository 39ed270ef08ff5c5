import { Resolver } from 'node:dns/promises';
import { DefaultAzureCredential } from '@azure/identity';
import { findingsOf } from '../../../findings/finding';
import { reasonOf } from '../../../findings/reason';
import { ArmReader } from './arm-reader';
import { type AzureEnvironment, environmentOf } from './environment';
import type { PreflightQuestion } from './question';
import { type PreflightReport, runPreflight } from './run-preflight';

/** Of each try to ask a name server. */
const DNS_MS = 3000;
const DNS_TRIES = 2;

export interface PreflightAzureOptions {
  readonly question: PreflightQuestion;
  /**
   * ARM_SUBSCRIPTION_ID and ARM_LOCATION, as Pulumi takes them, hold where nothing else was said;
   * ARM_ENVIRONMENT names another of Azure's clouds.
   */
  readonly env: NodeJS.ProcessEnv;
}

/** Asks as whom `az login` or the environment names, and the DNS of this computer. */
export async function preflightAzure({
  question,
  env,
}: PreflightAzureOptions): Promise<PreflightReport> {
  let environment: AzureEnvironment;
  try {
    environment = environmentOf(env['ARM_ENVIRONMENT']);
  } catch (error) {
    const { failed } = findingsOf('Credentials and region');
    const finding = failed(reasonOf(error), 'Set ARM_ENVIRONMENT to one of them, or unset it.');
    return { caller: undefined, findings: [finding] };
  }
  const { endpoint, authorityHost } = environment;
  const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES });
  return runPreflight({
    question: {
      ...question,
      subscription: question.subscription ?? env['ARM_SUBSCRIPTION_ID'],
      location: question.location ?? env['ARM_LOCATION'],
    },
    arm: new ArmReader({ endpoint, credential: new DefaultAzureCredential({ authorityHost }) }),
    resolveNs: (name) => resolver.resolveNs(name),
  });
}
