import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AzureFault } from './azure-fault';
import type { FakeScaleSet, FakeVm } from './fake-scale-set';
import { selfSigned } from './self-signed';

export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
export const RESOURCE_GROUP = 'meet';
const GROUP_PATH = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${RESOURCE_GROUP}/providers/Microsoft.Compute`;
const PAGE = 2;

export type AzureAction =
  | 'get set'
  | 'patch set'
  | 'list machines'
  | 'get machine'
  | 'delete machine'
  | 'get secret';

/** A call as it came. */
export interface AzureCall {
  readonly action: AzureAction;
  /** Of the machine or the secret. */
  readonly name: string;
  readonly url: URL;
  readonly body: string;
}

interface PlannedFault {
  readonly action: AzureAction;
  readonly fault: AzureFault;
  times: number;
}

/**
 * Answers the SDKs of Azure on loopback: the resource manager, as far as a scale set in Flexible
 * orchestration needs it, and the secrets of a Key Vault. What each answer follows is in README.md.
 */
export class FakeAzure {
  readonly calls: AzureCall[] = [];
  /** Values by the name of the secret. */
  readonly secrets = new Map<string, string>();
  readonly url: string;
  /** Who has signed for it, PEM. */
  readonly ca: string;
  /** Tokens that count, by the resource that they are for: FakeInstanceMetadata gives them. */
  readonly tokens = new Map<string, string>();
  /** Called before each answer: what others do in this moment. */
  onCall: (action: AzureAction) => void = () => undefined;
  readonly #server: Server;
  readonly #set: FakeScaleSet;
  readonly #faults: PlannedFault[] = [];

  private constructor(server: Server, ca: string, set: FakeScaleSet) {
    this.#server = server;
    this.#set = set;
    this.ca = ca;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(set: FakeScaleSet): Promise<FakeAzure> {
    const { cert, key } = await selfSigned();
    const server = createServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const azure = new FakeAzure(server, cert, set);
    server.on('request', (request, response) => void azure.#answer(request, response));
    return azure;
  }

  /** The section sluice.cloud of a Master Node. */
  get cloud() {
    return {
      kind: 'azure',
      subscription: SUBSCRIPTION,
      resource_group: RESOURCE_GROUP,
      media_group: this.#set.name,
      identity: '',
      resource_manager_url: this.url,
    } as const;
  }

  /** The next calls of this kind fail. */
  fail(action: AzureAction, fault: AzureFault, times = 1): void {
    this.#faults.push({ action, fault, times });
  }

  countOf(action: AzureAction): number {
    return this.calls.filter((call) => call.action === action).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    response.setHeader('content-type', 'application/json');
    try {
      const { status, json } = this.#route(request, body, response);
      response.statusCode = status;
      response.end(json === undefined ? '' : JSON.stringify(json));
    } catch (error) {
      const fault =
        error instanceof AzureFault ? error : new AzureFault('InternalError', String(error), 500);
      response.statusCode = fault.status;
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
      response.end(JSON.stringify({ error: { code: fault.code, message: fault.message } }));
    }
  }

  #route(
    request: IncomingMessage,
    body: string,
    response: ServerResponse,
  ): { readonly status: number; readonly json?: unknown } {
    const url = new URL(request.url ?? '', this.url);
    const { pathname: path } = url;
    const name = path.split('/').at(path.startsWith('/secrets/') ? 2 : -1) ?? '';
    const meet = (action: AzureAction): void => {
      this.onCall(action);
      this.calls.push({ action, name, url, body });
      const planned = this.#faults.find((one) => one.action === action && one.times > 0);
      if (planned === undefined) return;
      planned.times -= 1;
      throw planned.fault;
    };
    if (path.startsWith('/secrets/')) {
      // Source: "Authentication, requests and responses" of Key Vault: a challenge comes first.
      if (!this.#isAllowed(request)) {
        response.setHeader(
          'www-authenticate',
          `Bearer authorization="https://login.microsoftonline.com/tenant", resource="${this.url}"`,
        );
        throw new AzureFault('Unauthorized', 'AKV10000: Request is missing a Bearer token', 401);
      }
      meet('get secret');
      return { status: 200, json: this.#secret(name) };
    }
    if (!this.#isAllowed(request)) {
      throw new AzureFault('AuthenticationFailed', 'Authentication failed', 401);
    }
    if (url.searchParams.get('api-version') === null) {
      throw new AzureFault('MissingApiVersionParameter', 'The api-version is required', 400);
    }
    const ofSet = `${GROUP_PATH}/virtualMachineScaleSets/${this.#set.name}`;
    if (path === ofSet && request.method === 'GET') {
      meet('get set');
      return { status: 200, json: this.#setJson() };
    }
    if (path === ofSet && request.method === 'PATCH') {
      meet('patch set');
      return { status: 200, json: this.#patch(request.headers['if-match'], body) };
    }
    if (path === `${GROUP_PATH}/virtualMachines`) {
      meet('list machines');
      return { status: 200, json: this.#page(url) };
    }
    if (path.startsWith(`${GROUP_PATH}/virtualMachines/`) && request.method === 'GET') {
      meet('get machine');
      return { status: 200, json: this.#one(name, url.searchParams.get('$expand')) };
    }
    if (path.startsWith(`${GROUP_PATH}/virtualMachines/`) && request.method === 'DELETE') {
      meet('delete machine');
      const force = url.searchParams.get('forceDeletion') === 'true';
      if (!this.#set.delete(name, force)) return { status: 204 };
      // Source: "Track asynchronous Azure operations": it goes on after the answer.
      response.setHeader('azure-asyncoperation', `${this.url}/operations/${name}?api-version=1`);
      response.setHeader('retry-after', '10');
      return { status: 202 };
    }
    if (path.startsWith('/operations/')) {
      const isOver = this.#set.machine(name) === undefined;
      return { status: 200, json: { status: isOver ? 'Succeeded' : 'InProgress' } };
    }
    throw new AzureFault('ResourceNotFound', `The Resource '${path}' was not found`, 404);
  }

  #isAllowed({ headers }: IncomingMessage): boolean {
    const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
    return (this.tokens.get(token) ?? '').replace(/\/$/, '') === this.url;
  }

  #secret(name: string): object {
    const value = this.secrets.get(name);
    if (value === undefined) {
      throw new AzureFault('SecretNotFound', `A secret with name ${name} was not found`, 404);
    }
    return { id: `${this.url}/secrets/${name}/1`, value, attributes: { enabled: true } };
  }

  #setJson(): object {
    const { name, capacity, model, tags, etag } = this.#set;
    this.#set.settle();
    return {
      id: `${GROUP_PATH}/virtualMachineScaleSets/${name}`,
      name,
      location: 'westeurope',
      etag,
      tags,
      sku: { name: model.size, tier: 'Standard', capacity },
      properties: {
        orchestrationMode: 'Flexible',
        provisioningState: 'Succeeded',
        virtualMachineProfile: {
          storageProfile: { imageReference: { id: model.imageId } },
          ...(model.userData === undefined ? {} : { userData: model.userData }),
        },
      },
    };
  }

  #patch(ifMatch: string | undefined, body: string): object {
    // Source: "Virtual Machine Scale Sets - Update", header If-Match.
    if (ifMatch !== undefined && ifMatch !== this.#set.etag) {
      throw new AzureFault('PreconditionFailed', 'The etag does not match', 412);
    }
    const { sku } = JSON.parse(body) as { sku?: { capacity?: number } };
    if (sku?.capacity !== undefined) this.#set.setCapacity(sku.capacity);
    return this.#setJson();
  }

  /** Source: "Virtual Machines - List": pages, and only those of the scale set by its $filter. */
  #page(url: URL): object {
    const filter = `'virtualMachineScaleSet/id' eq '${GROUP_PATH}/virtualMachineScaleSets/${this.#set.name}'`;
    if (url.searchParams.get('$filter') !== filter) {
      throw new AzureFault('BadRequest', 'this fake lists machines of its scale set only', 400);
    }
    const from = Number(url.searchParams.get('$skiptoken') ?? 0);
    const machines = this.#set.listed();
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(from + PAGE));
    const isLast = from + PAGE >= machines.length;
    return {
      value: machines.slice(from, from + PAGE).map((machine) => this.#machineJson(machine)),
      ...(isLast ? {} : { nextLink: String(next) }),
    };
  }

  #one(name: string, expand: string | null): object {
    const machine = this.#set.machine(name);
    if (machine === undefined) {
      throw new AzureFault('ResourceNotFound', `The Resource ${name} was not found`, 404);
    }
    return this.#machineJson(machine, expand?.toLowerCase() === 'userdata');
  }

  /** Source: "Virtual Machines - Get": user data is given only where it is asked for. */
  #machineJson({ model, ...machine }: FakeVm, hasUserData = false): object {
    return {
      id: `${GROUP_PATH}/virtualMachines/${machine.name}`,
      name: machine.name,
      location: 'westeurope',
      properties: {
        vmId: machine.vmId,
        provisioningState: machine.provisioningState,
        timeCreated: new Date(machine.createdAtMs).toISOString(),
        hardwareProfile: { vmSize: model.size },
        storageProfile: { imageReference: { id: model.imageId.toUpperCase() } },
        instanceView: { statuses: [{ code: `PowerState/${machine.powerState}` }] },
        ...(hasUserData && model.userData !== undefined ? { userData: model.userData } : {}),
      },
    };
  }
}
