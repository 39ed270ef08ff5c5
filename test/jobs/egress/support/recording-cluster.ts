import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { EgressClient, type EgressInfo, EgressStatus, TwirpError } from 'livekit-server-sdk';
import { buildPage } from '../../../console/page-server';
import { LabServer, REGION } from '../../../support/aws-lab/lab-server';
import { TestCluster } from '../../../support/cluster';
import type { ClusterNode, Config } from '../../../support/cluster-node';
import { until } from '../../../support/wait';

const BUCKET = 'recordings';
const FREE = {
  room_composite_cpu_cost: 0,
  audio_room_composite_cpu_cost: 0,
  web_cpu_cost: 0,
  audio_web_cpu_cost: 0,
  participant_cpu_cost: 0,
  track_composite_cpu_cost: 0,
  track_cpu_cost: 0,
};

/** A cluster that records into a bucket, on a machine that has other work too. */
export class RecordingCluster {
  readonly egress: EgressClient;
  readonly #s3: S3Client;

  private constructor(
    readonly cluster: TestCluster,
    readonly lab: LabServer,
    readonly folder: string,
  ) {
    this.egress = new EgressClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
    this.#s3 = s3Of(lab);
  }

  static async start(
    options: { readonly mediaNodes?: number; readonly config?: Config } = {},
  ): Promise<RecordingCluster> {
    buildPage();
    const folder = await mkdtemp(join(tmpdir(), 'sluice-recording-cluster-'));
    const lab = await LabServer.start();
    const s3 = s3Of(lab);
    await s3.send(
      new CreateBucketCommand({
        Bucket: BUCKET,
        CreateBucketConfiguration: { LocationConstraint: REGION },
      }),
    );
    s3.destroy();
    const cluster = await TestCluster.start({
      mediaNodes: options.mediaNodes ?? 2,
      config: {
        ...options.config,
        egress: {
          cpu_cost: FREE,
          storage: {
            s3: {
              ...{ access_key: 'lab', secret: 'lab', region: REGION, bucket: BUCKET },
              ...{ endpoint: lab.url, force_path_style: true },
            },
          },
        },
      },
    }).catch(async (error: unknown) => {
      await lab.close();
      throw error;
    });
    return new RecordingCluster(cluster, lab, folder);
  }

  /** Names of all that is stored. */
  async stored(): Promise<string[]> {
    const { Contents = [] } = await this.#s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return Contents.map(({ Key = '' }) => Key).sort();
  }

  /** @returns where it is on this disk, under the name that it is stored by */
  async fetched(key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const file = join(this.folder, key.replaceAll('/', '_'));
    await writeFile(file, (await Body?.transformToByteArray()) ?? new Uint8Array());
    return file;
  }

  async text(key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return (await Body?.transformToString()) ?? '';
  }

  /** An HLS playlist with all that it names. */
  async fetchedPlaylist(key: string): Promise<string> {
    const names = (await this.stored()).filter((name) => /\.(m4s|mp4)$/.test(name));
    for (const name of names) await this.fetched(name);
    return this.fetched(key);
  }

  /** Asked again where Redis answers late, as on a machine that is busy with other tests. */
  async list(
    options: { readonly egressId?: string; readonly active?: boolean } = {},
  ): Promise<EgressInfo[]> {
    let infos: EgressInfo[] | undefined;
    await until('Egresses to be listed', async () => {
      infos = await this.egress.listEgress(options).catch((error: unknown) => {
        if (error instanceof TwirpError && error.status === 503) return undefined;
        throw error;
      });
      return infos !== undefined;
    });
    return infos ?? [];
  }

  async info(egressId: string): Promise<EgressInfo> {
    const [info] = await this.list({ egressId });
    if (info === undefined) throw new Error(`there is no Egress ${egressId}`);
    return info;
  }

  /** Waits until it is so with one. */
  async seen(
    egressId: string,
    what: string,
    is: (info: EgressInfo) => boolean,
    timeoutMs = 60_000,
  ): Promise<EgressInfo> {
    let last: EgressInfo | undefined;
    await until(
      `${what} of ${egressId}`,
      async () => {
        last = await this.info(egressId);
        return is(last);
      },
      {
        timeoutMs,
        explain: () => `${last?.toJsonString()}\n${this.cluster.log().slice(-6000)}`,
      },
    );
    return last ?? this.info(egressId);
  }

  ended(egressId: string, timeoutMs?: number): Promise<EgressInfo> {
    const is = ({ status }: EgressInfo): boolean => status >= EgressStatus.EGRESS_COMPLETE;
    return this.seen(egressId, 'the end', is, timeoutMs);
  }

  /** Where a job runs now. */
  async nodeOf(jobId: string): Promise<ClusterNode> {
    const { jobs } = await this.cluster
      .admin()
      .call<{ jobs: { id: string; owner: string }[] }>('GET', 'jobs');
    return this.cluster.node(jobs.find(({ id }) => id === jobId)?.owner ?? '');
  }

  async close(): Promise<void> {
    this.#s3.destroy();
    await this.cluster.close();
    await this.lab.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const s3Of = (lab: LabServer): S3Client =>
  new S3Client({
    ...{ endpoint: lab.url, region: REGION, forcePathStyle: true },
    credentials: { accessKeyId: 'lab', secretAccessKey: 'lab' },
  });
