import { Resolver } from 'node:dns/promises';
import { preflightClients } from './clients';
import type { PreflightQuestion } from './question';
import { type PreflightReport, runPreflight } from './run-preflight';

/** Of each try to ask a name server. */
const DNS_MS = 3000;
const DNS_TRIES = 2;

/** Asks the account and the region that the environment names, and the DNS of this computer. */
export async function preflightAws(question: PreflightQuestion): Promise<PreflightReport> {
  const clients = preflightClients();
  const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES });
  try {
    return await runPreflight({
      question,
      clients,
      resolveNs: (name) => resolver.resolveNs(name),
    });
  } finally {
    clients.close();
  }
}
