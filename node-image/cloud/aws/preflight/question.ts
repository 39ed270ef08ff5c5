/** What is to be deployed. */
export interface PreflightQuestion {
  /** Name that clients use. */
  readonly domain?: string | undefined;
  /** Id of the hosted zone of Route 53. */
  readonly zone?: string | undefined;
  /** ARN of a certificate of ACM. */
  readonly certificate?: string | undefined;
  /** Of Media Nodes: the first, and its alternatives. */
  readonly instanceTypes: readonly string[];
  readonly masterInstanceType: string;
  readonly maxMediaNodes: number;
  /** 0: a Single Node; 1: Elastic; more: High Availability. */
  readonly masters: number;
  /** Whether Media Nodes are spot instances. */
  readonly spot: boolean;
  /** Elastic IP addresses that the deployment allocates. */
  readonly staticAddresses: number;
  /** Ids of the subnets of Media Nodes; none: the deployment makes a VPC. */
  readonly subnets: readonly string[];
  /** Ids of the subnets of Master Nodes; none: those of Media Nodes. */
  readonly masterSubnets: readonly string[];
  /** ARN of a load balancer that is there already. */
  readonly loadBalancer?: string | undefined;
  /** ARN of the key of KMS that disks are encrypted with. */
  readonly key?: string | undefined;
  /** Of the CDK bootstrap. */
  readonly qualifier: string;
}

/** What the shipped stack SluiceElastic takes. */
export const QUESTION_DEFAULTS = {
  instanceType: 'c7i.xlarge',
  masterInstanceType: 'c7i.large',
  maxMediaNodes: 4,
  masters: 1,
  qualifier: 'hnb659fds',
} as const;
