import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { AgentMetrics } from '../../node-image/telemetry/agent-metrics';

test('agents are counted by name, as they are now, and there is an end to names', async () => {
  const registry = new Registry();
  let figures = { workers: ['a', 'a', ''], running: ['a'], waiting: ['b', 'b'] };
  const metrics = new AgentMetrics(registry, () => figures);
  metrics.offered('a', 'refused');
  const before = await registry.metrics();
  for (const line of [
    'sluice_agent_workers{agent_name="a"} 2',
    'sluice_agent_workers{agent_name=""} 1',
    'sluice_agent_jobs{agent_name="a",state="running"} 1',
    'sluice_agent_jobs{agent_name="b",state="waiting"} 2',
    'sluice_agent_offers_total{agent_name="a",answer="refused"} 1',
  ]) {
    assert.ok(before.includes(line), line);
  }
  const many = Array.from({ length: 1000 }, (_one, index) => `agent-${index}`);
  figures = { workers: many, running: [], waiting: [] };
  for (const name of many) metrics.offered(name, 'taken');
  const after = await registry.metrics();
  const workers = after.split('\n').filter((line) => line.startsWith('sluice_agent_workers{'));
  // Three names were known before.
  assert.equal(workers.length, 48);
  assert.ok(after.includes('sluice_agent_workers{agent_name="(others)"} 953'));
  assert.ok(!after.includes('state="waiting"'), 'what is no more is not shown');
});
