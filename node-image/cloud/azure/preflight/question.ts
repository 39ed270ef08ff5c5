/** What is to be deployed. */
export interface PreflightQuestion {
  /** Undefined: the only one that is seen. */
  readonly subscription?: string | undefined;
  /** Region, such as "westeurope". Undefined: none was said. */
  readonly location?: string | undefined;
  /** Resource group that is there already. */
  readonly resourceGroup?: string | undefined;
  /** That of the Media Nodes. */
  readonly mediaResourceGroup?: string | undefined;
  /** Name that clients use. */
  readonly domain?: string | undefined;
  readonly dnsZone?: string | undefined;
  readonly dnsZoneResourceGroup?: string | undefined;
  /** Of Media Nodes, or of a Single Node. */
  readonly vmSize: string;
  readonly masterVmSize: string;
  readonly maxMediaNodes: number;
  /** 0: a Single Node; 1: Elastic; more: High Availability. */
  readonly masters: number;
  /** Numbers of zones; none: the machines are in no zone. */
  readonly zones: readonly string[];
  /** Whether Media Nodes are spot machines. */
  readonly spot: boolean;
  readonly encryptionAtHost: boolean;
  /** Whether alarms or a log group are asked for. */
  readonly observability: boolean;
  /** Id of a subnet of Media Nodes; undefined: the deployment makes a network. */
  readonly subnet?: string | undefined;
  /** Id of a subnet of Master Nodes; undefined: that of Media Nodes. */
  readonly masterSubnet?: string | undefined;
  /** Id of a public address that is there already. */
  readonly publicAddress?: string | undefined;
  /** Id of a load balancer that is there already. */
  readonly loadBalancer?: string | undefined;
  /** Id of a scale set of Media Nodes that is there already. */
  readonly scaleSet?: string | undefined;
  /** Ids of identities that are there already. */
  readonly identities: readonly string[];
  /** Id of an image, or a URN. */
  readonly image: string | undefined;
  /** Id of a Key Vault that is there already. */
  readonly vault?: string | undefined;
}

/** What the shipped program takes, for `sluice:kind elastic`. */
export const QUESTION_DEFAULTS = {
  vmSize: 'Standard_F4s_v2',
  masterVmSize: 'Standard_F2s_v2',
  maxMediaNodes: 4,
  masters: 1,
  zones: ['1', '2', '3'],
} as const;
