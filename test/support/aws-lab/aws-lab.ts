import { tmpdir } from 'node:os';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { type CdkRun, runCdk } from './cdk';
import { ACCOUNT, LabServer, REGION } from './lab-server';

export interface DeployOptions {
  /** What `--app` takes: a cloud assembly's folder, or a command that makes one. */
  readonly app: string;
  /** By `--parameters`. @default none */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Further arguments of `cdk deploy`. @default none */
  readonly args?: readonly string[];
}

/** Of a stack's template, what tests look at. */
export interface LabTemplate {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly CreationPolicy?: unknown }>
  >;
}

/** A resource of a stack. */
export interface LabResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
}

/**
 * An AWS on this machine to which the real `cdk` deploys. What it does is in aws_lab and its README;
 * close it at the end.
 */
export class AwsLab {
  readonly server: LabServer;
  readonly autoScaling: AutoScalingClient;
  readonly cloudFormation: CloudFormationClient;
  readonly ec2: EC2Client;
  readonly secrets: SecretsManagerClient;
  readonly sqs: SQSClient;
  readonly ssm: SSMClient;

  private constructor(server: LabServer) {
    this.server = server;
    const given = {
      endpoint: server.url,
      region: REGION,
      credentials: { accessKeyId: 'lab', secretAccessKey: 'lab' },
    };
    this.autoScaling = new AutoScalingClient(given);
    this.cloudFormation = new CloudFormationClient(given);
    this.ec2 = new EC2Client(given);
    this.secrets = new SecretsManagerClient(given);
    this.sqs = new SQSClient(given);
    this.ssm = new SSMClient(given);
  }

  /** @throws Error with its log when it does not serve. */
  static async start(): Promise<AwsLab> {
    return new AwsLab(await LabServer.start());
  }

  /** What a program needs in its environment to take the lab for AWS. */
  get env(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL: this.server.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'lab',
      AWS_SECRET_ACCESS_KEY: 'lab',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  /** `cdk bootstrap`. @throws Error with what it printed. */
  async bootstrap(): Promise<void> {
    // Where there is no cdk.json: the project's would make its stacks first.
    const run = await this.#cdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`], tmpdir());
    if (run.code !== 0) throw new Error(`cdk bootstrap ended with ${run.code}\n${run.output}`);
  }

  /**
   * `cdk deploy`, and a look at what became of the stack: the command has been seen to succeed where
   * the stack did not.
   *
   * @returns the outputs of the stack.
   * @throws Error with what it printed and with the events that failed.
   */
  async deploy(stack: string, options: DeployOptions): Promise<Readonly<Record<string, string>>> {
    const run = await this.tryDeploy(stack, options);
    const found = await this.status(stack);
    if (run.code !== 0 || !/^(CREATE|UPDATE)_COMPLETE$/.test(found)) {
      const reasons = (await this.failures(stack)).join('\n');
      throw new Error(
        `cdk deploy ended with ${run.code}, ${stack} is ${found}\n${reasons}\n${run.output}`,
      );
    }
    return this.outputs(stack);
  }

  /** `cdk deploy`, whatever becomes of it. */
  tryDeploy(stack: string, options: DeployOptions): Promise<CdkRun> {
    const { app, parameters = {}, args = [] } = options;
    const given = Object.entries(parameters).flatMap(([name, value]) => [
      '--parameters',
      `${stack}:${name}=${value}`,
    ]);
    const fixed = ['--method=direct', '--require-approval=never', '--progress=events'];
    return this.#cdk(['deploy', stack, '--app', app, ...fixed, ...given, ...args]);
  }

  /** Of a stack, such as CREATE_COMPLETE. Empty: there is none. */
  async status(stack: string): Promise<string> {
    return (await this.#stack(stack))?.StackStatus ?? '';
  }

  async outputs(stack: string): Promise<Readonly<Record<string, string>>> {
    const outputs = (await this.#stack(stack))?.Outputs ?? [];
    return Object.fromEntries(
      outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    );
  }

  /** All that a stack has; of one type: the `type`. */
  async resources(stack: string, type?: string): Promise<LabResource[]> {
    const answer = await this.cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: stack }),
    );
    const all = (answer.StackResources ?? []).map((one) => ({
      logicalId: one.LogicalResourceId ?? '',
      physicalId: one.PhysicalResourceId ?? '',
      type: one.ResourceType ?? '',
    }));
    return type === undefined ? all : all.filter((one) => one.type === type);
  }

  /** What a stack was made of. */
  async template(stack: string): Promise<LabTemplate> {
    const { TemplateBody = '{}' } = await this.cloudFormation.send(
      new GetTemplateCommand({ StackName: stack }),
    );
    return JSON.parse(TemplateBody) as LabTemplate;
  }

  /** Events of a stack, oldest first: `LogicalId STATUS reason`. */
  async events(stack: string): Promise<string[]> {
    const answer = await this.cloudFormation.send(
      new DescribeStackEventsCommand({ StackName: stack }),
    );
    return (answer.StackEvents ?? [])
      .map((one) =>
        [one.LogicalResourceId, one.ResourceStatus, one.ResourceStatusReason]
          .filter(Boolean)
          .join(' '),
      )
      .reverse();
  }

  /** Those of the events that say FAILED. */
  async failures(stack: string): Promise<string[]> {
    const events = await this.events(stack).catch(() => []);
    return events.filter((one) => / \w+_FAILED /.test(one));
  }

  /**
   * A call of an API for which no client of the SDK is installed, by AWS's query protocol.
   *
   * @returns the answer's XML.
   * @throws Error with the answer where it is refused.
   */
  async query(
    service: string,
    version: string,
    action: string,
    params: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const answer = await fetch(this.server.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: signedFor(service),
      },
      body: new URLSearchParams({ Action: action, Version: version, ...params }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action} answered ${answer.status}: ${text}`);
    return text;
  }

  /** A certificate of ACM, made for a domain. @returns its ARN. */
  async certificate(domain: string): Promise<string> {
    const answer = await fetch(this.server.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'CertificateManager.RequestCertificate',
        authorization: signedFor('acm'),
      },
      body: JSON.stringify({ DomainName: domain }),
    });
    const { CertificateArn } = (await answer.json()) as { CertificateArn: string };
    return CertificateArn;
  }

  /** A hosted zone of Route 53. @returns its id. */
  async hostedZone(domain: string): Promise<string> {
    const answer = await fetch(`${this.server.url}/2013-04-01/hostedzone`, {
      method: 'POST',
      headers: { authorization: signedFor('route53') },
      body: `<CreateHostedZoneRequest><Name>${domain}</Name><CallerReference>${domain}</CallerReference></CreateHostedZoneRequest>`,
    });
    const found = /<Id>\/hostedzone\/(\w+)<\/Id>/.exec(await answer.text())?.[1];
    if (found === undefined) throw new Error(`no hosted zone was made: ${answer.status}`);
    return found;
  }

  /** Lets hooks and creation signals run out sooner. @param seconds - by which time moves on. */
  async passTime(seconds: number): Promise<void> {
    await this.server.control('clock', { seconds });
  }

  /** An event of an AWS service, such as a Spot notice, to the rules of the default bus. */
  async sendEvent(source: string, detailType: string, detail: unknown): Promise<void> {
    await this.server.control('event', { source, 'detail-type': detailType, detail });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const client of [this.autoScaling, this.cloudFormation, this.ec2]) client.destroy();
    for (const client of [this.secrets, this.sqs, this.ssm]) client.destroy();
    await this.server.close();
  }

  #cdk(args: readonly string[], folder?: string): Promise<CdkRun> {
    const where = folder === undefined ? {} : { folder };
    return runCdk(args, { endpoint: this.server.url, region: REGION, ...where });
  }

  async #stack(name: string) {
    const { Stacks } = await this.cloudFormation
      .send(new DescribeStacksCommand({}))
      .catch((error: unknown) => {
        throw new Error(`the stacks of the lab: ${String(error)}\n${this.server.log}`);
      });
    return Stacks?.find(({ StackName }) => StackName === name);
  }
}

/** By this the lab knows which service is meant; it does not look at signatures. */
function signedFor(service: string): string {
  const scope = `lab/20260101/${REGION}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
}
