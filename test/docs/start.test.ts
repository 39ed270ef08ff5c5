/** `npm start` as the README has it, and the snippets against what it serves. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IngressInput, IngressState_Status } from '@livekit/protocol';
import { build } from 'esbuild';
import { AccessToken, IngressClient } from 'livekit-server-sdk';
import { Encoders } from '../jobs/ingress/encoders';
import { below, isAlive } from '../lifecycle/local/support';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { freePortRange, freeTcpPort } from '../support/ports';
import { until } from '../support/wait';
import { type Block, REPOSITORY, runnable } from './support/pages';
import { outputOf, type Running, runNode } from './support/processes';

const options = { timeout: 90_000 };
const folder = join(REPOSITORY, 'out', `docs-${process.pid}`);
let port = 0;
let cluster: Running;
let browser: TestBrowser;

before(async () => {
  port = await freeTcpPort();
  const env = { ...process.env, LIVEKIT_PORT: `${port}`, NODE_IP: '127.0.0.1' };
  cluster = runNode(['scripts/run.mjs', 'start'], env);
  await until('npm start to greet', () => hasGreeted(cluster), {
    timeoutMs: 80_000,
    explain: cluster.output,
  });
  browser = await openBrowser();
  writeSnippets();
});
after(async () => {
  await browser?.close();
  cluster?.child.kill('SIGINT');
  await cluster?.ended;
  rmSync(folder, { recursive: true, force: true });
});

test('npm start says where to go, and serves the page', options, async () => {
  assert.match(cluster.output(), /an elastic cluster of 1 Master Node and 2 Media Nodes/);
  assert.match(cluster.output(), new RegExp(`http://127\\.0\\.0\\.1:${port}/meet\\?room=demo`));
  assert.match(cluster.output(), /devkey, secret/);
  const page = await fetch(`http://127.0.0.1:${port}/meet?room=demo`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<title>/);
});

test('what it says to try next works: the nodes are listed', options, async () => {
  const command = /^ {4}(bin\/sluice nodes [^\n]*?) {2,}/m.exec(cluster.output())?.[1] ?? '';
  const { code, output } = await outputOf([...command.split(' '), '--json']);
  assert.equal(code, 0, output);
  const { nodes } = JSON.parse(output) as { nodes: { state: string; record: { role: string } }[] };
  assert.deepEqual(nodes.map(({ record, state }) => `${record.role} ${state}`).sort(), [
    'master serving',
    'media serving',
    'media serving',
  ]);
});

test('the snippets are sound TypeScript', options, async () => {
  const { code, output } = await outputOf(['node_modules/typescript/bin/tsc', '-p', folder]);
  assert.equal(code, 0, output);
});

test('the server snippet makes a token and lists the Rooms', options, async () => {
  const { code, output } = await outputOf(['--import', 'tsx', join(folder, 'server.mts')]);
  assert.equal(code, 0, output);
  assert.match(output, /^eyJ[\w.-]+ \[\]\s*$/);
});

test('two browsers with the client snippet see each other', options, async () => {
  const script = await bundle('client.mts');
  const pages = [await joinAs('ada', script), await joinAs('grace', script)];
  for (const page of pages) {
    await until('a moving picture of the other', () => moves(page), {
      timeoutMs: 20_000,
      explain: () => page.takeLog() + cluster.output().slice(-3000),
    });
  }
});

test('an encoder sends to where it says, and the Ingress says the same', options, async () => {
  const url = /For encoders +(rtmp:\S+)/.exec(cluster.output())?.[1];
  const api = new IngressClient(`http://127.0.0.1:${port}`, 'devkey', 'secret');
  const create = (type: IngressInput) =>
    api.createIngress(type, { roomName: 'studio', participantIdentity: 'encoder' });
  const whip = await create(IngressInput.WHIP_INPUT);
  assert.equal(whip.url, `http://127.0.0.1:${port}/whip`);
  const rtmp = await create(IngressInput.RTMP_INPUT);
  assert.equal(rtmp.url, url);
  const encoders = new Encoders();
  try {
    encoders.send(`${rtmp.url}/${rtmp.streamKey}`, { size: '320x180' });
    await until(
      'what it sends to be in the Room',
      async () => {
        const [info] = await api.listIngress({ ingressId: rtmp.ingressId });
        return info?.state?.status === IngressState_Status.ENDPOINT_PUBLISHING;
      },
      { timeoutMs: 20_000, explain: () => cluster.output().slice(-3000) },
    );
  } finally {
    encoders.close();
    for (const { ingressId } of [whip, rtmp]) await api.deleteIngress(ingressId);
  }
});

test('Ctrl-C ends it with exit code 0, and leaves no process', options, async () => {
  const all = below(cluster.child.pid ?? 0);
  // This script's node, the master, two Media Nodes and their workers, Redis.
  assert.ok(all.length >= 7, `${all.length} processes`);
  const begun = performance.now();
  cluster.child.kill('SIGINT');
  assert.equal(await cluster.ended, 0, cluster.output().slice(-3000));
  assert.ok(performance.now() - begun < 10_000);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  assert.deepEqual(all.filter(isAlive), []);
});

test('npm start with options, or --single, is a Single Node', options, async () => {
  const own = await freeTcpPort();
  const media = await freePortRange(2);
  const given = [
    ...['--single', '--port', `${own}`, '--sluice.workers', '1', '--udp-port', `${media}`],
    ...['--rtc.tcp_port', `${media + 1}`, '--node-ip', '127.0.0.1'],
  ];
  const node = runNode(['scripts/run.mjs', 'start', '--', ...given]);
  try {
    await until('it to greet', () => hasGreeted(node), {
      timeoutMs: 60_000,
      explain: node.output,
    });
    assert.match(node.output(), /Sluice is up: a Single Node/);
    assert.match(node.output(), /For encoders +rtmp:\/\/127\.0\.0\.1:\d+\/live/);
    const page = await fetch(`http://127.0.0.1:${own}/meet?room=demo`);
    assert.equal(page.status, 200);
  } finally {
    node.child.kill('SIGINT');
  }
  assert.equal(await node.ended, 0, node.output().slice(-3000));
});

function hasGreeted({ child, output }: Running): boolean {
  if (child.exitCode !== null) throw new Error(output());
  return /Ctrl-C stops/.test(output());
}

function snippet(library: string): Block {
  const found = runnable('ts').filter(
    ({ text }) => text.includes(`from '${library}'`) && !text.includes('EgressClient'),
  );
  const [block] = found;
  assert.ok(block !== undefined && found.length === 1, `one snippet imports ${library}`);
  return block;
}

/** As modules of a project of their own, against the port of this run. */
function writeSnippets(): void {
  // Those of deployments are run by the tests of docs in test/constructs and test/pulumi-azure, that
  // of recordings by test/jobs/egress/egress-api.alone.slow.test.ts.
  const ofNodes = runnable('ts').filter(({ text }) => !/'@sluice\/|EgressClient/.test(text));
  assert.equal(ofNodes.length, 2, 'every snippet is run');
  mkdirSync(folder, { recursive: true });
  const local = ({ text }: Block): string => text.replaceAll(':7880', `:${port}`);
  writeFileSync(join(folder, 'server.mts'), local(snippet('livekit-server-sdk')));
  const client = `declare const token: string;\n${local(snippet('livekit-client'))}`;
  writeFileSync(join(folder, 'client.mts'), client);
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { lib: ['es2023', 'dom'], incremental: false },
    files: ['server.mts', 'client.mts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
}

async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, name)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

async function joinAs(identity: string, script: string): Promise<TestPage> {
  const access = new AccessToken('devkey', 'secret', { identity });
  access.addGrant({ roomJoin: true, room: 'demo' });
  const token = await access.toJwt();
  const page = await browser.openPage();
  await page.page.evaluate((value) => Object.assign(window, { token: value }), token);
  await page.page.addScriptTag({ type: 'module', content: script });
  return page;
}

/** Whether a picture has come and goes on. */
function moves({ page }: TestPage): Promise<boolean> {
  return page.evaluate(async () => {
    const video = document.querySelector('video');
    const before = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const after = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    return video !== null && video.videoWidth > 0 && after > before;
  });
}
