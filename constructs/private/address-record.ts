import * as iam from 'aws-cdk-lib/aws-iam';
import type { MasterAddressRecord } from '../master-nodes-options';

/** What boot.json says of the record. */
export function recordOf({ zone, name }: MasterAddressRecord) {
  return { zone: zone.hostedZoneId, name };
}

/** Lets a machine write that one record, and no other. */
export function grantRecord(role: iam.IRole, { zone, name }: MasterAddressRecord): void {
  const all = (key: string, value: string) => ({
    [`route53:ChangeResourceRecordSets${key}`]: [value],
  });
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      sid: 'NameItself',
      actions: ['route53:ChangeResourceRecordSets'],
      resources: [zone.hostedZoneArn],
      conditions: {
        'ForAllValues:StringEquals': {
          ...all('NormalizedRecordNames', name.toLowerCase().replace(/\.$/, '')),
          ...all('RecordTypes', 'A'),
          ...all('Actions', 'UPSERT'),
        },
      },
    }),
  );
}
