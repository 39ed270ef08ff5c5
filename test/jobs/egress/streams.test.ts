import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { EgressInfo, EgressStatus, StreamInfo_Status, StreamOutput } from '@livekit/protocol';
import { StreamOutput as RunningStreams } from '../../../node-image/jobs/egress/outputs/stream-output';
import { StreamSender } from '../../../node-image/jobs/egress/outputs/stream-sender';
import { streamUrl } from '../../../node-image/jobs/egress/stream-url';
import { selfSigned } from '../../support/fake-azure/self-signed';
import { freePortRange, freeTcpPort } from '../../support/ports';
import { sleep, until, within } from '../../support/wait';
import { probe } from './support/media';
import { processesIn } from './support/processes';
import { TestRuns } from './support/runs';

const { EGRESS_ACTIVE, EGRESS_COMPLETE } = EgressStatus;
const STREAM = { video: 'h264', audio: 'aac' };

describe('Streams of an Egress', { concurrency: 4 }, () => {
  const runs = new TestRuns();
  const receivers: ChildProcess[] = [];
  const servers: Server[] = [];
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-streams-'));
  });
  after(async () => {
    await runs.close();
    for (const receiver of receivers) receiver.kill('SIGKILL');
    for (const server of servers) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** ffmpeg that listens, and writes what it is sent. */
  const listen = (format: string, url: string, options: readonly string[], file: string) => {
    const input = ['-v', 'error', ...options, '-f', format, '-i', url];
    const args = [...input, '-c', 'copy', join(folder, file)];
    const child = spawn('ffmpeg', args, { stdio: 'ignore' });
    receivers.push(child);
    return once(child, 'exit');
  };
  const serve = async (server: Server): Promise<number> => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  };
  const started = (urls: readonly string[]) =>
    runs.start({ request: { streamOutputs: [new StreamOutput({ urls: [...urls] })] } });
  /** The end of one that is told of by a sender. */
  const failureOf = async (url: string): Promise<{ error: string; retries: number }> => {
    const source = spawn('ffmpeg', [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-f', 'mpegts', 'pipe:1'],
    ]);
    receivers.push(source);
    let retries = 0;
    let sender: StreamSender | undefined;
    try {
      const error = await new Promise<string>((resolve) => {
        sender = new StreamSender({
          ...{ url: streamUrl(url), folder, silentMs: 5000, firstWaitMs: 20 },
          onSending: () => {},
          onRetry: () => {
            retries += 1;
          },
          onFailed: resolve,
        });
        source.stdout.on('data', (chunk: Buffer) => sender?.push(chunk));
      });
      return { error, retries };
    } finally {
      await sender?.close();
      source.kill('SIGKILL');
    }
  };

  it('sends by SRT, encrypted, with no passphrase in what others read', async () => {
    const port = await freePortRange(1);
    const secret = 'a-passphrase-of-srt';
    const url = `srt://127.0.0.1:${port}`;
    const received = listen('mpegts', `${url}?mode=listener&passphrase=${secret}`, [], 'srt.ts');
    const { run, info, reached, ended } = await started([
      `${url}?passphrase=${secret}&latency=200`,
    ]);
    await reached(EGRESS_ACTIVE);
    await sleep(4000);
    run.stop('StopEgress API');
    assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
    await within('the receiver to end', received, 15_000);
    const [stream] = info.streamResults;
    assert.equal(stream?.status, StreamInfo_Status.FINISHED, stream?.error);
    assert.doesNotMatch(JSON.stringify(info.toJson()), new RegExp(secret));
    const made = await probe(join(folder, 'srt.ts'));
    assert.deepEqual(made.codecs, STREAM);
    assert.ok(made.duration > 2, `${made.duration} s`);
  });

  it('sends by RTMPS to whom it knows, and its key to nobody else', async () => {
    const { cert, key } = await selfSigned();
    const authority = join(folder, 'ca.pem');
    await writeFile(authority, cert);
    const port = await freeTcpPort();
    const front = createTlsServer({ cert, key }, (secure) => {
      const plain = connect(port, '127.0.0.1');
      secure.pipe(plain).pipe(secure);
      for (const socket of [secure, plain]) socket.on('error', () => socket.destroy());
    });
    const url = `rtmps://127.0.0.1:${await serve(front)}/live/k3y-of-rtmps`;
    const refused = await failureOf(url);
    assert.match(refused.error, /certificate/i);
    assert.doesNotMatch(refused.error, /k3y-of-rtmps/);
    const received = listen(
      'flv',
      `rtmp://127.0.0.1:${port}/live/k3y-of-rtmps`,
      ['-listen', '1'],
      'tls.flv',
    );

    const before = process.env['SSL_CERT_FILE'];
    process.env['SSL_CERT_FILE'] = authority;
    try {
      const { run, info, reached, ended } = await started([url]);
      await reached(EGRESS_ACTIVE);
      await sleep(4000);
      run.stop('StopEgress API');
      assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
      await within('the receiver to end', received, 15_000);
    } finally {
      if (before === undefined) delete process.env['SSL_CERT_FILE'];
      else process.env['SSL_CERT_FILE'] = before;
    }
    const made = await probe(join(folder, 'tls.flv'));
    assert.deepEqual(made.codecs, STREAM);
    assert.ok(made.duration > 2, `${made.duration} s`);
  });

  it('gives up who refuses, who never answers, and SRT that nobody listens to', async () => {
    const mute = await serve(createServer(() => {}));
    const [refused, silent, unheard] = await Promise.all([
      failureOf(`rtmp://127.0.0.1:${await freeTcpPort()}/live/secret-key`),
      failureOf(`rtmp://127.0.0.1:${mute}/live/secret-key`),
      failureOf(`srt://127.0.0.1:${await freePortRange(1)}`),
    ]);
    assert.match(refused.error, /refused/);
    assert.match(silent.error, /has taken nothing for \d+ s/);
    assert.match(unheard.error, /taken nothing|rror/);
    for (const { error, retries } of [refused, silent, unheard]) {
      assert.equal(retries, 3, error);
      assert.doesNotMatch(error, /secret-key/);
    }
  });

  it('starts one sender for an address that is named twice, and none once it ends', async () => {
    const info = new EgressInfo();
    const own = await mkdtemp(join(folder, 'own-'));
    const url = `rtmp://127.0.0.1:${await freeTcpPort()}/live/twice`;
    const other = `${url}-other`;
    const context = {
      ...{ info, folder: own, retry: 0, startedAtNs: () => 0n },
      ...{ changed: () => {}, failed: () => {} },
    };
    const streams = new RunningStreams({ urls: [url, url], context, onNone: () => {} });
    assert.equal(info.streamResults.length, 1);
    await assert.rejects(streams.update([other, other], []), /stream already exists/);
    await streams.finish();
    await assert.rejects(streams.update([other], []), /the egress is ending/);
    assert.equal(info.streamResults.length, 1);
    await until('no sender to be left', async () => (await processesIn(own)).length === 0);
  });
});
