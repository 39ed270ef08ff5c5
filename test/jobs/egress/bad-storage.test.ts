import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  type EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  GCPUpload,
  ProxyConfig,
  S3Upload,
  SegmentedFileOutput,
} from '@livekit/protocol';
import { listedSegments } from '../../../node-image/jobs/egress/outputs/playlist';
import { storageOf } from '../../../node-image/jobs/egress/storage-choice';
import { S3Storage } from '../../../node-image/jobs/egress/upload/s3-storage';
import { sleep, until } from '../../support/wait';
import { type FakeGcs, startFakeGcs } from './support/fake-gcs';
import { processesIn } from './support/processes';
import { filesBelow, TestRuns } from './support/runs';

const { EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED } = EgressStatus;

describe('Storage that fails', { concurrency: 4 }, () => {
  const runs = new TestRuns();
  const servers: (Server | TcpServer | FakeGcs)[] = [];
  after(async () => {
    await runs.close();
    for (const server of servers) server.close();
  });

  const listening = async (server: Server | TcpServer): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  };
  const s3At = (endpoint: string, more: Partial<S3Upload> = {}) =>
    new S3Upload({ accessKey: 'AKIAKEY', secret: 's3cr3t-key', bucket: 'b', endpoint, ...more });
  const mp4To = (value: S3Upload) => [
    new EncodedFileOutput({ filepath: 'x', output: { case: 's3', value } }),
  ];
  const failed = (info: EgressInfo, text: RegExp): void => {
    assert.equal(info.status, EGRESS_FAILED);
    assert.match(info.error, text);
    assert.doesNotMatch(JSON.stringify(info.toJson()), /s3cr3t-key/);
  };

  it('says that a key is wrong, and records nothing', async () => {
    const denied = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end(
        '<Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message></Error>',
      );
    });
    const request = { fileOutputs: mp4To(s3At(await listening(denied))) };
    const { work, ended } = await runs.start({ request });
    const info = await ended();
    failed(info, /Upload to .*\/b\/x\.mp4 failed: InvalidAccessKeyId: The key does not exist/);
    assert.equal(info.startedAt, 0n);
    assert.deepEqual([await processesIn(work), await filesBelow(work)], [[], []]);
  });

  it('gives up storage that takes a connection and never answers', async () => {
    const mute = await listening(createTcpServer(() => {}));
    const request = { fileOutputs: mp4To(s3At(mute)) };
    const { ended } = await runs.start({ request, checkMs: 1000 });
    failed(await ended(), /has not answered within 1 s/);
  });

  it('goes on in the backup, where its playlist lists what is there', async () => {
    const gcs = await startFakeGcs('recordings');
    servers.push(gcs);
    const output = {
      ...{ case: 'gcp' as const, value: new GCPUpload({ bucket: 'recordings' }) },
    };
    const segmentOutputs = [
      new SegmentedFileOutput({
        ...{ filenamePrefix: 'h/s', playlistName: 'p.m3u8', segmentDuration: 1, output },
      }),
    ];
    const { run, root, info, ended } = await runs.start({
      ...{ request: { segmentOutputs }, endpoint: gcs.url, backup: { kind: 'local' } },
    });
    const wait = { timeoutMs: 20_000 };
    await until('2 segments', () => info.segmentResults[0]?.segmentCount === 2n, wait);
    assert.equal(gcs.objects.get('h/p.m3u8')?.cacheControl, 'public, max-age=1');
    assert.equal(info.backupStorageUsed, false);
    gcs.refuse(10_000, 403);
    await until('the backup', () => info.backupStorageUsed, wait);
    await sleep(1500);
    run.stop('StopEgress API');
    await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    const playlist = await readFile(join(root, 'h/p.m3u8'), 'utf8');
    const files = await filesBelow(root);
    for (const { name, map } of listedSegments(playlist)) {
      assert.ok(files.includes(`h/${name}`) && files.includes(`h/${map}`), `${name}: ${files}`);
    }
    assert.equal(info.segmentResults[0]?.playlistLocation, join(root, 'h/p.m3u8'));
    assert.doesNotMatch(gcs.objects.get('h/p.m3u8')?.body.toString() ?? '', /ENDLIST/);
  });

  it('keeps an MP4 in Google Cloud Storage, and says that a bucket is not there', async () => {
    const gcs = await startFakeGcs('recordings');
    servers.push(gcs);
    const to = (bucket: string) => [
      new EncodedFileOutput({
        ...{ filepath: 'a/b', output: { case: 'gcp', value: new GCPUpload({ bucket }) } },
      }),
    ];
    const good = { request: { fileOutputs: to('recordings') }, endpoint: gcs.url };
    const { run, reached, info, ended } = await runs.start(good);
    await reached(EGRESS_ACTIVE);
    gcs.refuse(2, 503);
    await until('a piece', () => gcs.objects.has('a/b.mp4.parts/0/00000.m4s'), {
      timeoutMs: 30_000,
    });
    run.stop('StopEgress API');
    await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.deepEqual([...gcs.objects.keys()].sort(), ['a/EG_test.json', 'a/b.mp4']);
    assert.equal(gcs.objects.get('a/b.mp4')?.body.length, Number(info.fileResults[0]?.size));
    assert.equal(gcs.objects.get('a/b.mp4')?.contentType, 'video/mp4');

    const bad = await runs.start({ request: { fileOutputs: to('nowhere') }, endpoint: gcs.url });
    failed(
      await bad.ended(),
      /nowhere\/a\/b\.mp4 failed: 404: The specified bucket does not exist/,
    );
  });

  it('reaches storage by a proxy, which is told who asks', async () => {
    const asked: string[] = [];
    const bucket = await listening(
      createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        request.resume();
        response.end();
      }),
    );
    const proxy = createServer();
    proxy.on('connect', (request, client) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
      const [host, port] = (request.url ?? '').split(':');
      const on = connect(Number(port), host);
      on.once('connect', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        on.pipe(client).pipe(on);
      });
      for (const socket of [on, client]) socket.on('error', () => socket.destroy());
    });
    const spec = storageOf(
      {
        case: 's3',
        value: s3At(bucket, {
          proxy: new ProxyConfig({ url: await listening(proxy), username: 'u', password: 'p:w' }),
        }),
      },
      undefined,
    );
    assert.equal(spec.kind, 's3');
    const storage = new S3Storage(spec);
    try {
      await storage.put('k', { bytes: Buffer.from('x') }, { contentType: 'text/plain' });
    } finally {
      storage.close();
    }
    const basic = `Basic ${Buffer.from('u:p:w').toString('base64')}`;
    assert.deepEqual(asked, [`${new URL(bucket).host} ${basic}`, 'PUT /b/k?x-id=PutObject']);
  });
});
