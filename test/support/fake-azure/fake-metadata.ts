import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FakeAzure } from './fake-azure';
import type { FakeScaleSet } from './fake-scale-set';

const TOKEN_SECONDS = 86_400;

export interface FakeMetadataOptions {
  /** Name of the machine. */
  readonly name: string;
  readonly set: FakeScaleSet;
  /** Takes the tokens that are given. @default - nobody does */
  readonly azure?: Pick<FakeAzure, 'tokens'> | undefined;
  /** @default 1 */
  readonly zone?: string;
  /** As instance metadata has it: empty for addresses of the Standard SKU. */
  readonly publicIp?: string;
  /** As the metadata of load balancers has it. @default - 404 */
  readonly standardIp?: string;
}

/**
 * The metadata service of one machine of a scale set: itself, its identity, the events of all machines
 * of the set. Source: README.md.
 */
export class FakeAzureMetadata {
  /** Answers with this status instead. */
  failsWith: number | undefined;
  /** Says nothing at all, as before the first answer about events. */
  isSilent = false;
  /** Requests without the header. */
  refused = 0;
  readonly url: string;
  /** User-assigned identities by client id. */
  identities = ['client-1'];
  readonly #options: FakeMetadataOptions;
  readonly #server: Server;
  #tokens = 0;
  #incarnation = 1;
  #lastEvents = '[]';

  private constructor(server: Server, options: FakeMetadataOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(options: FakeMetadataOptions): Promise<FakeAzureMetadata> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const metadata = new FakeAzureMetadata(server, options);
    server.on('request', (request, response) => void metadata.#answer(request, response));
    return metadata;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isSilent) return;
    const [status, json] = this.#answerTo(request, await text(request));
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(json));
  }

  #answerTo(
    { method, url = '', headers }: IncomingMessage,
    body: string,
  ): readonly [number, unknown] {
    if (this.failsWith !== undefined) return [this.failsWith, {}];
    // "Azure Instance Metadata Service for virtual machines": required, and no X-Forwarded-For.
    if (headers['metadata'] !== 'true' || headers['x-forwarded-for'] !== undefined) {
      this.refused += 1;
      return [400, { error: 'Bad request. Required metadata header not specified' }];
    }
    const { pathname, searchParams } = new URL(url, this.url);
    const version = searchParams.get('api-version');
    if (version === null) return [400, { error: 'Bad request. api-version is invalid' }];
    // The SDK for identities puts a slash at the end of any address but Azure's own.
    switch (pathname.replace(/\/$/, '')) {
      case '/metadata/identity/oauth2/token':
        return this.#token(searchParams.get('resource'), searchParams.get('client_id'));
      case '/metadata/instance':
        return [200, this.#instance()];
      case '/metadata/loadbalancer':
        return this.#loadBalancer();
      case '/metadata/scheduledevents':
        // Source: "Terminate notification ...": Terminate came with 2019-01-01.
        if (version < '2019-01-01') return [200, { DocumentIncarnation: 1, Events: [] }];
        return method === 'POST' ? this.#start(body) : [200, this.#events()];
      default:
        return [404, { error: 'Not found' }];
    }
  }

  /** Source: "How to use managed identities for Azure resources on an Azure VM to acquire an access token". */
  #token(resource: string | null, clientId: string | null): readonly [number, unknown] {
    if (resource === null) return [400, { error: 'invalid_request' }];
    const isKnown =
      clientId === null ? this.identities.length === 1 : this.identities.includes(clientId);
    if (!isKnown) {
      return [400, { error: 'invalid_request', error_description: 'Identity not found' }];
    }
    this.#tokens += 1;
    const access_token = `token-${this.#options.name}-${this.#tokens}`;
    this.#options.azure?.tokens.set(access_token, resource);
    const expires_on = String(Math.floor(Date.now() / 1000) + TOKEN_SECONDS);
    return [
      200,
      {
        access_token,
        expires_on,
        expires_in: String(TOKEN_SECONDS),
        resource,
        token_type: 'Bearer',
      },
    ];
  }

  /** Source: "Azure Instance Metadata Service for virtual machines". */
  #instance(): object {
    const { name, set, zone = '1', publicIp = '' } = this.#options;
    return {
      compute: {
        name,
        location: 'westeurope',
        zone,
        vmId: set.machine(name)?.vmId ?? 'vm-0',
        vmScaleSetName: set.name,
        resourceGroupName: 'meet',
        subscriptionId: '00000000-0000-0000-0000-000000000000',
      },
      network: {
        interface: [
          {
            ipv4: {
              ipAddress: [{ privateIpAddress: '10.0.0.4', publicIpAddress: publicIp }],
              subnet: [{ address: '10.0.0.0', prefix: '24' }],
            },
            ipv6: { ipAddress: [] },
            macAddress: '000D3A000001',
          },
        ],
      },
    };
  }

  /** Source: "Retrieve load balancer metadata by using Azure Instance Metadata Service". */
  #loadBalancer(): readonly [number, unknown] {
    const { standardIp } = this.#options;
    if (standardIp === undefined) return [404, { error: 'No load balancer metadata is found' }];
    const address = { frontendIpAddress: standardIp, privateIpAddress: '10.0.0.4' };
    return [
      200,
      { loadbalancer: { publicIpAddresses: [address], inboundRules: [], outboundRules: [] } },
    ];
  }

  #events(): object {
    const events = this.#options.set.scheduledEvents();
    const written = JSON.stringify(events);
    if (written !== this.#lastEvents) this.#incarnation += 1;
    this.#lastEvents = written;
    return {
      DocumentIncarnation: this.#incarnation,
      Events: events.map((event) => ({
        ...event,
        ResourceType: 'VirtualMachine',
        Description: '',
        EventSource: 'Platform',
      })),
    };
  }

  #start(body: string): readonly [number, unknown] {
    try {
      const { StartRequests } = JSON.parse(body) as { StartRequests: { EventId: string }[] };
      for (const { EventId } of StartRequests) this.#options.set.approve(EventId);
      return [200, {}];
    } catch {
      return [400, { error: 'malformed' }];
    }
  }
}
