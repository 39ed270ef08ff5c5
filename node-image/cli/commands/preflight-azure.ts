import type { Command } from 'commander';
import { type PreflightQuestion, QUESTION_DEFAULTS } from '../../cloud/azure/preflight/question';
import type { PreflightReport } from '../../cloud/azure/preflight/run-preflight';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { countArgument, examples, newCommand } from '../command';
import { answerOf } from '../findings-table';
import { CliError, type CliIo } from '../io';
import { domain, each, formed, numberArgument } from './preflight-arguments';

/** Asks the subscription of Azure that the environment names. */
export type RunPreflightAzure = (question: PreflightQuestion) => Promise<PreflightReport>;

interface AzureOptions {
  readonly subscription?: string;
  readonly location?: string;
  readonly resourceGroup?: string;
  readonly mediaResourceGroup?: string;
  readonly domain?: string;
  readonly dnsZone?: string;
  readonly dnsZoneResourceGroup?: string;
  readonly vmSize: string;
  readonly masterVmSize: string;
  readonly maxMediaNodes?: number;
  readonly masters: number;
  /** Of commander: undefined for neither, false for --no-zones. */
  readonly zone?: readonly string[];
  readonly zones: boolean;
  readonly spot?: boolean;
  readonly encryptionAtHost?: boolean;
  readonly observability?: boolean;
  readonly subnet?: string;
  readonly masterSubnet?: string;
  readonly publicAddress?: string;
  readonly loadBalancer?: string;
  readonly scaleSet?: string;
  readonly identity?: readonly string[];
  readonly image?: string;
  readonly vault?: string;
  readonly json?: boolean;
}

const DEFAULTS = QUESTION_DEFAULTS;

export function preflightAzureCommand(
  io: CliIo,
  run: RunPreflightAzure,
  setExitCode: (code: number) => void,
): Command {
  return newCommand('azure', io)
    .description(
      'look for what a deployment fails by in a subscription of Azure; changes nothing there',
    )
    .option('--subscription <id>', 'subscription; needed where several are seen', uuid)
    .option('--location <region>', 'region, such as westeurope', region)
    .option('--resource-group <name>', 'a resource group of yours', group)
    .option('--media-resource-group <name>', 'that of the Media Nodes', group)
    .option('--domain <name>', 'name that clients will use', domain)
    .option('--dns-zone <name>', 'zone of Azure DNS', domain)
    .option('--dns-zone-resource-group <name>', 'where the zone is', group)
    .option('--vm-size <size>', 'of Media Nodes, or a Single Node', vmSize, DEFAULTS.vmSize)
    .option('--master-vm-size <size>', 'of Master Nodes', vmSize, DEFAULTS.masterVmSize)
    .option(
      '--max-media-nodes <count>',
      `Media Nodes at most (default: ${DEFAULTS.maxMediaNodes})`,
      countArgument,
    )
    .option(
      '--masters <count>',
      '0 for a Single Node, 1 for Elastic, 3 for High Availability',
      numberArgument,
      DEFAULTS.masters,
    )
    .option(
      '--zone <number>',
      'zone of the machines; may be repeated (default: 1, 2, 3)',
      each(zone),
    )
    .option('--no-zones', 'the machines are in no zone')
    .option('--spot', 'Media Nodes are spot machines')
    .option('--encryption-at-host', 'the machines are encrypted at their host')
    .option('--observability', 'alarms or a log group are asked for')
    .option('--subnet <id>', 'of Media Nodes, in a network of yours', subnetId)
    .option('--master-subnet <id>', 'of Master Nodes', subnetId)
    .option('--public-address <id>', 'a public address of yours', networkId('publicIPAddresses'))
    .option('--load-balancer <id>', 'a load balancer of yours', networkId('loadBalancers'))
    .option('--scale-set <id>', 'a scale set that is there', idOf('Compute', SET))
    .option('--identity <id>', 'an identity of yours; may be repeated', each(resourceId))
    .option('--image <id>', 'an image of yours, or its URN', image)
    .option('--vault <id>', 'a Key Vault of yours', idOf('KeyVault', 'vaults'))
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      `
Who asks is whom az login or the environment says: AZURE_CLIENT_ID and the like. ARM_LOCATION and
ARM_SUBSCRIPTION_ID hold where the options are not given. All calls only read. Exit codes: 0 nothing
was found that fails; 1 something was; 2 wrong use.
${examples(
  'sluice preflight azure --location westeurope --domain meet.example.com',
  'sluice preflight azure --location westeurope --masters 3 --max-media-nodes 10 --json',
)}`,
    )
    .action(async (options: AzureOptions) => {
      const { caller, findings } = await run(questionOf(options));
      const shown = { json: options.json === true, columns: io.columns };
      const { text, exitCode } = answerOf(
        findings,
        { subscription: caller?.subscription, location: caller?.location },
        shown,
      );
      io.print(text);
      setExitCode(exitCode);
    });
}

function questionOf(options: AzureOptions): PreflightQuestion {
  const { masters, maxMediaNodes, masterSubnet, mediaResourceGroup } = options;
  const isOfCluster =
    (maxMediaNodes ?? 1) > 1 || masterSubnet !== undefined || mediaResourceGroup !== undefined;
  if (masters === 0 && isOfCluster) {
    throw new CliError(
      EXIT_USAGE,
      '--masters 0 is a Single Node, which is one machine: leave out --max-media-nodes, --master-subnet and --media-resource-group.',
    );
  }
  if (!options.zones && options.zone !== undefined) {
    throw new CliError(EXIT_USAGE, '--zone and --no-zones contradict: leave one of them out.');
  }
  return {
    subscription: options.subscription,
    location: options.location,
    resourceGroup: options.resourceGroup,
    mediaResourceGroup,
    domain: options.domain,
    dnsZone: options.dnsZone,
    dnsZoneResourceGroup: options.dnsZoneResourceGroup,
    vmSize: options.vmSize,
    masterVmSize: options.masterVmSize,
    maxMediaNodes: maxMediaNodes ?? (masters === 0 ? 1 : DEFAULTS.maxMediaNodes),
    masters,
    zones: options.zones ? (options.zone ?? DEFAULTS.zones) : [],
    spot: options.spot === true,
    encryptionAtHost: options.encryptionAtHost === true,
    observability: options.observability === true,
    subnet: options.subnet,
    masterSubnet,
    publicAddress: options.publicAddress,
    loadBalancer: options.loadBalancer,
    scaleSet: options.scaleSet,
    identities: options.identity ?? [],
    image: options.image,
    vault: options.vault,
  };
}

const SET = 'virtualMachineScaleSets';
const GROUP = '/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+/providers';

const uuid = formed(
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  'the id of a subscription such as 00000000-0000-0000-0000-000000000000',
);
const region = formed(/^[a-z][a-z0-9 ]+$/i, 'a region such as westeurope');
// Source: "Naming rules and restrictions for Azure resources", Microsoft.Resources.
const group = formed(/^[\w().-]{0,89}[\w()-]$/, 'the name of a resource group, not its id');
const vmSize = formed(
  /^(?:Standard|Basic)_[A-Za-z]+\d+[A-Za-z0-9_-]*$/,
  'a size such as Standard_F4s_v2',
);
const zone = formed(/^[1-9]$/, 'the number of a zone: 1, 2 or 3');

/** The id of a resource. `type` may have several parts: virtualNetworks/subnets. */
function idOf(provider: string, type: string): (text: string) => string {
  const [head = '', ...rest] = type.split('/');
  const path = [`Microsoft.${provider}`, `${head}/[^/]+`, ...rest.map((part) => `${part}/[^/]+`)];
  return formed(
    new RegExp(`^${GROUP}/${path.join('/').replace('.', '\\.')}$`, 'i'),
    `an id: /subscriptions/ID/resourceGroups/NAME/providers/Microsoft.${provider}/${[head, ...rest].map((part) => `${part}/NAME`).join('/')}`,
  );
}

const networkId = (type: string) => idOf('Network', type);
const subnetId = networkId('virtualNetworks/subnets');
const resourceId = formed(
  new RegExp(`^${GROUP}/[^/]+/[^/]+/[^/]+$`, 'i'),
  'an id: /subscriptions/ID/resourceGroups/NAME/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME',
);
const image = formed(
  /^(\/subscriptions\/.+|[\w.-]+(:[\w.-]+){3})$/i,
  'an id of an image, or a URN such as Debian:debian-12:12-gen2:latest',
);
