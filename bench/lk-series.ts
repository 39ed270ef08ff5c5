/** The same servers under `lk load-test`, whose clients are those of LiveKit itself. */
import { spawn } from 'node:child_process';
import { usageOf } from './process-tree';
import { type ExtraOptions, type ExtraSeries, markdown } from './series';
import { type BenchServer, type ServerKind, startBenchServer } from './servers';

const SAMPLE_MS = 250;
const VIDEO = ['--video-publishers', '1', '--video-codec', 'vp8'];
const LOADS: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: '1 video → 10', args: [...VIDEO, '--subscribers', '10'] },
  { name: '1 video → 50', args: [...VIDEO, '--subscribers', '50'] },
  { name: '5 audio → 50', args: ['--audio-publishers', '5', '--subscribers', '50'] },
];

interface LkFigures {
  readonly server: ServerKind;
  readonly load: string;
  readonly serverCpuSeconds: number;
  readonly testerCpuSeconds: number;
  /** As `lk` says it; undefined where its summary could not be read. */
  readonly bitsPerSecond: number | undefined;
  readonly lostShare: number | undefined;
  /** What `lk` wrote at its end. */
  readonly summary: string;
}

export const lkSeries: ExtraSeries = {
  name: 'lk',
  seconds: 150,
  run: async (options) => {
    const { lk, peer, isSmoke, say } = options;
    if (lk === '') {
      throw new Error('there is no lk: put it on the PATH, or give its path by --lk');
    }
    const servers: readonly ServerKind[] = peer ? ['sluice', 'livekit-server'] : ['sluice'];
    const rows: LkFigures[] = [];
    for (const load of isSmoke ? LOADS.slice(-1) : LOADS) {
      for (const server of servers) {
        const row = await loadTest(server, load, options);
        say(`${server}, ${row.load}: ${row.serverCpuSeconds.toFixed(2)} s of CPU`);
        rows.push(row);
      }
    }
    return {
      series: 'lk',
      title: 'Under lk load-test',
      about:
        'Publishers (video: 720p simulcast, VP8) and subscribers, all of `lk load-test`. It costs more than the servers themselves: on a machine of few cores it finds nobody’s ceiling, and its figures stand beside those of the load source as a check only.',
      table: markdown(
        ['server, load', 'server CPU s', 'lk CPU s', 'Mbit/s', 'server CPU ms a Mbit', 'lost %'],
        rows.map((row) => [
          `${row.server}, ${row.load}`,
          row.serverCpuSeconds.toFixed(2),
          row.testerCpuSeconds.toFixed(2),
          row.bitsPerSecond === undefined ? '' : (row.bitsPerSecond / 1e6).toFixed(1),
          row.bitsPerSecond === undefined
            ? ''
            : ((row.serverCpuSeconds * 1e9) / (row.bitsPerSecond * seconds(isSmoke))).toFixed(2),
          row.lostShare === undefined ? '' : (row.lostShare * 100).toFixed(2),
        ]),
      ),
      // It does not say so itself.
      notes: rows
        .filter(({ bitsPerSecond }) => bitsPerSecond === undefined)
        .map(
          ({ server, load }) =>
            `${server}, ${load}: the subscribers of lk got nothing; built without Git LFS, it has nothing to publish`,
        ),
      figures: rows,
    };
  },
};

const seconds = (isSmoke: boolean): number => (isSmoke ? 5 : 15);

async function loadTest(
  kind: ServerKind,
  load: (typeof LOADS)[number],
  options: ExtraOptions,
): Promise<LkFigures> {
  const { peer, address, lk, isSmoke } = options;
  const server = await startBenchServer({ kind, peer, address });
  try {
    const before = usageOf(server.pid).cpuSeconds;
    const { testerCpuSeconds, output } = await runLk(lk, server, [
      ...['load-test', '--room', 'lk', '--num-per-second', '20'],
      ...['--duration', `${seconds(isSmoke)}s`, ...load.args],
    ]);
    return {
      server: kind,
      load: load.name,
      serverCpuSeconds: usageOf(server.pid).cpuSeconds - before,
      testerCpuSeconds,
      ...summaryOf(output),
    };
  } finally {
    await server.close();
  }
}

function runLk(
  lk: string,
  server: BenchServer,
  args: readonly string[],
): Promise<{ readonly testerCpuSeconds: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(lk, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Other users see arguments.
      env: {
        ...process.env,
        LIVEKIT_URL: server.url,
        LIVEKIT_API_KEY: server.apiKey,
        LIVEKIT_API_SECRET: server.apiSecret,
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    let testerCpuSeconds = 0;
    // What has ended cannot be asked any more.
    const sampling = setInterval(() => {
      testerCpuSeconds = Math.max(testerCpuSeconds, usageOf(child.pid ?? 0).cpuSeconds);
    }, SAMPLE_MS);
    child.once('error', (error) => {
      clearInterval(sampling);
      reject(error);
    });
    child.once('close', (code) => {
      clearInterval(sampling);
      if (code === 0) resolve({ testerCpuSeconds, output });
      else reject(new Error(`lk ended with exit code ${code}: ${output.slice(-500)}`));
    });
  });
}

/** The line of all subscribers in the table that `lk` ends with. */
export function summaryOf(
  output: string,
): Pick<LkFigures, 'bitsPerSecond' | 'lostShare' | 'summary'> {
  const summary = output.slice(Math.max(0, output.lastIndexOf('Subscriber summaries')));
  const total = summary.split('\n').find((line) => /\bTotal\b.*\d+\/\d+/.test(line)) ?? '';
  const [, amount, unit = ''] = /([\d.]+)\s?([kmg]?)bps/i.exec(total) ?? [];
  const [, lost] = /\(([\d.]+)%\)/.exec(total) ?? [];
  const factor = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[unit.toLowerCase()] ?? 1;
  return {
    bitsPerSecond: amount === undefined ? undefined : Number(amount) * factor,
    lostShare: lost === undefined ? undefined : Number(lost) / 100,
    summary,
  };
}
