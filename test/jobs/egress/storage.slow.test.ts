import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import {
  AzureBlobUpload,
  EgressStatus,
  EncodedFileOutput,
  S3Upload,
  SegmentedFileOutput,
} from '@livekit/protocol';
import { allBlocks } from '../../docs/support/pages';
import { LabServer } from '../../support/aws-lab/lab-server';
import { openBrowser } from '../../support/browser';
import { sleep, until } from '../../support/wait';
import { type Azurite, startAzurite } from './support/azurite';
import { probe } from './support/media';
import { startNginx } from './support/nginx';
import { TestRuns } from './support/runs';
import { playedLive, watched } from './support/viewers';

const { EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED, EGRESS_STARTING } = EgressStatus;
const BUCKET = 'recordings';

describe('Recordings in storage of a cloud', () => {
  const runs = new TestRuns();
  let folder: string;
  let lab: LabServer;
  let azurite: Azurite;
  let s3: S3Client;
  let upload: S3Upload;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-storage-'));
    [lab, azurite] = await Promise.all([LabServer.start(), startAzurite()]);
    const credentials = { accessKeyId: 'lab', secretAccessKey: 'lab' };
    const region = 'eu-west-1';
    s3 = new S3Client({ endpoint: lab.url, region, credentials, forcePathStyle: true });
    await s3.send(
      new CreateBucketCommand({
        Bucket: BUCKET,
        CreateBucketConfiguration: { LocationConstraint: region },
      }),
    );
    upload = new S3Upload({
      ...{ accessKey: 'lab', secret: 'lab', endpoint: lab.url, region, bucket: BUCKET },
      forcePathStyle: true,
    });
  });

  after(async () => {
    await runs.close();
    s3?.destroy();
    await lab?.close();
    await azurite?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const keys = async (): Promise<string[]> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return Contents.map(({ Key = '' }) => Key).sort();
  };
  const fetched = async (key: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const file = join(folder, key.replace(/\W/g, '_'));
    await writeFile(file, (await Body?.transformToByteArray()) ?? new Uint8Array());
    return file;
  };

  it('has segments in S3 before the playlist lists them, with how long they may be cached', async () => {
    const segmentOutputs = [
      new SegmentedFileOutput({
        ...{ filenamePrefix: 'live/s', playlistName: 'p.m3u8', segmentDuration: 1 },
        output: { case: 's3', value: upload },
      }),
    ];
    const { run, info, ended } = await runs.start({ request: { segmentOutputs } });
    const wait = { timeoutMs: 30_000 };
    await until('2 segments', () => info.segmentResults[0]?.segmentCount === 2n, wait);
    const there = await keys();
    assert.ok(there.includes('live/s_00001.m4s') && there.includes('live/p.m3u8'), there.join());
    run.stop('StopEgress API');
    assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
    const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key }));
    assert.match(
      (await head('live/s_00000.m4s')).CacheControl ?? '',
      /max-age=31536000, immutable/,
    );
    const playlist = await head('live/p.m3u8');
    assert.equal(playlist.CacheControl, 'public, max-age=1');
    assert.equal(playlist.ContentType, 'application/vnd.apple.mpegurl');
  });

  it('is shown to many by a plain cache, which asks the bucket once for each object', async () => {
    const asked = new Map<string, number>();
    // The bucket as whoever may read it without a key sees it.
    const origin = createServer(async (request, response) => {
      const path = request.url ?? '';
      asked.set(path, (asked.get(path) ?? 0) + 1);
      try {
        const Key = path.replace(`/${BUCKET}/`, '');
        const found = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        response.setHeader('content-type', found.ContentType ?? '');
        response.setHeader('cache-control', found.CacheControl ?? '');
        response.end(Buffer.from((await found.Body?.transformToByteArray()) ?? []));
      } catch {
        response.writeHead(404);
        response.end();
      }
    });
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    const address = origin.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const section = allBlocks().find(({ language }) => language === 'nginx')?.text ?? '';
    const cache = await startNginx(section, `http://127.0.0.1:${port}/${BUCKET}/`);
    const browser = await openBrowser();
    try {
      const segmentOutputs = [
        new SegmentedFileOutput({
          ...{ filenamePrefix: 'seen/s', playlistName: 'p.m3u8', segmentDuration: 1 },
          output: { case: 's3', value: upload },
        }),
      ];
      const { run, info, ended } = await runs.start({ request: { segmentOutputs } });
      const isThere = () => (info.segmentResults[0]?.segmentCount ?? 0n) > 0n;
      await until('a segment', isThere, { timeoutMs: 30_000 });
      const playlist = `${cache.url}/seen/p.m3u8`;
      const { page } = await browser.openPage();
      const startMs = Date.now();
      const viewers = Promise.all(Array.from({ length: 20 }, () => watched(playlist)));
      const played = page.evaluate(playedLive, playlist);
      for (const one of [viewers, played]) one.catch(() => {});
      await sleep(6000);
      run.stop('StopEgress API');
      assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
      const [first = [], ...others] = await viewers;
      const count = Number(info.segmentResults[0]?.segmentCount);
      assert.equal(first.length, count + 1, first.join(', '));
      for (const other of others) assert.deepEqual(other, first);
      const seconds = await played;
      assert.ok(seconds > count - 1.5, `${seconds} s of ${count} segments were played`);
      const asks = [...asked].filter(([path]) => !path.endsWith('.m3u8') && path.includes('seen'));
      assert.equal(asks.length, first.length);
      assert.deepEqual([...new Set(asks.map(([, times]) => times))], [1]);
      const lists = asked.get(`/${BUCKET}/seen/p.m3u8`) ?? 0;
      // nginx counts in whole seconds: what is valid for one may be so for less.
      const lasted = Math.ceil((Date.now() - startMs) / 1000);
      assert.ok(lists <= 2 * lasted, `${lists} requests for the playlist in ${lasted} s`);
    } finally {
      await browser.close();
      await cache.close();
      origin.closeAllConnections();
      origin.close();
    }
  });

  it('makes one MP4 of what two runs have recorded, the first of which was killed', async () => {
    const fileOutputs = [
      new EncodedFileOutput({
        ...{ filepath: 'files/whole', disableManifest: true },
        output: { case: 's3', value: upload },
      }),
    ];
    const request = { fileOutputs };
    const first = await runs.start({ request });
    const piece = async () => (await keys()).includes('files/whole.mp4.parts/0/00000.m4s');
    await until('a piece in the bucket', piece, { timeoutMs: 30_000 });
    const before = first.info.clone();
    // Nothing is finished: as if its node had lost its power.
    await first.run.abandon();
    before.retryCount = 1;
    before.status = EGRESS_STARTING;
    const second = await runs.start({ request, before });
    await second.reached(EGRESS_ACTIVE);
    await sleep(2500);
    second.run.stop('StopEgress API');
    const info = await second.ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    assert.deepEqual(
      (await keys()).filter((key) => key.startsWith('files/')),
      ['files/whole.mp4'],
    );
    const { duration, codecs } = await probe(await fetched('files/whole.mp4'));
    assert.deepEqual(codecs, { video: 'h264', audio: 'aac' });
    assert.ok(duration > 6, `${duration} s: 4 of the first run, 2 of the second`);
  });

  it('takes on a role for what it stores, with the rights of nobody else', async () => {
    const roleArn = 'arn:aws:iam::123456789012:role/recorder';
    const asRole = upload.clone();
    asRole.assumeRoleArn = roleArn;
    asRole.assumeRoleExternalId = 'of-a-customer';
    const fileOutputs = [
      new EncodedFileOutput({
        ...{ filepath: 'role/x', disableManifest: true },
        output: { case: 's3', value: asRole },
      }),
    ];
    const asked: URLSearchParams[] = [];
    const sts = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      asked.push(new URLSearchParams(Buffer.concat(chunks).toString()));
      const { authorization = '', 'content-type': type = '' } = request.headers;
      const headers = { authorization, 'content-type': type };
      const date = String(request.headers['x-amz-date']);
      const answer = await fetch(lab.url, {
        method: 'POST',
        headers: { ...headers, 'x-amz-date': date },
        body: Buffer.concat(chunks),
      });
      response.writeHead(answer.status, { 'content-type': 'text/xml' });
      response.end(await answer.text());
    });
    await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
    const address = sts.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    process.env['AWS_ENDPOINT_URL_STS'] = `http://127.0.0.1:${port}`;
    try {
      const { run, reached, ended } = await runs.start({ request: { fileOutputs } });
      await reached(EGRESS_ACTIVE);
      run.stop('StopEgress API');
      const info = await ended();
      assert.equal(info.status, EGRESS_COMPLETE, info.error);
    } finally {
      delete process.env['AWS_ENDPOINT_URL_STS'];
      sts.closeAllConnections();
      sts.close();
    }
    assert.ok((await keys()).includes('role/x.mp4'));
    const [first] = asked;
    assert.deepEqual(
      ['Action', 'RoleArn', 'ExternalId'].map((name) => first?.get(name)),
      ['AssumeRole', roleArn, 'of-a-customer'],
    );
    assert.equal(asked.length, 1, 'one role serves one run');
  });

  it('says at once that a bucket is not there, and records nothing', async () => {
    const wrong = upload.clone();
    wrong.bucket = 'no-such-bucket';
    const fileOutputs = [
      new EncodedFileOutput({ filepath: 'x', output: { case: 's3', value: wrong } }),
    ];
    const { ended } = await runs.start({ request: { fileOutputs } });
    const info = await ended();
    assert.equal(info.status, EGRESS_FAILED);
    assert.match(info.error, /no-such-bucket\/x.mp4 failed: NoSuchBucket/);
    assert.equal(info.startedAt, 0n);
  });

  it('keeps a file in Azure Blob Storage, and says what is wrong with its key', async () => {
    const credential = new StorageSharedKeyCredential(azurite.account, azurite.key);
    const service = new BlobServiceClient(azurite.url, credential);
    await service.createContainer(BUCKET);
    const azure = { accountName: azurite.account, accountKey: azurite.key, containerName: BUCKET };
    const fileOutputs = (accountKey: string) => [
      new EncodedFileOutput({
        filepath: 'f.mp4',
        output: { case: 'azure', value: new AzureBlobUpload({ ...azure, accountKey }) },
      }),
    ];
    const endpoint = azurite.url;
    const good = { request: { fileOutputs: fileOutputs(azurite.key) }, endpoint };
    const { run, reached, ended } = await runs.start(good);
    await reached(EGRESS_ACTIVE);
    await sleep(1500);
    run.stop('StopEgress API');
    const info = await ended();
    assert.equal(info.status, EGRESS_COMPLETE, info.error);
    const file = join(folder, 'azure.mp4');
    await service.getContainerClient(BUCKET).getBlobClient('f.mp4').downloadToFile(file);
    assert.ok((await probe(file)).duration > 1);

    const key = Buffer.from('not the key').toString('base64');
    const bad = await runs.start({ request: { fileOutputs: fileOutputs(key) }, endpoint });
    const failed = await bad.ended();
    assert.equal(failed.status, EGRESS_FAILED);
    assert.match(failed.error, /f\.mp4 failed: AuthorizationFailure/);
    assert.ok(!failed.error.includes(key));
  });
});
