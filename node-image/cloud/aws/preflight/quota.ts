import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  type ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { type Asked, ask, unlessMissing } from './ask';

/** A quota of EC2. Source: Service Quotas, list-service-quotas --service-code ec2. */
export interface Quota {
  readonly code: string;
  /** As the console calls it. */
  readonly name: string;
}

export const PERMISSION = 'servicequotas:GetServiceQuota and GetAWSDefaultServiceQuota';

/** How much an account has: its own value, or what all have where it has none. */
export function quotaOf(quotas: ServiceQuotasClient, { code }: Quota): Promise<Asked<number>> {
  const input = { ServiceCode: 'ec2', QuotaCode: code };
  return ask(async () => {
    const own = await unlessMissing(['NoSuchResourceException'], () =>
      quotas.send(new GetServiceQuotaCommand(input)),
    );
    const { Quota: found } =
      own ?? (await quotas.send(new GetAWSDefaultServiceQuotaCommand(input)));
    if (found?.Value === undefined) throw new Error(`Service Quotas has no value of ${code}`);
    return found.Value;
  });
}

export const howToRaise = ({ code, name }: Quota, wanted: number): string =>
  `Ask for ${wanted} of "${name}", which may take days: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${code} --desired-value ${wanted}`;
