import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  type AlarmOptions,
  Domain,
  ElasticCluster,
  type ElasticClusterArgs,
  HighAvailabilityCluster,
  Jobs,
  type Observability,
} from '../../pulumi-azure';
import { OVERDUE } from '../../pulumi-azure/private/alarms';
import { AzureShapes } from './support/azure-shapes';
import { at, listAt } from './support/read';
import { failureOf, inWorld, type Registered, type World } from './support/world';

const METRIC = 'azure-native:monitor:MetricAlert';
const QUERY = 'azure-native:monitor:ScheduledQueryRule';
const location = 'westeurope';
const domain = Domain.none();

const highly = (alarms: AlarmOptions | undefined, rest: Partial<ElasticClusterArgs> = {}) =>
  inWorld(() => {
    const cluster = new HighAvailabilityCluster('meet', { location, domain, ...rest });
    if (alarms) cluster.observability.addAlarms(alarms);
  });

/** By the last part of their names. */
const alarmsOf = (world: World): Record<string, Registered> =>
  Object.fromEntries(
    [...world.all(METRIC), ...world.all(QUERY)].map((each) => [
      each.name.replace(/^meet-observability-/, ''),
      each,
    ]),
  );

const criterion = (alarm: Registered | undefined): unknown => at(alarm?.inputs, 'criteria.allOf.0');

describe('alarms of a High Availability cluster', () => {
  let alarms: Record<string, Registered>;
  let world: World;

  before(async () => {
    world = await highly(
      { actions: ['/groups/on-call'], emails: ['ops@example.com'], fullAtCpu: 65 },
      { logGroup: {} },
    );
    alarms = alarmsOf(world);
  });

  test('are for what somebody has to look at', () => {
    assert.deepEqual(Object.keys(alarms).sort(), [
      'drain-stuck',
      'master-down',
      'no-headroom',
      'redis-busy',
      'redis-memory',
    ]);
  });

  test('tell those who were named, and write to those who were', () => {
    const group = world.only('azure-native:monitor:ActionGroup');
    assert.equal(group.inputs['location'], 'global');
    assert.ok(String(group.inputs['groupShortName']).length <= 12);
    assert.deepEqual(group.inputs['emailReceivers'], [
      { name: 'ops@example.com', emailAddress: 'ops@example.com', useCommonAlertSchema: true },
    ]);
    for (const [name, { type, inputs }] of Object.entries(alarms)) {
      const told =
        type === QUERY
          ? listAt(inputs, 'actions.actionGroups')
          : listAt(inputs, 'actions').map((each) => at(each, 'actionGroupId'));
      assert.equal(told.length, 2, name);
      assert.equal(told[0], '/groups/on-call');
      assert.match(String(told[1]), /ActionGroup\/meet-observability-actions$/);
      assert.equal(inputs['enabled'], true);
      assert.ok(inputs['description'], name);
    }
  });

  test('tell their end, but for that of a line in the journal', () => {
    for (const [name, { inputs }] of Object.entries(alarms)) {
      assert.equal(inputs['autoMitigate'], name !== 'drain-stuck', name);
    }
  });

  test('watch the CPU of the set of the Media Nodes', () => {
    const { inputs } = alarms['no-headroom'] ?? {};
    assert.match(String(listAt(inputs, 'scopes')[0]), /VirtualMachineScaleSet\/meet-media-set$/);
    assert.deepEqual(criterion(alarms['no-headroom']), {
      criterionType: 'StaticThresholdCriterion',
      name: 'no-headroom',
      metricNamespace: 'Microsoft.Compute/virtualMachineScaleSets',
      metricName: 'Percentage CPU',
      timeAggregation: 'Average',
      operator: 'GreaterThan',
      threshold: 65,
      skipMetricValidation: true,
    });
    assert.equal(at(inputs, 'windowSize'), 'PT15M');
  });

  test('ask the load balancer for the Master Nodes that answer', () => {
    const alarm = alarms['master-down'];
    assert.match(String(listAt(alarm?.inputs, 'scopes')[0]), /\/loadBalancers\//);
    assert.equal(at(criterion(alarm), 'metricName'), 'DipAvailability');
    assert.equal(at(criterion(alarm), 'operator'), 'LessThan');
    // Each by itself, so that it says which; a minute's restart leaves 80 in five.
    assert.equal(at(criterion(alarm), 'threshold'), 50);
    assert.deepEqual(at(criterion(alarm), 'dimensions'), [
      { name: 'BackendIPAddress', operator: 'Include', values: ['*'] },
    ]);
  });

  test('watch the memory and the load of Redis', () => {
    for (const [name, metric] of [
      ['redis-memory', 'usedmemorypercentage'],
      ['redis-busy', 'serverLoad'],
    ] as const) {
      assert.match(String(listAt(alarms[name]?.inputs, 'scopes')[0]), /RedisEnterprise/);
      assert.equal(at(criterion(alarms[name]), 'metricName'), metric);
      assert.equal(at(criterion(alarms[name]), 'threshold'), 80);
    }
  });

  test('look in the journal for a drain that hangs', () => {
    const alarm = alarms['drain-stuck'];
    assert.match(String(listAt(alarm?.inputs, 'scopes')[0]), /Workspace\/meet-logs-workspace$/);
    const query = String(at(criterion(alarm), 'query'));
    assert.ok(query.startsWith(`Sluice_CL | where Message has "${OVERDUE}"`), query);
  });

  test('look in the journal for jobs that no machine took, where there are jobs', async () => {
    const { only } = await inWorld(() => {
      const mediaNodes = { jobs: Jobs.builtIn() };
      const cluster = new ElasticCluster('meet', { domain, logGroup: {}, mediaNodes });
      cluster.observability.addAlarms();
    });
    const query = String(at(criterion(only(QUERY, 'jobs-refused')), 'query'));
    const said = [...query.matchAll(/Message has "([^"]+)"/g)].map(([, text = '']) => text);
    assert.equal(said.length, 2, query);
    const sources = ['job-dispatcher.ts', 'job-reaper.ts']
      .map((file) => readFileSync(join(__dirname, '../../node-image/jobs', file), 'utf8'))
      .join('');
    for (const text of said) assert.ok(sources.includes(`'${text}'`), text);
  });

  test("are taken by Azure's own clients", () => {
    const shapes = new AzureShapes();
    for (const { type, inputs } of [
      ...Object.values(alarms),
      ...world.all('azure-native:monitor:ActionGroup'),
    ]) {
      if (type !== QUERY) assert.deepEqual(shapes.problemsOf(type, inputs), []);
    }
    for (const [key, value] of [
      ['severity', '2'],
      ['windowSize', 5],
      ['criteria', { odataType: 'Microsoft.Azure.Monitor.Nothing' }],
      ['scope', []],
    ] as const) {
      const { type, inputs } = alarms['no-headroom'] ?? { type: '', inputs: {} };
      assert.equal(shapes.problemsOf(type, { ...inputs, [key]: value })?.length, 1, key);
    }
  });
});

describe('observability of a cluster', () => {
  test('costs nothing by itself', async () => {
    const world = await highly(undefined);
    assert.deepEqual(alarmsOf(world), {});
    assert.deepEqual(world.all('azure-native:operationalinsights:Workspace'), []);
    assert.deepEqual(world.all('azure-native:monitor:ActionGroup'), []);
  });

  test('tells nobody where nobody was named, and nothing that only the journal says', async () => {
    const world = await highly({});
    const alarms = alarmsOf(world);
    assert.deepEqual(Object.keys(alarms).sort(), [
      'master-down',
      'no-headroom',
      'redis-busy',
      'redis-memory',
    ]);
    for (const { inputs } of Object.values(alarms)) assert.deepEqual(inputs['actions'], []);
    assert.equal(at(criterion(alarms['no-headroom']), 'threshold'), 70);
  });

  test('of an Elastic one watches the machine of its Master Node, where its Redis is', async () => {
    const world = await inWorld(() => {
      new ElasticCluster('meet', { location, domain }).observability.addAlarms();
    });
    const alarms = alarmsOf(world);
    assert.deepEqual(Object.keys(alarms).sort(), ['master-down', 'no-headroom']);
    const { inputs } = alarms['master-down'] ?? {};
    assert.match(String(listAt(inputs, 'scopes')[0]), /VirtualMachine\/meet-masters/);
    assert.equal(at(criterion(alarms['master-down']), 'metricName'), 'VmAvailabilityMetric');
    assert.equal(at(criterion(alarms['master-down']), 'threshold'), 0.5);
  });

  test('has metrics for alerts and dashboards of yours', async () => {
    let found: Observability | undefined;
    await inWorld(() => {
      found = new ElasticCluster('meet', { location, domain }).observability;
    });
    assert.equal(found?.metricMediaLoad().name, 'Percentage CPU');
    assert.equal(found.metricMediaNetworkOut().aggregation, 'Total');
    assert.equal(found.metricMasterNodes().namespace, 'Microsoft.Compute/virtualMachines');
  });

  test('draws a dashboard on request', async () => {
    const world = await inWorld(() => {
      new HighAvailabilityCluster('meet', { location, domain }).observability.addDashboard();
    });
    const { inputs } = world.only('azure-native:portal:Dashboard');
    assert.equal(inputs['dashboardName'], 'meet-observability-dashboard');
    const charts = listAt(inputs, 'properties.lenses.0.parts').map((part) =>
      at(part, 'metadata.settings.content.options.chart'),
    );
    assert.deepEqual(
      charts.map((chart) => [at(chart, 'metrics.0.name'), at(chart, 'metrics.0.aggregationType')]),
      [
        ['Percentage CPU', 4],
        ['Network Out Total', 1],
        ['DipAvailability', 4],
        ['serverLoad', 3],
        ['usedmemorypercentage', 3],
      ],
    );
    for (const chart of charts) {
      assert.match(String(at(chart, 'metrics.0.resourceMetadata.id')), /^\/subscriptions\//);
    }
    const places = listAt(inputs, 'properties.lenses.0.parts').map((part) =>
      ['x', 'y'].map((axis) => at(part, `position.${axis}`)).join(),
    );
    assert.equal(new Set(places).size, charts.length, 'no graph is over another');
  });

  test('says all that is wrong with its options at once', async () => {
    const failure = await failureOf(() => {
      const { observability } = new ElasticCluster('meet', { location, domain });
      observability.addAlarms({ fullAtCpu: 200, emails: ['ops'] });
    });
    assert.match(failure, /fullAtCpu: got 200, allowed is a number from 1 to 100/);
    assert.match(failure, /emails: got "ops", allowed is addresses such as a@b\.example/);
  });
});
