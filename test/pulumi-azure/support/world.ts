/** The engine of Pulumi as a mock: it records what is asked for and answers as Azure would. */

import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../../../pulumi-azure';

/** What the engine is told of a resource beside its inputs. */
export interface Registration {
  /** As the engine makes it: a resource of another one is another resource. */
  readonly urn: string;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly deleteBeforeReplace: boolean;
  readonly retainOnDelete: boolean;
}

/** A resource as it was registered. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What one program has registered. */
export interface World {
  readonly resources: Registered[];
  readonly calls: string[];
  /** By type and name, such as `azure-native:compute:Disk meet-masters-data`. */
  readonly registrations: ReadonlyMap<string, Registration>;
  /** The only resource of the type (or the only one whose name ends so). */
  only(type: string, ending?: string): Registered;
  all(type: string): Registered[];
}

export const SUBSCRIPTION = '11111111-1111-1111-1111-111111111111';
export const TENANT = '22222222-2222-2222-2222-222222222222';

/** What is there already. */
export interface WorldOptions {
  readonly preview?: boolean;
  /** Machines in the scale set of the Media Nodes; undefined: there is none yet. */
  readonly capacity?: number;
  /** What Azure answers instead, where the set is asked for. */
  readonly failure?: string;
}

/** Runs a program over mocks, and waits until all it has begun is registered. */
export async function inWorld(program: () => unknown, options: WorldOptions = {}): Promise<World> {
  const resources: Registered[] = [];
  const calls: string[] = [];
  const registrations = new Map<string, Registration>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs: given }) => {
        const inputs = unwrapped(given) as Values;
        resources.push({ type, name, inputs });
        return {
          id: idOf(type, name, inputs),
          state: { ...inputs, ...answersOf(type, name, inputs) },
        };
      },
      call: ({ token, inputs }) => {
        calls.push(token);
        return called(token, inputs, options);
      },
    },
    'sluice',
    'test',
    options.preview ?? false,
  );
  recordRegistrations(registrations);
  try {
    await program();
  } finally {
    // Until all that was begun is registered.
    await pulumi.runtime.disconnect();
  }
  const all = (type: string) => resources.filter((each) => each.type === type);
  return {
    resources,
    calls,
    registrations,
    all,
    only: (type, ending = '') => {
      const found = all(type).filter(({ name }) => name.endsWith(ending));
      const [first] = found;
      if (found.length !== 1 || first === undefined) {
        const names = resources.map((each) => `${each.type} ${each.name}`).join('\n');
        throw new Error(`${found.length} of ${type} *${ending}, and not 1, among\n${names}`);
      }
      return first;
    },
  };
}

/** As much of a request to register a resource as is read here. Source: pulumi/proto, resource.proto. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getDeletebeforereplace(): boolean;
  getRetainondelete(): boolean;
}

/** Listens to what reaches the engine: mocks are not told of options and parents. */
function recordRegistrations(registrations: Map<string, Registration>): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterRequest, ...rest: unknown[]): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  const chains = new Map<string, string>();
  monitor.registerResource = (request, ...rest) => {
    const [type, name] = [request.getType(), request.getName()];
    // The mock's URN of the parent names its type and its own parent's, the engine's all of them.
    const [, , types = '', ofName = ''] = request.getParent().split('::');
    const chain = chains.get(`${types.split('$').pop()} ${ofName}`);
    const whole = chain === undefined ? type : `${chain}$${type}`;
    chains.set(`${type} ${name}`, whole);
    registrations.set(`${type} ${name}`, {
      urn: `urn:pulumi:test::sluice::${whole}::${name}`,
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      retainOnDelete: request.getRetainondelete(),
    });
    return register(request, ...rest);
  };
}

/** Why a program fails, at once or in what it has begun: as a preview would say. */
export async function failureOf(
  program: () => unknown,
  options: WorldOptions = { preview: true },
): Promise<string> {
  const errors = await errorsOf(program, options);
  return errors.map((error) => (error instanceof Error ? error.message : String(error))).join('\n');
}

/** The same, as it was thrown. */
export async function errorsOf(
  program: () => unknown,
  options: WorldOptions = { preview: true },
): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const note = (error: unknown) => {
    failures.push(error);
  };
  // The engine's own program ends at one; the test runner would take it for a failure of the test.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', note);
  try {
    await inWorld(program, options);
    await new Promise((resolve) => setImmediate(resolve));
  } catch (error) {
    note(error);
  } finally {
    process.removeListener('unhandledRejection', note);
    for (const listener of others) process.on('unhandledRejection', listener);
  }
  return failures;
}

/** What a secret is sent as. Source: the engine's protocol, PropertyValue. */
const SECRET = '4dabf18193072939515e22adb298388d';

/** The same with secrets in clear. */
export function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== 'object' || value === null) return value;
  if (SECRET in value && 'value' in value) return unwrapped(value.value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unwrapped(each)]));
}

/** Where parts are put. */
export const PLACE: PlaceArgs = { resourceGroupName: 'meet', location: 'westeurope' };

type Values = Readonly<Record<string, unknown>>;

/** azure-native:compute:Disk as Microsoft.Compute has it: enough of an id to be told apart. */
export function idOf(type: string, name: string, inputs: Values): string {
  const group =
    typeof inputs['resourceGroupName'] === 'string' ? inputs['resourceGroupName'] : 'rg';
  const [, module = '', kind = ''] = type.split(':');
  const scope = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}`;
  switch (type) {
    case 'azure-native:resources:ResourceGroup':
      return `/subscriptions/${SUBSCRIPTION}/resourceGroups/${name}`;
    case 'azure-native:network:VirtualNetwork':
      return `${scope}/providers/Microsoft.Network/virtualNetworks/${name}`;
    case 'azure-native:network:LoadBalancer':
      return `${scope}/providers/Microsoft.Network/loadBalancers/${String(inputs['loadBalancerName'])}`;
    case 'azure-native:keyvault:Vault':
      return `${scope}/providers/Microsoft.KeyVault/vaults/${String(inputs['vaultName'])}`;
    case 'azure-native:storage:BlobContainer':
      return `${scope}/providers/Microsoft.Storage/storageAccounts/${String(inputs['accountName'])}/blobServices/default/containers/${String(inputs['containerName'])}`;
    default:
      return `${scope}/providers/Microsoft.${module}/${kind}/${name}`;
  }
}

const NAME_KEYS = [
  'accountName',
  'blobName',
  'containerName',
  'vmName',
  'vaultName',
  'loadBalancerName',
  'vmScaleSetName',
  'privateZoneName',
  'databaseName',
];

export function answersOf(type: string, name: string, inputs: Values): Values {
  const own = NAME_KEYS.filter((key) => nameBelongs(type, key)).map((key) => inputs[key])[0];
  return { name: own ?? name, ...special(type, name) };
}

/** Whether the key is the name of a resource of the type itself, and not of its owner. */
function nameBelongs(type: string, key: string): boolean {
  const kind = type.split(':')[2] ?? '';
  const owners: Readonly<Record<string, string>> = {
    accountName: 'StorageAccount',
    blobName: 'Blob',
    containerName: 'BlobContainer',
    vmName: 'VirtualMachine',
    vaultName: 'Vault',
    loadBalancerName: 'LoadBalancer',
    vmScaleSetName: 'VirtualMachineScaleSet',
    privateZoneName: 'PrivateZone',
    databaseName: 'Database',
  };
  return owners[key] === kind;
}

function special(type: string, name: string): Values {
  switch (type) {
    case 'random:index/randomString:RandomString':
      return { result: name.endsWith('-suffix') ? 'a1b2c3d4' : 'abcdefghij123' };
    case 'random:index/randomPassword:RandomPassword':
      return { result: `${name}-`.padEnd(48, 'x') };
    case 'random:index/randomBytes:RandomBytes':
      return { base64: Buffer.alloc(32, 7).toString('base64') };
    case 'azure-native:managedidentity:UserAssignedIdentity':
      return { principalId: `principal-of-${name}`, clientId: `client-of-${name}` };
    case 'azure-native:network:PublicIPAddress':
      return { ipAddress: '203.0.113.9' };
    case 'azure-native:network:NetworkInterface':
      return { ipConfigurations: [{ privateIPAddress: '10.0.64.4' }] };
    case 'azure-native:redisenterprise:RedisEnterprise':
      return { hostName: `${name}.westeurope.redis.azure.net` };
    case 'azure-native:monitor:DataCollectionEndpoint':
      return {
        logsIngestion: { endpoint: `https://${name}.westeurope-1.ingest.monitor.azure.com` },
      };
    case 'azure-native:monitor:DataCollectionRule':
      return { immutableId: 'dcr-0123456789abcdef0123456789abcdef' };
    default:
      return {};
  }
}

export function called(token: string, inputs: Values, { capacity, failure }: WorldOptions): Values {
  switch (token) {
    case 'azure-native:authorization:getClientConfig':
      return { subscriptionId: SUBSCRIPTION, tenantId: TENANT, objectId: 'o', clientId: 'c' };
    case 'azure-native:redisenterprise:listDatabaseKeys':
      return { primaryKey: 'a-key-of-redis', secondaryKey: 'another' };
    case 'azure-native:network:getPublicIPAddress':
      return { ...inputs, ipAddress: '203.0.113.77' };
    case 'azure-native:compute:getVirtualMachineScaleSet':
      if (failure !== undefined) throw refusal(failure);
      if (capacity === undefined) throw refusal('Status=404 Code="ResourceNotFound"');
      return { ...inputs, sku: { capacity } };
    default:
      throw new Error(`${token}: nobody answers that here`);
  }
}

/** As gRPC has it. */
function refusal(details: string): Error {
  return Object.assign(new Error(details), { details, code: 2 });
}
