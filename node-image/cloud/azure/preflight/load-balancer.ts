import { z } from 'zod';
import type { Asked } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import type { ArmReader } from './arm-reader';
import { ask, uncheckedBy } from './ask';
import { type Check, isHere } from './context';

const TITLE = 'Load balancer';
const { ok, failed, warning } = findingsOf(TITLE);
const API = '2024-05-01';
/** Minutes: that of the load balancer which a deployment makes. */
const IDLE_MINUTES = 30;

const BALANCER = z.object({
  location: z.string(),
  sku: z.object({ name: z.string() }).optional(),
  properties: z.object({
    frontendIPConfigurations: z
      .array(z.object({ properties: z.object({ publicIPAddress: z.unknown().optional() }) }))
      .default([]),
    loadBalancingRules: z
      .array(
        z.object({
          name: z.string(),
          properties: z.object({
            protocol: z.string(),
            frontendPort: z.number(),
            idleTimeoutInMinutes: z.number().default(4),
            enableTcpReset: z.boolean().default(false),
          }),
        }),
      )
      .default([]),
    outboundRules: z.array(z.unknown()).default([]),
  }),
});
type Balancer = z.infer<typeof BALANCER>;

export const checkLoadBalancer: Check = async ({ question, arm, caller }) => {
  const { loadBalancer: id, masters } = question;
  if (id === undefined) {
    return masters > 1
      ? [ok('the deployment makes one: Standard, idle time-out 30 minutes, with TCP reset')]
      : [];
  }
  const asked = await ask(() => arm.find(BALANCER, id, API));
  return judgeBalancer(asked, id, (location) => isHere(location, caller));
};

/** Whether machines behind it leave by a rule of its own. */
export async function hasOutboundRules(arm: ArmReader, id: string): Promise<boolean> {
  const balancer = await arm.find(BALANCER, id, API);
  return (balancer?.properties.outboundRules.length ?? 0) > 0;
}

/** Source: "Load Balancer TCP reset and idle timeout". */
function judgeBalancer(
  asked: Asked<Balancer | undefined>,
  id: string,
  isOfRegion: (location: string) => boolean,
): readonly Finding[] {
  if (!('answer' in asked)) {
    return [uncheckedBy(TITLE, asked, 'Microsoft.Network/loadBalancers/read')];
  }
  if (asked.answer === undefined) {
    return [failed(`there is no ${id}`, 'See its id: az network lb list --query "[].id"')];
  }
  const { location, sku, properties } = asked.answer;
  const findings: Finding[] = [];
  if (sku?.name !== 'Standard') {
    findings.push(
      failed(
        `its SKU is ${sku?.name ?? 'Basic'}, which Azure has retired and machines over zones cannot be behind`,
        'Make one of the Standard SKU: az network lb create --sku Standard',
      ),
    );
  }
  if (!isOfRegion(location)) {
    findings.push(failed(`it is in ${location}`, 'Give one of the region of the stack.'));
  }
  if (!properties.frontendIPConfigurations.some((each) => each.properties.publicIPAddress)) {
    findings.push(
      failed(
        'it has no public address',
        'Clients come in by it: give it a frontend with a public address, Standard and static.',
      ),
    );
  }
  const rule = properties.loadBalancingRules.find(({ properties: each }) => {
    return each.frontendPort === 443 && each.protocol.toLowerCase() !== 'udp';
  });
  if (rule === undefined) {
    findings.push(
      failed(
        'it has no rule for TCP 443',
        'Add one to the Master Nodes: az network lb rule create --protocol Tcp --frontend-port 443 --backend-port 443',
      ),
    );
  } else {
    const { idleTimeoutInMinutes: idle, enableTcpReset } = rule.properties;
    const todo = `Set both: az network lb rule update --name ${rule.name} --idle-timeout ${IDLE_MINUTES} --enable-tcp-reset true`;
    if (!enableTcpReset) {
      findings.push(
        warning(`${rule.name} forgets silent connections without a word (no TCP reset)`, todo),
      );
    }
    if (idle < IDLE_MINUTES) {
      findings.push(
        warning(`${rule.name} forgets what is silent for ${idle} minutes (idle time-out)`, todo),
      );
    }
  }
  return findings.length > 0 ? findings : [ok('Standard, public, with a rule for TCP 443')];
}
