import type { EgressInfo, UpdateStreamRequest } from '@livekit/protocol';
import type { JobDispatcher } from '../job-dispatcher';
import { infoOfText, newEgressJob } from './egress-info';
import { type EgressRequest, specOf } from './from-request';
import type { SpecSealer } from './sealed-spec';
import type { DefaultStorage } from './storage-choice';

/** Who records: the nodes of the cluster themselves, or a service beside them. */
export interface EgressLauncher {
  /** Egresses of a Room that wait in the store are started by it alone. */
  readonly takesWaiting: boolean;
  /** Whether it could be done, as far as that can be seen now. @throws EgressError */
  check(request: EgressRequest): void;
  /** The Room that it is about; empty: none. @throws EgressError */
  roomOf(request: EgressRequest): string;
  /** @throws EgressError, NoNodeError, PsrpcError, RegistryUnavailableError */
  start(id: string, request: EgressRequest, roomSid: string): Promise<EgressInfo>;
  /** @throws JobRequestError, NodeSilentError, RegistryUnavailableError */
  stop(egressId: string): Promise<EgressInfo>;
  /** @throws JobRequestError, NodeSilentError, RegistryUnavailableError */
  updateStream(request: UpdateStreamRequest): Promise<EgressInfo>;
}

export interface JobEgressesOptions {
  readonly jobs: Pick<JobDispatcher, 'start' | 'request' | 'stop'>;
  readonly sealer: SpecSealer;
  readonly storage: DefaultStorage;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Egresses as jobs of Media Nodes. */
export class JobEgresses implements EgressLauncher {
  readonly takesWaiting = false;
  readonly #options: JobEgressesOptions;

  constructor(options: JobEgressesOptions) {
    this.#options = options;
  }

  check(request: EgressRequest): void {
    specOf(request, this.#options.storage);
  }

  roomOf(request: EgressRequest): string {
    return specOf(request, this.#options.storage).room;
  }

  async start(id: string, request: EgressRequest, roomSid: string): Promise<EgressInfo> {
    const { jobs, sealer, storage, now } = this.#options;
    const job = newEgressJob({ id, request, roomSid, sealer, storage, now });
    return infoOfText((await jobs.start(job)).info);
  }

  async stop(egressId: string): Promise<EgressInfo> {
    return infoOfText(await this.#options.jobs.stop(egressId, 'StopEgress API'));
  }

  async updateStream(request: UpdateStreamRequest): Promise<EgressInfo> {
    const { egressId, addOutputUrls: add, removeOutputUrls: remove } = request;
    const body = JSON.stringify({ add, remove });
    return infoOfText(await this.#options.jobs.request(egressId, 'updateStream', body));
  }
}
