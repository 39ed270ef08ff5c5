/** What a client of Scheduled Events must do, by the agent, and by clients that each get one thing wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventWatch } from '../../node-image/cloud/azure/event-watch';
import { ScheduledEvents } from '../../node-image/cloud/azure/scheduled-events';
import { configSchema } from '../../node-image/contract';
import { quiet } from '../cluster/core-support';
import { sleep, until } from '../support/wait';
import { EVENT_RULES, GONE_MS, problemOfEvents, type StartEventClient } from './azure-event-rules';
import { eventWorld } from './azure-event-world';
import { LOOK_MS } from './drain-world';
import { type EventMistake, NaiveEvents } from './naive-events';

const agent: StartEventClient = ({ machineId, metadata, registry, node }) =>
  new EventWatch({
    machineId,
    events: new ScheduledEvents({ url: metadata.url }),
    registry,
    drain: configSchema.parse({}).sluice.drain,
    isNodeAlive: async () => node.isAlive,
    log: quiet,
    intervalMs: LOOK_MS,
    goneMs: GONE_MS,
  });

const HOLDS = 'holds the machine until its node is empty, and lets it go then';
const TIME = 'gives Rooms the time that Azure gives';

/** Which rule finds each mistake out. */
const FOUND_BY: Readonly<Record<EventMistake, string>> = {
  'asks without the header': HOLDS,
  'asks by a version that knows no Terminate': HOLDS,
  'approves at once': HOLDS,
  'approves whatever it sees': 'leaves machines alone that nothing happens to',
  'drains for whatever it sees': 'leaves machines alone that nothing happens to',
  'approves when its own node is empty':
    'lets an event of several machines start when all of them are empty',
  'never approves': HOLDS,
  'gives every event a final order': 'has the node serve again when the maintenance is over',
  'never takes an order back': 'has the node serve again when the maintenance is over',
  'drains for a short pause': 'lets a short pause happen',
  'takes as long as a drain may take': TIME,
  'orders what can be cancelled': TIME,
  'orders at each look': 'orders once, however often it looks',
  'takes silence for the end of it': 'does not take a metadata service that fails for an answer',
  'waits for an empty node only': 'lets a machine go whose node is gone',
  'takes a node that is not listed for gone': 'holds a machine whose node the registry has lost',
};

describe('the agent of a machine on Azure', { concurrency: 4 }, () => {
  for (const rule of Object.keys(EVENT_RULES)) {
    it(rule, async () => {
      assert.equal(await problemOfEvents(rule, agent), undefined);
    });
  }
});

describe('a client of Scheduled Events without a mistake', { concurrency: 4 }, () => {
  for (const rule of new Set(Object.values(FOUND_BY))) {
    it(rule, async () => {
      assert.equal(await problemOfEvents(rule, (world) => new NaiveEvents(world)), undefined);
    });
  }
});

describe('a client of Scheduled Events is found out that', { concurrency: 4 }, () => {
  for (const [mistake, rule] of Object.entries(FOUND_BY) as [EventMistake, string][]) {
    it(mistake, async () => {
      const problem = await problemOfEvents(rule, (world) => new NaiveEvents(world, mistake));
      assert.notEqual(problem, undefined, `"${rule}" finds nothing wrong`);
    });
  }
});

describe('the last lines of a machine', () => {
  it('are waited for before Azure may end it', async (t) => {
    const { announce, close, machineId, metadata, node, registry, set } = await eventWorld();
    t.after(close);
    const approvedAtEnd: number[] = [];
    const watch = new EventWatch({
      machineId,
      events: new ScheduledEvents({ url: metadata.url }),
      registry,
      drain: configSchema.parse({}).sluice.drain,
      isNodeAlive: async () => false,
      beforeEnd: async () => {
        await sleep(50);
        approvedAtEnd.push(set.approved.length);
      },
      log: quiet,
      intervalMs: LOOK_MS,
      goneMs: 100,
    });
    t.after(() => watch.close());
    announce({ EventType: 'Reboot' });
    await until('the restart is let happen', () => set.approved.length === 1);
    assert.deepEqual(approvedAtEnd, [], 'a machine that comes back keeps its journal');
    announce({ EventType: 'Terminate', EventId: 'event-2' });
    await until('the end is let happen', () => set.approved.length === 2);
    assert.deepEqual(approvedAtEnd, [1]);
    node.close();
  });
});

describe('the reader of Scheduled Events', () => {
  it('waits long for the first answer only, and for none once it is closed', async (t) => {
    const { metadata, close } = await eventWorld();
    t.after(close);
    const events = new ScheduledEvents({ url: metadata.url, timeoutMs: 50 });
    metadata.isSilent = true;
    setTimeout(() => {
      metadata.isSilent = false;
    }, 200);
    await assert.rejects(new ScheduledEvents({ url: metadata.url, firstTimeoutMs: 50 }).list());
    const first = events.list();
    setTimeout(() => events.close(), 300);
    await assert.rejects(first, /does not answer/);
  });
});
