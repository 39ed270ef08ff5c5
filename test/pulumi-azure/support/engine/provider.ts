/**
 * Stands in for the providers azure-native and random, which no registry of packages has: it takes what
 * Azure's own clients take, keeps it in a file, and answers as the mocks of the other tests do. What
 * is replaced when it changes is of Azure's documentation; the rest is updated in place.
 *
 * Source: Pulumi's protocol, provider.proto.
 */
import { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb';
import { ResourceProviderService } from '@pulumi/pulumi/proto/provider_grpc_pb';
import {
  CheckFailure,
  type CheckRequest,
  CheckResponse,
  type ConfigureRequest,
  ConfigureResponse,
  type CreateRequest,
  CreateResponse,
  type DeleteRequest,
  type DiffRequest,
  DiffResponse,
  type InvokeRequest,
  InvokeResponse,
  PropertyDiff,
  type ReadRequest,
  ReadResponse,
  type UpdateRequest,
  UpdateResponse,
} from '@pulumi/pulumi/proto/provider_pb';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';
import { ruleProblems } from '../azure-rules';
import { AzureShapes } from '../azure-shapes';
import { answersOf, called, idOf, unwrapped } from '../world';
import { AzureFile, type Existing, type Values } from './azure-file';
import { differences } from './property-diff';
import { servePlugin, unary, unsupported } from './rpc';

/** What a value is sent as that is known after the deployment only. Source: the engine's protocol. */
const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

/** learn.microsoft.com, "Move or change": what is in the path of a resource, where it is, and its kind. */
const FIXED =
  /^(?:location|resourceGroupName|zones|orchestrationMode|\w+Name|roleDefinitionId|principalId)$/;

/** Whose location the provider fills in from `azure-native:location`, as Azure wants one. */
const PLACED =
  /:(?:ResourceGroup|Disk|VirtualMachine|VirtualMachineScaleSet|VirtualMachineExtension|NetworkSecurityGroup|ApplicationSecurityGroup|VirtualNetwork|LoadBalancer|NetworkInterface|PublicIPAddress|PrivateEndpoint|Vault|UserAssignedIdentity|StorageAccount|RedisEnterprise|Workspace|DataCollectionEndpoint|DataCollectionRule)$/;

const [, , version = ''] = process.argv;
let location: string | undefined;

const azure = new AzureFile(process.env['FAKE_AZURE_FILE'] ?? '');
const shapes = new AzureShapes();

const values = (struct: Struct | undefined): Values => (struct?.toJavaScript() ?? {}) as Values;
const clear = (given: Values): Values => unwrapped(given) as Values;
const struct = (given: Values) => Struct.fromJavaScript(given as Record<string, never>);

/** Type and name in a URN such as urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME. */
function named(urn: string): { type: string; name: string } {
  const [, , types = '', name = ''] = urn.split('::');
  return { type: types.split('$').pop() ?? '', name };
}

function check(request: CheckRequest): CheckResponse {
  const { type } = named(request.getUrn());
  const asked = values(request.getNews());
  const isPlaced = location !== undefined && PLACED.test(type);
  const news = isPlaced ? { location, ...asked } : asked;
  const response = new CheckResponse();
  response.setInputs(struct(news));
  const given = clear(news);
  // Rules join values of one resource; what is not known yet is no mistake.
  const isWhole = !JSON.stringify(given).includes(UNKNOWN);
  const problems = isWhole
    ? [...(shapes.problemsOf(type, given) ?? []), ...ruleProblems(type, given)]
    : [];
  response.setFailuresList(
    problems.map((reason) => {
      const failure = new CheckFailure();
      failure.setReason(reason);
      return failure;
    }),
  );
  return response;
}

function diff(request: DiffRequest): DiffResponse {
  const { type } = named(request.getUrn());
  const old = clear(values(request.getOldInputs()));
  const now = clear(values(request.getNews()));
  const changed = differences(old, now);
  const response = new DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = DiffResponse.DiffChanges;
  response.setChanges(changed.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setHasdetaileddiff(true);
  const keyOf = (path: string) => /^\w*/.exec(path)?.[0] ?? '';
  response.setDiffsList([...new Set(changed.map(keyOf))]);
  for (const path of changed) {
    const key = keyOf(path);
    const replaces = type.startsWith('random:') || FIXED.test(key);
    const property = new PropertyDiff();
    const { UPDATE, UPDATE_REPLACE } = PropertyDiff.Kind;
    property.setKind(replaces ? UPDATE_REPLACE : UPDATE);
    property.setInputdiff(true);
    response.getDetaileddiffMap().set(path, property);
    if (replaces) response.addReplaces(key);
  }
  return response;
}

function create(request: CreateRequest): CreateResponse {
  const { type, name } = named(request.getUrn());
  const given = values(request.getProperties());
  const inputs = clear(given);
  const answers = answersOf(type, name, inputs);
  const id = type.startsWith('random:') ? name : idOf(type, String(answers['name']), inputs);
  azure.change((all) => {
    if (all[id] !== undefined) throw new Error(`${id} exists already`);
    all[id] = { type, name, inputs };
  });
  const response = new CreateResponse();
  response.setId(id);
  response.setProperties(struct({ ...given, ...answers }));
  return response;
}

function update(request: UpdateRequest): UpdateResponse {
  const { type, name } = named(request.getUrn());
  const given = values(request.getNews());
  const inputs = clear(given);
  azure.change((all) => {
    if (all[request.getId()] === undefined) throw new Error(`${request.getId()} does not exist`);
    all[request.getId()] = { type, name, inputs };
  });
  const response = new UpdateResponse();
  response.setProperties(struct({ ...given, ...answersOf(type, name, inputs) }));
  return response;
}

/** learn.microsoft.com, "Delete resource groups": with all that is in them; a machine with its extensions. */
function remove(request: DeleteRequest): Empty {
  const id = request.getId();
  azure.change((all) => {
    const gone = all[id];
    for (const [each, what] of Object.entries(all)) {
      if (each === id || each.startsWith(`${id}/`) || isExtensionOf(gone, what)) delete all[each];
    }
  });
  return new Empty();
}

function isExtensionOf(machine: Existing | undefined, { type, inputs }: Existing): boolean {
  if (machine?.type !== 'azure-native:compute:VirtualMachine') return false;
  const { name } = answersOf(machine.type, machine.name, machine.inputs);
  return type === 'azure-native:compute:VirtualMachineExtension' && inputs['vmName'] === name;
}

function read(request: ReadRequest): ReadResponse {
  const response = new ReadResponse();
  if (azure.read()[request.getId()] === undefined) return response;
  response.setId(request.getId());
  response.setProperties(request.getProperties());
  response.setInputs(request.getInputs());
  return response;
}

function invoke(request: InvokeRequest): InvokeResponse {
  const args = clear(values(request.getArgs()));
  const set = Object.values(azure.read()).find(
    ({ inputs }) => inputs['vmScaleSetName'] === args['vmScaleSetName'],
  );
  const sku = clear((set?.inputs['sku'] ?? {}) as Values);
  const capacity = sku['capacity'];
  const response = new InvokeResponse();
  response.setReturn(
    struct(called(request.getTok(), args, typeof capacity === 'number' ? { capacity } : {})),
  );
  return response;
}

/** Configuration of the provider is of no interest here. */
function asGiven(request: CheckRequest): CheckResponse {
  const response = new CheckResponse();
  response.setInputs(request.getNews());
  return response;
}

function configure(request: ConfigureRequest): ConfigureResponse {
  const given = values(request.getArgs())['location'];
  if (typeof given === 'string') location = given;
  const response = new ConfigureResponse();
  response.setAcceptsecrets(true);
  return response;
}

servePlugin(ResourceProviderService, {
  checkConfig: unary(asGiven),
  diffConfig: unary(() => new DiffResponse()),
  configure: unary(configure),
  getPluginInfo: unary(() => {
    const info = new PluginInfo();
    info.setVersion(version);
    return info;
  }),
  check: unary(check),
  diff: unary(diff),
  create: unary(create),
  update: unary(update),
  delete: unary(remove),
  read: unary(read),
  invoke: unary(invoke),
  cancel: unary(() => new Empty()),
  ...Object.fromEntries(
    [
      'handshake',
      'parameterize',
      'getSchema',
      'call',
      'list',
      'construct',
      'attach',
      'getMapping',
      'getMappings',
    ].map((name) => [name, unary(unsupported)]),
  ),
});
