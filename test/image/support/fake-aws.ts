import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

export interface FakeAddress {
  readonly allocation: string;
  readonly ip: string;
  instance?: string;
}

export interface FakeVolume {
  zone: string;
  state: 'available' | 'in-use';
  instance?: string;
}

/** Stands in for SSM, Secrets Manager, ECR, EC2 and the metadata of one instance, as far as boot asks. */
export class FakeAws {
  readonly parameters = new Map<string, string>();
  readonly secrets = new Map<string, string>();
  readonly volumes = new Map<string, FakeVolume>();
  readonly addresses: FakeAddress[] = [];
  readonly metadata = new Map<string, string>([
    ['instance-id', 'i-0123456789abcdef0'],
    ['placement/region', 'eu-north-1'],
    ['placement/availability-zone', 'eu-north-1a'],
    ['local-ipv4', '10.0.0.5'],
    ['public-ipv4', '203.0.113.5'],
  ]);
  /** Actions in the order they came. */
  readonly calls: string[] = [];
  /** Answers to give before the true ones: an error code each. */
  readonly failures: string[] = [];
  /** What happens before an address is associated. */
  beforeAssociate: (address: FakeAddress) => void = () => {};
  url = '';

  static async start(t: TestContext): Promise<FakeAws> {
    const fake = new FakeAws();
    const server = await fake.serve(0, '127.0.0.1');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const variables = {
      AWS_ENDPOINT_URL: fake.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REGION: undefined,
      AWS_PROFILE: undefined,
    };
    for (const [name, value] of Object.entries(variables)) {
      const before = process.env[name];
      setVariable(name, value);
      t.after(() => setVariable(name, before));
    }
    return fake;
  }

  async serve(port: number, host: string): Promise<Server> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/', headers, method } = request;
    const body = await text(request);
    if (url === '/latest/api/token') {
      response.statusCode = method === 'PUT' ? 200 : 405;
      response.end('token-of-this-test');
      return;
    }
    if (url.startsWith('/latest/meta-data/')) {
      const value = this.metadata.get(url.slice('/latest/meta-data/'.length));
      const isAllowed = headers['x-aws-ec2-metadata-token'] === 'token-of-this-test';
      response.statusCode = isAllowed ? (value === undefined ? 404 : 200) : 401;
      response.end(value ?? '');
      return;
    }
    const target = String(headers['x-amz-target'] ?? '').split('.')[1];
    const form = new URLSearchParams(body);
    const action = target ?? form.get('Action') ?? '';
    this.calls.push(action);
    const failure = this.failures.shift();
    if (target !== undefined) {
      const answer =
        failure === undefined ? this.#json(action, JSON.parse(body)) : { __type: failure };
      response.statusCode = '__type' in answer ? 400 : 200;
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify(answer));
      return;
    }
    const { status, xml } =
      failure === undefined ? this.#ec2(action, form) : { status: 400, xml: ec2Error(failure) };
    response.statusCode = status;
    response.setHeader('content-type', 'text/xml');
    response.end(xml);
  }

  #json(action: string, { Name = '', SecretId = '' }: Record<string, string>): object {
    if (action === 'GetParameter') {
      const Value = this.parameters.get(Name);
      return Value === undefined ? { __type: 'ParameterNotFound' } : { Parameter: { Name, Value } };
    }
    if (action === 'GetAuthorizationToken') {
      const authorizationToken = Buffer.from('AWS:token-of-ecr').toString('base64');
      return { authorizationData: [{ authorizationToken }] };
    }
    const SecretString = this.secrets.get(SecretId);
    return SecretString === undefined
      ? { __type: 'ResourceNotFoundException', message: 'no such secret' }
      : { ARN: SecretId, SecretString };
  }

  #ec2(action: string, form: URLSearchParams): { status: number; xml: string } {
    const ok = (inner: string) => ({
      status: 200,
      xml: `<${action}Response>${inner}</${action}Response>`,
    });
    const refused = (code: string) => ({ status: 400, xml: ec2Error(code) });
    const id = form.get('VolumeId') ?? form.get('VolumeId.1') ?? '';
    const volume = this.volumes.get(id);
    const instance = form.get('InstanceId') ?? '';
    switch (action) {
      case 'DescribeVolumes': {
        if (volume === undefined) return refused('InvalidVolume.NotFound');
        const attachment =
          volume.instance === undefined
            ? ''
            : `<item><instanceId>${volume.instance}</instanceId><status>attached</status></item>`;
        return ok(
          `<volumeSet><item><volumeId>${id}</volumeId><availabilityZone>${volume.zone}</availabilityZone><status>${volume.state}</status><attachmentSet>${attachment}</attachmentSet></item></volumeSet>`,
        );
      }
      case 'AttachVolume':
        if (volume?.state !== 'available') return refused('IncorrectState');
        volume.state = 'in-use';
        volume.instance = instance;
        return ok('<status>attaching</status>');
      case 'DescribeAddresses': {
        const items = this.addresses.map(
          ({ allocation, ip, instance: owner }) =>
            `<item><allocationId>${allocation}</allocationId><publicIp>${ip}</publicIp>${owner === undefined ? '' : `<associationId>eipassoc-1</associationId><instanceId>${owner}</instanceId>`}</item>`,
        );
        const filter = `${form.get('Filter.1.Name')}=${form.get('Filter.1.Value.1')}`;
        return ok(
          `<addressesSet>${filter === 'tag:sluice:address-pool=media' ? items.join('') : ''}</addressesSet>`,
        );
      }
      case 'AssociateAddress': {
        const found = this.addresses.find(
          ({ allocation }) => allocation === form.get('AllocationId'),
        );
        if (found === undefined) return refused('InvalidAllocationID.NotFound');
        this.beforeAssociate(found);
        if (found.instance !== undefined && form.get('AllowReassociation') !== 'true') {
          return refused('Resource.AlreadyAssociated');
        }
        found.instance = instance;
        return ok('<return>true</return>');
      }
      default:
        return refused('InvalidAction');
    }
  }
}

const ec2Error = (code: string): string =>
  `<Response><Errors><Error><Code>${code}</Code><Message>said the test: ${code}</Message></Error></Errors></Response>`;

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
