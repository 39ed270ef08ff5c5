import type { Command } from 'commander';
import { type PreflightQuestion, QUESTION_DEFAULTS } from '../../cloud/aws/preflight/question';
import type { PreflightReport } from '../../cloud/aws/preflight/run-preflight';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { countArgument, examples, newCommand } from '../command';
import { answerOf } from '../findings-table';
import { CliError, type CliIo } from '../io';
import { domain, each, formed, numberArgument } from './preflight-arguments';

/** Asks the account of AWS that the environment names. */
export type RunPreflight = (question: PreflightQuestion) => Promise<PreflightReport>;

interface AwsOptions {
  readonly domain?: string;
  readonly zone?: string;
  readonly certificate?: string;
  readonly instanceType?: readonly string[];
  readonly masterInstanceType: string;
  readonly maxMediaNodes?: number;
  readonly masters: number;
  readonly spot?: boolean;
  readonly staticAddresses: number;
  readonly subnet?: readonly string[];
  readonly masterSubnet?: readonly string[];
  readonly loadBalancer?: string;
  readonly key?: string;
  readonly qualifier: string;
  readonly json?: boolean;
}

const DEFAULTS = QUESTION_DEFAULTS;

export function preflightAwsCommand(
  io: CliIo,
  run: RunPreflight,
  setExitCode: (code: number) => void,
): Command {
  return newCommand('aws', io)
    .description('look for what a deployment fails by in an account of AWS; changes nothing there')
    .option('--domain <name>', 'name that clients will use', domain)
    .option('--zone <id>', 'hosted zone of Route 53', zoneId)
    .option('--certificate <arn>', 'certificate of ACM', arnOf('acm', 'certificate/'))
    .option(
      '--instance-type <type>',
      `of Media Nodes; repeat it for alternatives (default: "${DEFAULTS.instanceType}")`,
      each(instanceType),
    )
    .option(
      '--master-instance-type <type>',
      'of Master Nodes',
      instanceType,
      DEFAULTS.masterInstanceType,
    )
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
    .option('--spot', 'Media Nodes are spot instances')
    .option('--static-addresses <count>', 'Elastic IP addresses it allocates', numberArgument, 0)
    .option('--subnet <id>', 'of Media Nodes, in a VPC of yours; may be repeated', each(subnetId))
    .option('--master-subnet <id>', 'of Master Nodes; may be repeated', each(subnetId))
    .option(
      '--load-balancer <arn>',
      'a load balancer of yours',
      arnOf('elasticloadbalancing', 'loadbalancer/'),
    )
    .option('--key <arn>', 'key of KMS for the disks', arnOf('kms', '(key|alias)/'))
    .option('--qualifier <name>', 'of the CDK bootstrap', qualifier, DEFAULTS.qualifier)
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      `
The account and the region are those of the environment: AWS_PROFILE, AWS_REGION. All calls only
read. Exit codes: 0 nothing was found that fails; 1 something was; 2 wrong use.
${examples(
  'sluice preflight aws --domain meet.example.com --zone Z0123456789ABCDEFGHIJ',
  'sluice preflight aws --masters 3 --max-media-nodes 10 --json',
)}`,
    )
    .action(async (options: AwsOptions) => {
      const { caller, findings } = await run(questionOf(options));
      const shown = { json: options.json === true, columns: io.columns };
      const { text, exitCode } = answerOf(
        findings,
        { account: caller?.account, region: caller?.region },
        shown,
      );
      io.print(text);
      setExitCode(exitCode);
    });
}

function questionOf(options: AwsOptions): PreflightQuestion {
  const { masters, maxMediaNodes, masterSubnet = [] } = options;
  if (masters === 0 && ((maxMediaNodes ?? 1) > 1 || masterSubnet.length > 0)) {
    throw new CliError(
      EXIT_USAGE,
      '--masters 0 is a Single Node, which is one machine: leave out --max-media-nodes and --master-subnet.',
    );
  }
  return {
    domain: options.domain,
    zone: options.zone,
    certificate: options.certificate,
    instanceTypes: options.instanceType ?? [DEFAULTS.instanceType],
    masterInstanceType: options.masterInstanceType,
    maxMediaNodes: maxMediaNodes ?? (masters === 0 ? 1 : DEFAULTS.maxMediaNodes),
    masters,
    spot: options.spot === true,
    staticAddresses: options.staticAddresses,
    subnets: options.subnet ?? [],
    masterSubnets: masterSubnet,
    loadBalancer: options.loadBalancer,
    key: options.key,
    qualifier: options.qualifier,
  };
}

const zoneId = formed(/^Z[A-Z0-9]{1,31}$/, 'the id of a zone such as Z0123456789ABCDEFGHIJ');
const instanceType = formed(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an instance type such as c7i.xlarge');
const subnetId = formed(/^subnet-[0-9a-f]{8,17}$/, 'the id of a subnet such as subnet-0a1b2c3d');
const qualifier = formed(/^[a-z0-9]{1,10}$/i, 'up to 10 letters and digits');

const arnOf = (service: string, resource: string) =>
  formed(
    new RegExp(`^arn:[a-z-]+:${service}:[a-z0-9-]+:\\d{12}:${resource}.+$`),
    `an ARN of ${service}: arn:aws:${service}:REGION:ACCOUNT:${resource.replace(/^\((\w+)\|.*\)/, '$1')}...`,
  );
