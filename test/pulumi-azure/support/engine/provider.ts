/**
 * Stands in for the providers azure-native and random, which no registry of packages has: it takes what
 * Azure's own clients take, keeps it in a file, and answers as the mocks of the other tests do. What
 * the provider replaces is of its sources, what Azure refuses to change of Azure's documentation.
 *
 * Source: Pulumi's protocol, provider.proto.
 */
import { randomBytes } from 'node:crypto';
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
import { holderOf, isReplaced, refusalOf, rivalOf, topOf } from './azure-changes';
import { AzureFile, type Existing, type Values } from './azure-file';
import { differences } from './property-diff';
import { servePlugin, unary, unsupported } from './rpc';

/** What a value is sent as that is known after the deployment only. Source: the engine's protocol. */
const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

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
  response.setDiffsList([...new Set(changed.map(topOf))]);
  for (const path of changed) {
    const replaces = isReplaced(type, path);
    const property = new PropertyDiff();
    const { UPDATE, UPDATE_REPLACE } = PropertyDiff.Kind;
    property.setKind(replaces ? UPDATE_REPLACE : UPDATE);
    property.setInputdiff(true);
    response.getDetaileddiffMap().set(path, property);
    if (replaces) response.addReplaces(topOf(path));
  }
  return response;
}

function create(request: CreateRequest): CreateResponse {
  const { type, name } = named(request.getUrn());
  const given = values(request.getProperties());
  const inputs = clear(given);
  const answers = answersOf(type, ownName(type, name), inputs);
  const id = type.startsWith('random:') ? name : idOf(type, String(answers['name']), inputs);
  azure.change((all) => {
    if (all[id] !== undefined) throw new Error(`${id} exists already`);
    const rival = rivalOf({ type, name, inputs }, all);
    if (rival !== undefined) throw new Error(`Code="InUse" Message="${rival} has it already."`);
    all[id] = { type, name, inputs };
  });
  const response = new CreateResponse();
  response.setId(id);
  response.setProperties(struct({ ...given, ...answers }));
  return response;
}

/** The provider ends names that nobody has given by chance: one may be made before the other has gone. */
function ownName(type: string, name: string): string {
  return type.startsWith('random:') ? name : `${name}${randomBytes(4).toString('hex')}`;
}

function update(request: UpdateRequest): UpdateResponse {
  const { type, name } = named(request.getUrn());
  const id = request.getId();
  const given = values(request.getNews());
  const inputs = clear(given);
  azure.change((all) => {
    const existing = all[id];
    if (existing === undefined) throw new Error(`${id} does not exist`);
    const refusal = refusalOf(type, existing.inputs, inputs);
    if (refusal !== undefined) throw new Error(refusal);
    all[id] = { type, name, inputs };
  });
  const response = new UpdateResponse();
  response.setProperties(struct({ ...given, ...answersOf(type, lastOf(id), inputs) }));
  return response;
}

/** The name of a resource in its id. */
const lastOf = (id: string) => id.split('/').at(-1) ?? id;

/** learn.microsoft.com, "Delete resource groups": with all that is in them; a machine with its extensions. */
function remove(request: DeleteRequest): Empty {
  const id = request.getId();
  azure.change((all) => {
    const isMachine = all[id]?.type === 'azure-native:compute:VirtualMachine';
    const holder = holderOf(id, all);
    if (holder !== undefined) throw new Error(`Code="InUse" Message="${holder} uses ${id}."`);
    for (const [each, what] of Object.entries(all)) {
      const isGone = each === id || each.startsWith(`${id}/`);
      if (isGone || (isMachine && isExtensionOf(lastOf(id), what))) delete all[each];
    }
  });
  return new Empty();
}

function isExtensionOf(machine: string, { type, inputs }: Existing): boolean {
  return type === 'azure-native:compute:VirtualMachineExtension' && inputs['vmName'] === machine;
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
