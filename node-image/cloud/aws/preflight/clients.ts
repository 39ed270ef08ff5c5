import { ACMClient } from '@aws-sdk/client-acm';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { Route53Client } from '@aws-sdk/client-route-53';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { type AwsClientOptions, clientOptions } from '../clients';

/** The services of AWS that are asked before a deployment. */
export interface PreflightClients {
  readonly acm: ACMClient;
  readonly ec2: EC2Client;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly iam: IAMClient;
  readonly kms: KMSClient;
  readonly quotas: ServiceQuotasClient;
  readonly route53: Route53Client;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
  /** Idempotent. */
  close(): void;
}

/** Clients with the credentials and the region that the SDK finds, unless they are given. */
export function preflightClients(given: AwsClientOptions = {}): PreflightClients {
  const options = clientOptions(given);
  const clients = {
    acm: new ACMClient(options),
    ec2: new EC2Client(options),
    elb: new ElasticLoadBalancingV2Client(options),
    iam: new IAMClient(options),
    kms: new KMSClient(options),
    quotas: new ServiceQuotasClient(options),
    route53: new Route53Client(options),
    ssm: new SSMClient(options),
    sts: new STSClient(options),
  };
  return {
    ...clients,
    close: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
