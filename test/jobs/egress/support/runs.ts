import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EgressInfo,
  EgressStatus,
  EncodingOptions,
  WebEgressRequest,
} from '@livekit/protocol';
import { newEgressInfo } from '../../../../node-image/jobs/egress/egress-info';
import { EgressRun, type EgressRunOptions } from '../../../../node-image/jobs/egress/egress-run';
import { specOf } from '../../../../node-image/jobs/egress/from-request';
import type {
  EgressSource,
  OpenSource,
  SourceEnd,
} from '../../../../node-image/jobs/egress/source';
import { openStorage } from '../../../../node-image/jobs/egress/upload/open-storage';
import { until } from '../../../support/wait';

/** A test picture and a tone, made by ffmpeg itself, at the pace of a clock. */
export class TestSource implements EgressSource {
  #end: (end: SourceEnd) => void = () => {};
  readonly #ended = new Promise<SourceEnd>((resolve) => {
    this.#end = resolve;
  });

  async open(): Promise<OpenSource> {
    const size = { width: 320, height: 240 };
    return {
      inputs: [
        {
          args: ['-re', '-f', 'lavfi'],
          from: { device: 'testsrc2=size=320x240:rate=15' },
          video: { codec: 'raw', ...size },
        },
        {
          args: ['-re', '-f', 'lavfi'],
          from: { device: 'sine=frequency=440:sample_rate=48000' },
          audio: { codec: 'raw' },
        },
      ],
      startedAtNs: 0n,
      ended: this.#ended,
    };
  }

  fail(error: string): void {
    this.#end({ kind: 'failed', error });
  }

  async close(): Promise<void> {
    this.#end({ kind: 'finished', reason: 'Source closed' });
  }
}

export const SMALL_ENCODING = {
  case: 'advanced' as const,
  value: new EncodingOptions({ width: 320, height: 240, framerate: 15, videoBitrate: 300 }),
};

export interface TestRun {
  readonly run: EgressRun;
  readonly source: TestSource;
  readonly info: EgressInfo;
  /** The folder of what is temporary. */
  readonly work: string;
  /** The root of local files. */
  readonly root: string;
  /** Statuses that were told of, in their order. */
  readonly told: EgressStatus[];
  reached(status: EgressStatus): Promise<void>;
  ended(): Promise<EgressInfo>;
}

export interface TestRunOptions {
  readonly request: ConstructorParameters<typeof WebEgressRequest>[0];
  /** Of a run before, which another one goes on with. */
  readonly before?: EgressInfo;
  readonly limits?: EgressRunOptions['limits'];
  /** Of Azure and Google, whose requests name none. */
  readonly endpoint?: string;
  readonly backup?: EgressRunOptions['backup'];
  readonly checkMs?: number;
  /** Where a folder for the run is made. @default - a new one */
  readonly work?: string;
  /** The root of local files. @default - a new one */
  readonly root?: string;
  /** Stands for storage of a cloud below `root`, as all nodes reach it. @default false */
  readonly inFolder?: boolean;
  /** @default - one that plays */
  readonly source?: TestSource;
}

const NO_LIMITS = { maxDurationMs: 0, maxBytes: 0 };
const quiet = { debug: () => {}, info: () => {}, warn: () => {} };

/** Folders, and runs in them, that end with the test. */
export class TestRuns {
  readonly #started: EgressRun[] = [];
  readonly #folders: string[] = [];

  async start(options: TestRunOptions): Promise<TestRun> {
    const value = new WebEgressRequest({
      url: 'http://127.0.0.1/',
      options: SMALL_ENCODING,
      ...options.request,
    });
    const request = { case: 'web' as const, value };
    const spec = specOf(request, { kind: 'local' });
    const info = options.before ?? newEgressInfo('EG_test', request, spec, 0n);
    const work = options.work ?? (await this.#folder('work'));
    const root = options.root ?? (await this.#folder('root'));
    const { source = new TestSource() } = options;
    const told: EgressStatus[] = [];
    let over = false;
    const run = new EgressRun({
      spec,
      info,
      workFolder: work,
      openStorage: (storage) =>
        openStorage(
          options.inFolder
            ? { kind: 'local' }
            : (storage.kind === 'azure' || storage.kind === 'gcp') && options.endpoint
              ? { ...storage, endpoint: options.endpoint }
              : storage,
          root,
        ),
      makeSource: () => source,
      limits: options.limits ?? NO_LIMITS,
      backup: options.backup,
      ...(options.checkMs !== undefined && { checkMs: options.checkMs }),
      onChange: ({ status }) => {
        if (told.at(-1) !== status) told.push(status);
      },
      onEnd: ({ status }) => {
        told.push(status);
        over = true;
      },
      log: quiet,
    });
    this.#started.push(run);
    run.start();
    const explain = (): string => JSON.stringify(info.toJson());
    return {
      ...{ run, source, info, work, root, told },
      reached: async (status) => {
        const wait = { timeoutMs: 30_000, explain };
        await until(`${EgressStatus[status]}`, () => info.status >= status, wait);
      },
      ended: async () => {
        await until('the run to end', () => over, { timeoutMs: 40_000, explain });
        return info;
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((run) => run.abandon()));
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  async #folder(name: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), `sluice-egress-${name}-`));
    this.#folders.push(folder);
    return folder;
  }
}

/** Names of everything below a folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
