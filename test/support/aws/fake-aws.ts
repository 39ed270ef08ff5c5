import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type AwsClients, awsClients } from '../../../node-image/cloud/aws/clients';
import type { FakeQueue } from './fake-queue';
import type { FakeMachine, FakeScalingGroup } from './fake-scaling-group';
import { AwsFault } from './fault';
import { listIn, type Xml, xmlOf } from './xml';

const JSON_TYPE = 'application/x-amz-json-1.0';

/** A call as it came. */
export interface AwsCall {
  readonly action: string;
  readonly atMs: number;
  readonly query: URLSearchParams;
}

interface PlannedFault {
  readonly action: string;
  readonly fault: AwsFault;
  times: number;
}

export interface SentSignal {
  readonly stack: string;
  readonly resource: string;
  readonly status: string;
  readonly uniqueId: string;
}

/**
 * Answers the SDK of AWS on loopback: Auto Scaling and CloudFormation by the query protocol, EC2 by its
 * own, SQS by JSON, as the SDK sends them. Signatures are not looked at.
 */
export class FakeAws {
  readonly calls: AwsCall[] = [];
  readonly signals: SentSignal[] = [];
  /** Stacks that wait for signals, by name. Source: CloudFormation API, API_SignalResource.html. */
  readonly waitingStacks = new Set<string>();
  readonly latestVersions = new Map<string, number>();
  readonly clients: AwsClients;
  readonly url: string;
  readonly #server: Server;
  readonly #group: FakeScalingGroup;
  readonly #queue: FakeQueue | undefined;
  readonly #faults: PlannedFault[] = [];

  private constructor(server: Server, group: FakeScalingGroup, queue: FakeQueue | undefined) {
    this.#server = server;
    this.#group = group;
    this.#queue = queue;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.clients = awsClients({
      region: 'eu-west-1',
      endpoint: this.url,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      attempts: 1,
    });
  }

  static async start(group: FakeScalingGroup, queue?: FakeQueue): Promise<FakeAws> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const aws = new FakeAws(server, group, queue);
    server.on('request', (request, response) => void aws.#answer(request, response));
    return aws;
  }

  /** The next calls of this action fail: throttled, unless it is said otherwise. */
  fail(
    action: string,
    times: number,
    fault = new AwsFault('Throttling', 'Rate exceeded', 400),
  ): void {
    this.#faults.push({ action, fault, times });
  }

  countOf(action: string): number {
    return this.calls.filter((call) => call.action === action).length;
  }

  async close(): Promise<void> {
    this.clients.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const target = String(request.headers['x-amz-target'] ?? '');
    const isJson = target !== '';
    const query = new URLSearchParams(isJson ? '' : body);
    const action = isJson ? (target.split('.').at(-1) ?? '') : (query.get('Action') ?? '');
    this.calls.push({ action, atMs: performance.now(), query });
    try {
      this.#failAsPlanned(action);
      const answer = isJson
        ? JSON.stringify(this.#json(action, JSON.parse(body) as Record<string, unknown>))
        : this.#query(action, query);
      response.setHeader('content-type', isJson ? JSON_TYPE : 'text/xml').end(answer);
    } catch (error) {
      const fault =
        error instanceof AwsFault ? error : new AwsFault('InternalFailure', String(error), 500);
      response.statusCode = fault.status;
      response.setHeader('content-type', isJson ? JSON_TYPE : 'text/xml');
      response.end(isJson ? jsonFault(fault) : xmlFault(fault, query.get('Version') ?? ''));
    }
  }

  #failAsPlanned(action: string): void {
    const planned = this.#faults.find((one) => one.action === action && one.times > 0);
    if (planned === undefined) return;
    planned.times -= 1;
    throw planned.fault;
  }

  #json(action: string, input: Record<string, unknown>): object {
    if (action === 'ReceiveMessage') {
      const most = Number(input['MaxNumberOfMessages'] ?? 1);
      const seconds = Number(input['VisibilityTimeout'] ?? 30);
      return { Messages: this.#queue?.receive(most, seconds) ?? [] };
    }
    if (action === 'DeleteMessage') {
      this.#queue?.delete(String(input['ReceiptHandle']));
      return {};
    }
    throw new AwsFault('InvalidAction', `the fake has no ${action}`);
  }

  #query(action: string, query: URLSearchParams): string {
    const get = (name: string): string => query.get(name) ?? '';
    const group = this.#group;
    const result = (xml: Xml = {}): string =>
      `<${action}Response><${action}Result>${xmlOf(xml, 'member')}</${action}Result></${action}Response>`;
    const ec2 = (xml: Xml): string =>
      `<${action}Response>${xmlOf(xml, 'item')}</${action}Response>`;
    switch (action) {
      case 'DescribeAutoScalingGroups':
        group.settle();
        return result({
          AutoScalingGroups: this.#groups(listIn(query, 'AutoScalingGroupNames.member')),
        });
      case 'SetDesiredCapacity':
        group.setDesired(Number(get('DesiredCapacity')));
        return result();
      case 'TerminateInstanceInAutoScalingGroup':
        group.terminate(get('InstanceId'), get('ShouldDecrementDesiredCapacity') === 'true');
        return result();
      case 'SetInstanceProtection':
        group.protect(listIn(query, 'InstanceIds.member'), get('ProtectedFromScaleIn') === 'true');
        return result();
      case 'DescribeLifecycleHooks':
        return result({ LifecycleHooks: this.#hooks(listIn(query, 'LifecycleHookNames.member')) });
      case 'RecordLifecycleActionHeartbeat':
        group.heartbeat(get('LifecycleHookName'), get('InstanceId'));
        return result();
      case 'CompleteLifecycleAction':
        group.complete(get('LifecycleHookName'), get('InstanceId'), get('LifecycleActionResult'));
        return result();
      case 'SignalResource':
        this.#signal(get('StackName'), get('LogicalResourceId'), get('Status'), get('UniqueId'));
        return result();
      case 'DescribeInstances':
        return ec2({
          reservationSet: [{ instancesSet: this.#instances(listIn(query, 'Filter.1.Value')) }],
        });
      case 'DescribeLaunchTemplates':
        return ec2({ launchTemplates: this.#templates(listIn(query, 'LaunchTemplateId')) });
      default:
        throw new AwsFault('InvalidAction', `the fake has no ${action}`);
    }
  }

  /** Source: API_DescribeAutoScalingGroups.html: names that there are not are left out. */
  #groups(names: readonly string[]): Xml {
    const group = this.#group;
    if (!names.includes(group.name)) return [];
    const { template, templateVersion = template.version } = group;
    return [
      {
        AutoScalingGroupName: group.name,
        MinSize: group.min,
        MaxSize: group.max,
        DesiredCapacity: group.desired,
        // API_TagDescription.html
        Tags: Object.entries(group.tags).map(([Key, Value]) => ({
          Key,
          Value,
          ResourceId: group.name,
          ResourceType: 'auto-scaling-group',
          PropagateAtLaunch: false,
        })),
        LaunchTemplate: { LaunchTemplateId: template.id, Version: templateVersion },
        Instances: group.machines.map((machine) => ({
          InstanceId: machine.id,
          InstanceType: machine.type,
          LifecycleState: machine.state,
          HealthStatus: 'Healthy',
          ProtectedFromScaleIn: machine.isProtected,
          LaunchTemplate: {
            LaunchTemplateId: machine.template.id,
            Version: machine.template.version,
          },
        })),
      },
    ];
  }

  #hooks(names: readonly string[]): Xml {
    return this.#group.hooks
      .filter(({ name }) => names.includes(name))
      .map(({ name, heartbeatTimeout, defaultResult }) => ({
        LifecycleHookName: name,
        HeartbeatTimeout: heartbeatTimeout,
        GlobalTimeout: Math.min(172_800, 100 * heartbeatTimeout),
        DefaultResult: defaultResult,
      }));
  }

  /** Source: EC2 API, API_DescribeInstances.html: by a filter, what is not there is left out. */
  #instances(ids: readonly string[]): Xml {
    return this.#group.machines
      .filter(({ id }) => ids.includes(id))
      .map(({ id, launchedAt, power }: FakeMachine) => ({
        instanceId: id,
        launchTime: launchedAt.toISOString(),
        instanceState: { code: 0, name: power },
      }));
  }

  /** Source: EC2 API, API_LaunchTemplate.html. */
  #templates(ids: readonly string[]): Xml {
    return ids.map((id) => ({
      launchTemplateId: id,
      defaultVersionNumber: 1,
      latestVersionNumber: this.latestVersions.get(id) ?? 1,
    }));
  }

  /** Source: CloudFormation API, API_SignalResource.html: UniqueId has 1 to 64 characters. */
  #signal(stack: string, resource: string, status: string, uniqueId: string): void {
    if (uniqueId.length < 1 || uniqueId.length > 64) {
      throw new AwsFault('ValidationError', 'uniqueId must have a length of 1 to 64');
    }
    if (!this.waitingStacks.has(stack)) {
      throw new AwsFault(
        'ValidationError',
        `Resource ${resource} is in CREATE_COMPLETE state and cannot be signaled`,
      );
    }
    this.signals.push({ stack, resource, status, uniqueId });
  }
}

const jsonFault = ({ code, message }: AwsFault): string =>
  JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message });

/** EC2 writes its errors otherwise than the others. */
function xmlFault({ code, message }: AwsFault, version: string): string {
  const error = xmlOf({ Code: code, Message: message }, 'member');
  return version === '2016-11-15'
    ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>1</RequestID></Response>`
    : `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>1</RequestId></ErrorResponse>`;
}
