import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  EgressStatus,
  EncodedFileOutput,
  ParticipantEgressRequest,
  StreamInfo_Status,
  StreamOutput,
  StreamProtocol,
} from '@livekit/protocol';
import { WebSocketServer } from 'ws';
import { specOf } from '../../../node-image/jobs/egress/from-request';
import { WebSocketSender } from '../../../node-image/jobs/egress/outputs/websocket-sender';
import { streamUrl } from '../../../node-image/jobs/egress/stream-url';
import { freeTcpPort } from '../../support/ports';
import { sleep, until } from '../../support/wait';
import { probe } from './support/media';
import { TestRuns } from './support/runs';
import { channelOf, receiveSound, type SoundReceiver, toneOf } from './support/sound-receiver';

const { EGRESS_ACTIVE, EGRESS_COMPLETE, EGRESS_FAILED } = EgressStatus;
/** 20 ms of two channels at 48 kHz. */
const FRAME_BYTES = 3840;

describe('Sound by WebSocket', { concurrency: 3 }, () => {
  const runs = new TestRuns();
  const receivers: SoundReceiver[] = [];
  const servers: Server[] = [];

  after(async () => {
    await runs.close();
    for (const receiver of receivers) await receiver.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });
  const receiver = async (path?: string): Promise<SoundReceiver> => {
    const made = await receiveSound(path);
    receivers.push(made);
    return made;
  };
  const streamsTo = (urls: readonly string[]) => [new StreamOutput({ urls: [...urls] })];
  const heard = (one: SoundReceiver, connection: number, frames: number) =>
    until(`${frames} frames`, () => (one.connections[connection]?.sound.length ?? 0) >= frames, {
      timeoutMs: 30_000,
    });
  /** What becomes of a sender that is pushed sound all the time. */
  const failureOf = async (url: string, chunk = Buffer.alloc(FRAME_BYTES)) => {
    const retries: string[] = [];
    let sender: WebSocketSender | undefined;
    let timer: NodeJS.Timeout | undefined;
    const error = await new Promise<string>((resolve) => {
      sender = new WebSocketSender({
        ...{ url: streamUrl(url), firstWaitMs: 20, onSending: () => {} },
        onRetry: (text) => retries.push(text),
        onFailed: resolve,
      });
      timer = setInterval(() => sender?.push(chunk), 5);
    });
    clearInterval(timer);
    await sender?.close();
    return { error, retries };
  };

  it('comes in frames of 20 ms beside a file, to addresses that come and go, and ends with a close', async () => {
    const first = await receiver('/sound?token=s3cret-of-app');
    const second = await receiver();
    const { run, info, root, reached, ended } = await runs.start({
      request: {
        streamOutputs: streamsTo([first.url]),
        fileOutputs: [new EncodedFileOutput({ filepath: 'beside.ogg' })],
        audioOnly: true,
      },
    });
    await reached(EGRESS_ACTIVE);
    await heard(first, 0, 50);
    await run.updateStreams([second.url], []);
    await assert.rejects(
      run.updateStreams(['rtmp://127.0.0.1/live/key'], []),
      /this egress sends to ws and wss alone/,
    );
    await heard(second, 0, 50);
    await run.updateStreams([], [first.url]);
    assert.equal(first.connections[0]?.closedWith, 1000);
    run.stop('StopEgress API');
    assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);
    assert.equal(second.connections[0]?.closedWith, 1000);
    for (const { connections } of [first, second]) {
      assert.equal(connections.length, 1);
      const [connection] = connections;
      assert.equal(connection?.request.headers['content-type'], 'audio/x-raw');
      assert.ok(connection?.sound.every(({ length }) => length === FRAME_BYTES));
      for (const channel of [0, 1] as const) {
        const samples = channelOf(connection?.sound.slice(5) ?? [], channel);
        const tone = toneOf(samples, 440);
        // What ffmpeg's `sine` makes, an eighth of what there could be, spread over two channels.
        assert.ok(Math.abs(tone - 0.125 * Math.SQRT1_2) < 0.01, `440 Hz: ${tone}`);
        assert.ok(toneOf(samples, 660) < 0.01);
      }
    }
    const statuses = info.streamResults.map(({ status }) => status);
    assert.deepEqual(statuses, [StreamInfo_Status.FINISHED, StreamInfo_Status.FINISHED]);
    assert.deepEqual((await probe(join(root, 'beside.ogg'))).codecs, { audio: 'opus' });
    assert.doesNotMatch(JSON.stringify(info.toJson()), /s3cret-of-app/);
    assert.match(info.streamResults[0]?.url ?? '', /\/sound\?token=\{\.\.\.\}$/);
  });

  it('goes on with a receiver that comes back, and fails where none does', async () => {
    const one = await receiver();
    const { run, info, reached, ended } = await runs.start({
      request: { streamOutputs: streamsTo([one.url]), audioOnly: true },
    });
    await reached(EGRESS_ACTIVE);
    await heard(one, 0, 20);
    one.connections[0]?.socket.terminate();
    await heard(one, 1, 20);
    assert.equal(info.streamResults[0]?.retries, 1);
    assert.match(info.streamResults[0]?.error ?? '', /^$/, 'it sends again');
    run.stop('StopEgress API');
    assert.equal((await ended()).status, EGRESS_COMPLETE, info.error);

    const gone = await runs.start({
      request: {
        ...{ audioOnly: true },
        streamOutputs: streamsTo([`ws://127.0.0.1:${await freeTcpPort()}/?key=s3cret`]),
      },
    });
    await gone.ended();
    assert.equal(gone.info.status, EGRESS_FAILED);
    assert.match(gone.info.error, /no stream is left: .*ECONNREFUSED/);
    assert.doesNotMatch(JSON.stringify(gone.info.toJson()), /s3cret/);
  });

  it('gives up who refuses, who reads nothing, and where machines are told about themselves', async () => {
    const refusing = createServer((_request, response) => response.writeHead(403).end());
    refusing.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
    });
    servers.push(refusing.listen(0, '127.0.0.1'));
    await once(refusing, 'listening');
    const { port } = refusing.address() as { port: number };
    const deaf = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(deaf, 'listening');
    deaf.on('connection', (socket) => socket.pause());
    const deafPort = (deaf.address() as { port: number }).port;
    const refused = await failureOf(`ws://127.0.0.1:${port}/?token=s3cret`);
    assert.match(refused.error, /403/);
    assert.equal(refused.retries.length, 3);
    assert.doesNotMatch(refused.error, /s3cret/);
    const slow = await failureOf(`ws://127.0.0.1:${deafPort}/`, Buffer.alloc(1024 * 1024));
    assert.match(slow.error, /takes less than is sent/);
    deaf.close();
    for (const socket of deaf.clients) socket.terminate();
    const machine = await failureOf('ws://169.254.169.254/latest/meta-data/');
    assert.match(machine.error, /where machines are told about themselves/);
  });

  it('tells whoever connects that it is muted, and of each change', async () => {
    const one = await receiver();
    const sender = new WebSocketSender({
      ...{ url: streamUrl(one.url), onSending: () => {}, onRetry: () => {}, onFailed: () => {} },
    });
    const texts = () => one.connections[0]?.texts.map(({ text }) => text) ?? [];
    sender.muted(true);
    await until('the first', () => texts().length === 1);
    sender.muted(true);
    sender.muted(false);
    await until('the second', () => texts().length === 2);
    await sleep(50);
    assert.deepEqual(texts(), ['{"muted":true}', '{"muted":false}']);
    await sender.close();
    await sender.close();
  });

  it('is of sound alone, to addresses of its own', () => {
    const spec = (
      streamOutput: ConstructorParameters<typeof StreamOutput>[0],
      identity = 'ada',
    ) => {
      const streamOutputs = [new StreamOutput(streamOutput)];
      const value = new ParticipantEgressRequest({ roomName: 'r', identity, streamOutputs });
      return specOf({ case: 'participant', value }, undefined);
    };
    assert.equal(spec({ urls: ['wss://a.example/in'] }).video, false);
    const both = ['wss://a.example/in', 'rtmp://a.example/live/key'];
    assert.throws(() => spec({ urls: both }), /either ws\(s\) or rtmp\(s\) and srt/);
    const srt = ['srt://a.example:9000'];
    assert.throws(
      () => spec({ urls: srt, protocol: StreamProtocol.WEBSOCKET }),
      /websocket output/,
    );
    for (const url of ['ws://', 'ws://a.example/#x', 'wss://a b/']) {
      assert.throws(() => spec({ urls: [url] }), /invalid url/, url);
    }
  });
});
