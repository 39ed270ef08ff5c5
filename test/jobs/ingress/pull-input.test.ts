import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  addressOf,
  checkPulledUrl,
  isPublicAddress,
} from '../../../node-image/jobs/ingress/url/public-address';
import { PullInput, shownOf } from '../../../node-image/jobs/ingress/url/pull-input';
import { GuardedProxy } from '../../../node-image/net/guarded-proxy';
import { freePortRange } from '../../support/ports';
import { until } from '../../support/wait';
import { listenOnLoopback } from './media-origin';

describe('what is pulled', { concurrency: true }, () => {
  it('leads nowhere by SRT, whatever it says it is', { timeout: 30_000 }, async () => {
    const asked: string[] = [];
    const origin = createServer((request, answer) => {
      asked.push(request.url ?? '');
      answer.end();
    });
    const folder = await mkdtemp(join(tmpdir(), 'sluice-pull-'));
    const port = await freePortRange(1);
    const originUrl = await listenOnLoopback(origin);
    // As mpegts would be: of a playlist, ffmpeg fetches what it names.
    const playlist = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n${originUrl}/metadata.ts\n#EXT-X-ENDLIST\n#${'#'.repeat(4000)}\n`;
    await writeFile(join(folder, 'a.m3u8'), playlist);
    const source = spawn(
      'ffmpeg',
      [
        ...['-loglevel', 'error', '-f', 'data', '-raw_packet_size', '1000'],
        ...['-i', join(folder, 'a.m3u8'), '-map', '0', '-c', 'copy', '-f', 'data'],
        `srt://127.0.0.1:${port}?mode=listener&linger=3`,
      ],
      { stdio: 'ignore' },
    );
    const input = await PullInput.open(`srt://127.0.0.1:${port}`, true);
    try {
      await until('the source to be refused as what it is', async () => {
        const error = await input.probe().catch(String);
        return /whitelist/.test(String(error));
      });
      assert.deepEqual(asked, []);
    } finally {
      input.close();
      source.kill('SIGKILL');
      origin.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is given up with who wanted it, and leaves no program behind', async () => {
    const silent = createServer(() => {});
    const url = await listenOnLoopback(silent);
    const input = await PullInput.open(`${url}/a.mp4`, true);
    const probing = input.probe();
    setTimeout(() => input.close(), 300);
    await assert.rejects(probing);
    silent.closeAllConnections();
    silent.close();
  });

  it('harms no node by how its server answers', async () => {
    const answers = [
      'HTTP/1.1 000 Nothing\r\n\r\n',
      'HTTP/1.1 099 Less\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA: \u0080\u00ff\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort',
    ];
    const proxy = await GuardedProxy.listen({ addressOf: (host) => addressOf(host, true) });
    try {
      for (const answer of answers) {
        const origin = createTcpServer((socket) => {
          socket.on('error', () => {});
          socket.once('data', () => socket.end(answer, 'latin1'));
        });
        const url = await listenOnLoopback(origin);
        const { hostname: host, port } = new URL(proxy.url);
        await new Promise<void>((resolve) => {
          get({ host, port, path: `${url}/` }, (response) => {
            response.on('error', () => {}).on('close', resolve);
            response.resume();
          }).on('error', () => resolve());
        });
        origin.close();
      }
    } finally {
      proxy.close();
    }
  });

  it('says no more of a URL than its host, wherever its keys stand', () => {
    const url = 'https://user:pa%24s@cdn.example.com/live/k3yk3yk3y/index.m3u8?token=secret';
    const said = [
      'keepalive request failed for https://cdn.example.com/live/k3yk3yk3y/seg1.ts?token=secret',
      "Opening 'https://user:pa$s@other.example.com:8443/x?sig=abc' for reading",
      '/live/k3yk3yk3y/index.m3u8: Server returned 404 Not Found, k3yk3yk3y pa$s',
    ].join('\n');
    const shown = shownOf(url, said);
    for (const secret of ['k3y', 'token', 'secret', 'pa$s', 'user', 'sig=']) {
      assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
    }
    assert.match(shown, /https:\/\/cdn\.example\.com\b/);
    assert.match(shown, /https:\/\/other\.example\.com:8443\b/);
    assert.match(shown, /404 Not Found/);
  });

  it('is on no address of this machine or of the cloud that it runs in', async () => {
    assert.equal(isPublicAddress('168.63.129.16'), false);
    assert.equal(isPublicAddress('::ffff:168.63.129.16'), false);
    assert.equal(isPublicAddress('8.8.8.8', ['8.8.8.8']), false);
    assert.equal(isPublicAddress('8.8.8.8', []), true);
    for (const { address } of Object.values(networkInterfaces()).flatMap((all = []) => all)) {
      assert.equal(isPublicAddress(address), false, address);
    }
    for (const key of ['localaddr=10.0.0.1', 'rcvbuf=2000000000', 'mode=rendezvous']) {
      await assert.rejects(checkPulledUrl(`srt://127.0.0.1:9?${key}`, true), /invalid ingress/);
    }
    await checkPulledUrl('srt://127.0.0.1:9?mode=caller&streamid=a&latency=200000', true);
  });
});
