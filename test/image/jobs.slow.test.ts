/** What install.sh --jobs brings, inside the sandbox of the node's unit. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EncodedFileOutput, EncodingOptions, WebEgressRequest } from '@livekit/protocol';
import { AccessToken } from 'livekit-server-sdk';
import { flashAndBeepPage, flashesAndBeeps, probe } from '../jobs/egress/support/media';
import { sleep, until, within } from '../support/wait';
import { Container } from './support/container';
import type { DebianRoot } from './support/debian-root';
import { installedRoot } from './support/installed-root';
import { configureSingleNode, SIGNER } from './support/single-node';

const RECORDINGS = '/var/lib/sluice/node/recordings';
/** Several flashes and beeps, one a second. */
const RECORDED_MS = 4000;
const PAGE = 'http://127.0.0.1:9000/';
const WEB = `require('node:http').createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(${JSON.stringify(flashAndBeepPage)});
}).listen(9000, '127.0.0.1', () => console.log('up'));`;

describe('a machine with jobs', { concurrency: 1 }, () => {
  let root: DebianRoot;
  let machine: Container;

  before(async () => {
    root = installedRoot(['--jobs']);
    configureSingleNode(root);
    appendFileSync(
      join(root.path, 'etc/sluice/sluice.yaml'),
      `egress: { local_directory: ${RECORDINGS}, cpu_cost: { web_cpu_cost: 0 } }\n`,
    );
    machine = await Container.boot(root.path);
    await until(
      'the node to answer',
      () => machine.run('curl', '-sf', '-m', '2', 'http://127.0.0.1:7880/').output === 'OK',
      { timeoutMs: 60_000, intervalMs: 200, explain: () => machine.journal() },
    );
  });
  after(async () => {
    await machine?.cutPower();
    root?.remove();
  });

  const token = async (): Promise<string> => {
    const access = new AccessToken(SIGNER.apiKey, SIGNER.apiSecret);
    access.addGrant({ roomRecord: true });
    return access.toJwt();
  };
  interface Info {
    readonly egress_id: string;
    readonly status: string;
    readonly error?: string;
  }
  const ask = async (method: string, body: string): Promise<string> => {
    const url = `http://127.0.0.1:7880/twirp/livekit.Egress/${method}`;
    const headers = [`authorization: Bearer ${await token()}`, 'content-type: application/json'];
    const { output } = machine.run(
      ...['curl', '-s', '-m', '20', url, '-d', body],
      ...headers.flatMap((header) => ['-H', header]),
    );
    return output;
  };
  const seen = async (id: string): Promise<Info> =>
    JSON.parse(await ask('ListEgress', JSON.stringify({ egress_id: id }))).items[0];

  test('records a page as the user of the unit, in a browser that has its own sandbox', async (t) => {
    const web = machine.inNetwork([process.execPath, '-e', WEB]);
    t.after(() => web.kill());
    await within('the page', once(web.stdout ?? web, 'data'));
    const request = new WebEgressRequest({
      url: PAGE,
      awaitStartSignal: true,
      fileOutputs: [new EncodedFileOutput({ filepath: 'page.mp4' })],
      options: {
        case: 'advanced',
        value: new EncodingOptions({ width: 640, height: 360, framerate: 25, videoBitrate: 800 }),
      },
    });
    const { egress_id: id }: Info = JSON.parse(
      await ask('StartWebEgress', request.toJsonString({ useProtoFieldName: true })),
    );
    const reached = (status: string): Promise<unknown> =>
      until(
        `the recording to be ${status}`,
        async () => {
          const info = await seen(id);
          assert.ok(!/FAILED|ABORTED/.test(info.status), `${info.error}\n${machine.journal()}`);
          return info.status === status;
        },
        { timeoutMs: 60_000, explain: () => machine.journal() },
      );
    await reached('EGRESS_ACTIVE');

    const inside = (command: string): string => machine.run('sh', '-c', command).output.trim();
    const node = inside('systemctl show -p MainPID --value sluice-node.service');
    const [renderer = ''] = inside("pgrep -f -- 'chromium.*--type=renderer'").split('\n');
    assert.match(renderer, /^\d+$/);
    assert.equal(inside(`stat -c %U /proc/${renderer}`), 'sluice');
    for (const namespace of ['user', 'pid', 'net']) {
      const [ofNode, ofPage] = [node, renderer].map((pid) =>
        inside(`readlink /proc/${pid}/ns/${namespace}`),
      );
      assert.notEqual(ofPage, ofNode, namespace);
    }

    await sleep(RECORDED_MS);
    await ask('StopEgress', JSON.stringify({ egress_id: id }));
    await reached('EGRESS_COMPLETE');
    const file = join(root.path, RECORDINGS, 'page.mp4');
    const made = await probe(file);
    assert.deepEqual(made.codecs, { video: 'h264', audio: 'aac' });
    assert.deepEqual([made.width, made.height], [640, 360]);
    const { flashes, beeps } = await flashesAndBeeps(file);
    assert.ok(flashes.length > 0 && beeps.length > 0, 'what the page shows and plays is in it');
    assert.deepEqual(
      readdirSync(join(root.path, RECORDINGS)).filter((name) => name.endsWith('.mp4')),
      ['page.mp4'],
    );
    assert.equal(inside('pgrep -c chromium'), '0');
  });
});
