import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A web server with a file and HLS of a test picture and a tone. */
export interface MediaOrigin {
  readonly url: string;
  close(): Promise<void>;
}

/** @param seconds - of `a.mp4`; `b.m3u8` has 8 s. Of `stalled.ts` nothing comes; `loop` leads to itself. */
export async function startMediaOrigin(seconds: number): Promise<MediaOrigin> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-url-'));
  const args = (length: number): string[] => [
    ...['-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25'],
    ...['-f', 'lavfi', '-i', 'sine,volume=4', '-t', `${length}`, '-c:v', 'libx264'],
    ...['-preset', 'ultrafast', '-bf', '0', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
  ];
  const run = promisify(execFile);
  await run('ffmpeg', [...args(seconds), '-movflags', '+faststart', join(folder, 'a.mp4')]);
  const hls = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'];
  await run('ffmpeg', [...args(8), ...hls, join(folder, 'b.m3u8')]);
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url ?? '/', 'http://origin').pathname;
    // It says that something comes, and nothing does.
    if (path === '/stalled.ts') answer.writeHead(200).write('G');
    else if (path === '/loop') answer.writeHead(302, { location: '/loop' }).end();
    else void serveFile(join(folder, path.slice(1)), asked.headers.range, answer);
  });
  return {
    url: await listenOnLoopback(server),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @returns the URL of a server that listens from now on. */
export async function listenOnLoopback(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

/** A file, or the part of it that is asked for. */
export async function serveFile(
  path: string,
  range: string | undefined,
  answer: ServerResponse,
): Promise<void> {
  try {
    const { size } = await stat(path);
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const end = to === '' ? size - 1 : Math.min(Number(to), size - 1);
    const body = (await readFile(path)).subarray(Number(from), end + 1);
    answer.writeHead(range === undefined ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': body.length,
      ...(range !== undefined && { 'content-range': `bytes ${from}-${end}/${size}` }),
    });
    answer.end(body);
  } catch {
    answer.writeHead(404).end();
  }
}
