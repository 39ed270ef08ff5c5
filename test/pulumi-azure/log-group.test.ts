/** A log group of all nodes: machines are told of it, and may send to it and to nothing else. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  Domain,
  HighAvailabilityCluster,
  type LogGroupOptions,
  SingleNode,
} from '../../pulumi-azure';
import { AzureShapes } from './support/azure-shapes';
import { at, bootOf, listAt, scriptOf } from './support/read';
import { failureOf, inWorld, SUBSCRIPTION, type World } from './support/world';

const location = 'westeurope';
const domain = Domain.none();
const PUBLISHER = '3913510d-42f4-4e42-8a64-420c390055eb';
const RULE = 'azure-native:monitor:DataCollectionRule';
const TYPES = [
  RULE,
  'azure-native:monitor:DataCollectionEndpoint',
  'azure-native:operationalinsights:Workspace',
  'azure-native:operationalinsights:Table',
];
const shapes = new AzureShapes();

const highly = (logGroup?: LogGroupOptions) =>
  inWorld(
    () => new HighAvailabilityCluster('meet', { location, domain, ...(logGroup && { logGroup }) }),
  );

const bootFiles = (world: World) =>
  world
    .all('azure-native:compute:VirtualMachineScaleSet')
    .map(({ inputs }) => bootOf(scriptOf(at(inputs, 'virtualMachineProfile'))));

describe('a log group of a cluster', () => {
  let world: World;

  before(async () => {
    world = await highly({ retentionDays: 90 });
  });

  test('keeps what it is given for as long as was asked', () => {
    const workspace = world.only('azure-native:operationalinsights:Workspace').inputs;
    assert.equal(workspace['retentionInDays'], 90);
    assert.deepEqual(workspace['sku'], { name: 'PerGB2018' });
    const table = world.only('azure-native:operationalinsights:Table').inputs;
    assert.equal(table['tableName'], 'Sluice_CL');
    assert.equal(table['retentionInDays'], 90);
    assert.equal(table['workspaceName'], 'meet-logs-workspace');
  });

  test('takes rows of the columns that its table has', () => {
    const table = world.only('azure-native:operationalinsights:Table').inputs;
    const rule = world.only(RULE).inputs;
    const columns = (of: unknown, path: string): string[] =>
      listAt(of, path).map((each) => `${at(each, 'name')} ${at(each, 'type')}`);
    const declared = columns(rule, 'streamDeclarations.Custom-Sluice_CL.columns');
    const texts = ['Computer string', 'Service string', 'Message string'];
    assert.deepEqual(declared, ['TimeGenerated datetime', ...texts]);
    assert.deepEqual(columns(table, 'schema.columns'), ['TimeGenerated dateTime', ...texts]);
    assert.deepEqual(rule['dataFlows'], [
      {
        streams: ['Custom-Sluice_CL'],
        destinations: ['workspace'],
        transformKql: 'source',
        outputStream: 'Custom-Sluice_CL',
      },
    ]);
    assert.match(
      String(at(rule, 'destinations.logAnalytics.0.workspaceResourceId')),
      /Workspace\/meet-logs-workspace$/,
    );
  });

  test('is told to every machine', () => {
    const files = bootFiles(world);
    assert.equal(files.length, 2);
    for (const file of files) {
      assert.deepEqual(file['log_ingestion'], {
        endpoint: 'https://meet-logs-endpoint.westeurope-1.ingest.monitor.azure.com',
        rule: 'dcr-0123456789abcdef0123456789abcdef',
        stream: 'Custom-Sluice_CL',
      });
    }
  });

  test('lets every machine send lines by its rule, and do nothing else', () => {
    const found = world
      .all('azure-native:authorization:RoleAssignment')
      .filter(({ inputs }) => String(inputs['roleDefinitionId']).endsWith(PUBLISHER));
    assert.deepEqual(found.map(({ inputs }) => String(inputs['principalId'])).sort(), [
      'principal-of-meet-masters-identity',
      'principal-of-meet-media-identity',
    ]);
    for (const { inputs } of found) {
      assert.match(String(inputs['scope']), /DataCollectionRule\/meet-logs-rule$/);
    }
  });

  test("is taken by Azure's own clients, and what is wrong is not", () => {
    for (const type of TYPES) {
      const { inputs } = world.only(type);
      assert.deepEqual(shapes.problemsOf(type, inputs), [], type);
    }
    const rule = world.only(RULE).inputs;
    assert.notEqual(shapes.problemsOf(RULE, { ...rule, dataFlow: [] })?.length, 0);
    const [type = ''] = TYPES.slice(-1);
    const schema = { name: 'Sluice_CL', columns: [{ name: 'Message', type: 'text' }] };
    const table = { ...world.only(type).inputs, schema };
    assert.notEqual(shapes.problemsOf(type, table)?.length, 0);
  });
});

describe('a log group', () => {
  test('of a workspace of yours has a table in it', async () => {
    const id = `/subscriptions/${SUBSCRIPTION}/resourceGroups/logs/providers/Microsoft.OperationalInsights/workspaces/all`;
    const world = await highly({ existingWorkspaceId: id });
    assert.deepEqual(world.all('azure-native:operationalinsights:Workspace'), []);
    const table = world.only('azure-native:operationalinsights:Table').inputs;
    assert.equal(table['resourceGroupName'], 'logs');
    assert.equal(table['workspaceName'], 'all');
    assert.equal(table['retentionInDays'], 30);
    const rule = world.only(RULE).inputs;
    assert.equal(at(rule, 'destinations.logAnalytics.0.workspaceResourceId'), id);
  });

  test('is not there unless it is asked for', async () => {
    const world = await highly();
    for (const type of TYPES) assert.deepEqual(world.all(type), []);
    for (const file of bootFiles(world)) assert.equal(file['log_ingestion'], undefined);
  });

  test('is told to a Single Node too', async () => {
    const world = await inWorld(
      () => new SingleNode('meet', { location, domain, logGroup: { retentionDays: 7 } }),
    );
    const boot = bootOf(scriptOf(world.only('azure-native:compute:VirtualMachine').inputs));
    assert.equal(at(boot, 'log_ingestion.stream'), 'Custom-Sluice_CL');
    // The workspace takes no less than 30, its table does.
    const workspace = world.only('azure-native:operationalinsights:Workspace').inputs;
    assert.equal(workspace['retentionInDays'], 30);
    const table = world.only('azure-native:operationalinsights:Table').inputs;
    assert.equal(table['retentionInDays'], 7);
  });

  test('says what is wrong with it before anything is made, or in preview', async () => {
    const failure = (logGroup: LogGroupOptions) =>
      failureOf(() => new HighAvailabilityCluster('meet', { location, domain, logGroup }));
    assert.match(
      await failure({ retentionDays: 1 }),
      /logGroup\.retentionDays: got 1, allowed is a whole number from 4 to 730/,
    );
    assert.match(
      await failure({ existingWorkspaceId: 'all' }),
      /logGroup\.existingWorkspaceId: got "all", allowed is the id of a workspace/,
    );
  });
});
