import type { Finding } from '../../../findings/finding';
import { runChecks } from '../../../findings/run-checks';
import { checkAddressQuota } from './address-quota';
import { ask } from './ask';
import { checkBeforehand } from './beforehand';
import { checkParameters } from './bootstrap';
import { checkBoundary } from './boundary';
import { type Caller, findCaller } from './caller';
import { checkCertificate } from './certificate';
import type { PreflightClients } from './clients';
import type { Check, PreflightContext } from './context';
import { checkKey } from './group-key';
import { checkHostedZone } from './hosted-zone';
import { checkInstanceTypes } from './instance-types';
import { checkLoadBalancer } from './load-balancer';
import { fetchMachineTypes } from './machine-types';
import type { PreflightQuestion } from './question';
import { checkServiceRoles } from './service-roles';
import { fetchSubnets } from './subnet-facts';
import { checkSubnets } from './subnets';
import { checkVcpuQuotas } from './vcpu-quotas';

/** In the order in which they are told. */
const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  ['Instance types', checkInstanceTypes],
  ['vCPUs', checkVcpuQuotas],
  ['Elastic IP addresses', checkAddressQuota],
  ['Subnets', checkSubnets],
  ['Hosted zone', checkHostedZone],
  ['Certificate', checkCertificate],
  ['Load balancer', checkLoadBalancer],
  ['CDK bootstrap', checkParameters],
  ['Service-linked roles', checkServiceRoles],
  ['Key of the disks', checkKey],
  ['Permissions boundary', checkBoundary],
  ['Beforehand', checkBeforehand],
];

export interface PreflightOptions {
  readonly question: PreflightQuestion;
  /** Are left open. */
  readonly clients: PreflightClients;
  /** As resolveNs() of node:dns/promises. */
  readonly resolveNs: PreflightContext['resolveNs'];
}

export interface PreflightReport {
  /** Undefined where there are no credentials, or no region. */
  readonly caller: Caller | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Says what in an account of AWS a deployment would fail by. Changes nothing there. Never rejects:
 * what AWS does not say is a finding too.
 */
export async function runPreflight(options: PreflightOptions): Promise<PreflightReport> {
  const { question, clients } = options;
  const { finding, caller } = await findCaller(clients.sts);
  if (caller === undefined) return { caller, findings: [finding] };
  const { instanceTypes, masterInstanceType, masters } = question;
  const names = [...instanceTypes, ...(masters === 0 ? [] : [masterInstanceType])];
  const [types, subnets] = await Promise.all([
    ask(() => fetchMachineTypes(clients.ec2, names)),
    ask(() => fetchSubnets(clients.ec2, [...question.subnets, ...question.masterSubnets])),
  ]);
  const context = { ...options, caller, types, subnets };
  const found = await runChecks(
    CHECKS.map(([title, check]) => ({ title, run: () => check(context) })),
  );
  return { caller, findings: [finding, ...found] };
}
