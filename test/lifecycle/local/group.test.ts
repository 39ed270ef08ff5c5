/** The machines of a local cluster, and the socket over which a Master Node asks for them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { SocketGroup } from '../../../node-image/cluster/local-group-client';
import { GroupServer } from '../../../node-image/lifecycle/local/group-server';
import { LocalGroup } from '../../../node-image/lifecycle/local/local-group';
import { until } from '../../support/wait';

/** Machines that are no processes. */
class Machines {
  readonly log: string[] = [];
  readonly serving = new Set<string>();
  fails = false;
  /** Ends machines that were asked to end. */
  release: () => void = () => {};

  readonly start = async (id: string) => {
    if (this.fails) throw new Error(`${id} finds no free ports`);
    this.log.push(`start ${id}`);
    return {
      isServing: () => this.serving.has(id),
      stop: async () => {
        this.log.push(`stop ${id}`);
        await new Promise<void>((resolve) => {
          this.release = resolve;
        });
      },
      stopNow: async () => void this.log.push(`stop ${id} now`),
    };
  };
}

let machines: Machines;
let group: LocalGroup;
let nowMs = 0;
beforeEach(() => {
  nowMs = 1000;
  machines = new Machines();
  group = new LocalGroup({ start: machines.start, maxMachines: 3, now: () => nowMs });
});

describe('the group of a local cluster', () => {
  it('says of each machine how far it is, and how old', async () => {
    await group.grow(2);
    machines.serving.add('media-2');
    nowMs += 70;
    await group.terminate('media-1');
    assert.deepEqual(await group.describe(), {
      wanted: 1,
      machines: [
        { id: 'media-1', state: 'stopping', ageMs: 70 },
        { id: 'media-2', state: 'running', ageMs: 70 },
      ],
    });
    machines.release();
    await until('one to be left', async () => (await group.describe()).machines.length === 1);
  });

  it('ends a machine once, however often it is asked', async () => {
    await group.grow(2);
    await group.terminate('media-2');
    await group.terminate('media-2');
    await group.terminate('media-7');
    assert.equal((await group.describe()).wanted, 1);
    assert.deepEqual(machines.log, ['start media-1', 'start media-2', 'stop media-2']);
  });

  it('refuses more than the computer may have, and then starts none', async () => {
    await group.grow(2);
    await assert.rejects(group.grow(2), /2 more Media Nodes .* and 2 run .* allowed are 3 in all/);
    assert.equal((await group.describe()).wanted, 2);
    assert.equal(machines.log.length, 2);
  });

  it('forgets a machine that cannot be started', async () => {
    machines.fails = true;
    await assert.rejects(group.grow(1), /media-1 finds no free ports/);
    assert.deepEqual(await group.describe(), { wanted: 0, machines: [] });
    machines.fails = false;
    await group.grow(1);
    assert.deepEqual(machines.log, ['start media-2']);
  });

  it('ends all when it is closed, also those on their way, and starts none any more', async () => {
    const growing = group.grow(2);
    await Promise.all([group.close(), growing]);
    assert.deepEqual(machines.log.slice(2).sort().slice(0, 2), [
      'stop media-1 now',
      'stop media-2 now',
    ]);
    await assert.rejects(group.grow(1), /is being stopped/);
    await group.close();
  });
});

describe('the socket of a local cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'group-'));
  const socket = join(folder, 'group.sock');
  const client = new SocketGroup({ socket, timeoutMs: 300 });
  let server: GroupServer;
  beforeEach(async () => {
    server = await GroupServer.listen({ group, socket });
  });
  afterEach(() => server.close());
  after(() => rmSync(folder, { recursive: true }));

  it('does for a Master Node what the group does', async () => {
    await client.grow(1);
    nowMs += 5;
    assert.deepEqual(await client.describe(), await group.describe());
    await client.terminate('media-1');
    await client.terminate('media-1');
    assert.equal((await client.describe()).wanted, 0);
    await assert.rejects(client.grow(50), { name: 'GroupError', message: /answers 409.*allowed/ });
    await client.close();
  });

  it('refuses what is no request to it, and goes on', async () => {
    const cases: [string, string, string, number][] = [
      ['POST', '/machines', '', 400],
      ['POST', '/machines', '{"count":0}', 400],
      ['POST', '/machines', '{"count":1.5}', 400],
      ['POST', '/machines', '{"count":1e9}', 400],
      ['POST', '/machines', '{"count":1,"more":2}', 400],
      ['POST', '/machines', 'x'.repeat(20_000), 400],
      ['DELETE', '/machines/..%2f..', '', 404],
      ['DELETE', `/machines/${'x'.repeat(65)}`, '', 404],
      ['PUT', '/machines', '', 404],
      ['GET', '/', '', 404],
    ];
    for (const [method, path, body, expected] of cases) {
      const { status, text } = await ask(method, path, body);
      assert.equal(status, expected, `${method} ${path} ${body.slice(0, 30)}: ${text}`);
      assert.match(text, /^\{"error":".*(allowed is|more than)/);
    }
    assert.deepEqual(machines.log, []);
  });

  it('tells of a machine that cannot be started', async () => {
    machines.fails = true;
    await assert.rejects(client.grow(1), /answers 500.*media-1 finds no free ports/);
  });

  it('that is not there, does not answer or talks nonsense is told in words', async () => {
    await server.close();
    await assert.rejects(client.describe(), {
      name: 'GroupError',
      message: /cannot be reached .* it is there while `sluice up` runs/,
    });
    for (const [answer, said] of [
      [undefined, /does not answer within 300 ms/],
      ['<html>', /which is no group of Media Nodes/],
      ['{"wanted":-1,"machines":[]}', /which is no group of Media Nodes/],
    ] as const) {
      const other = createServer((_, response) => answer && response.end(answer)).listen(socket);
      await new Promise((resolve) => other.once('listening', resolve));
      await assert.rejects(client.describe(), said);
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    }
  });

  function ask(method: string, path: string, body: string) {
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = request({ socketPath: socket, method, path }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      call.on('error', reject);
      call.end(body);
    });
  }
});
