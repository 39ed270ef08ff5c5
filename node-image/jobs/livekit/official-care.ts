import { EgressInfo } from '@livekit/protocol';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { SpecSealer } from '../egress/sealed-spec';
import type { Job } from '../job';
import type { JobCare, Restarted } from '../job-reaper';
import type { JobRules } from '../job-runner';
import type { OfficialEgresses } from './official-egress';

export interface OfficialCareOptions {
  readonly rules: JobRules;
  readonly egresses: Pick<OfficialEgresses, 'start'>;
  readonly sealer: Pick<SpecSealer, 'open'>;
}

/** Gives Egresses that wait in the store, as their Rooms are recorded by themselves, to LiveKit services. */
export class OfficialCare implements JobCare {
  readonly rules: JobRules;
  readonly #options: OfficialCareOptions;

  constructor(options: OfficialCareOptions) {
    this.rules = options.rules;
    this.#options = options;
  }

  async restart({ id, spec }: Job): Promise<Restarted> {
    const { egresses, sealer } = this.#options;
    try {
      const { request: text, roomId } = sealer.open(id, spec);
      if (text === undefined) return { notPlaced: 'it was asked for as one of a node' };
      const { request } = EgressInfo.fromJsonString(text, { ignoreUnknownFields: true });
      if (request.case === undefined || request.case === 'replay') {
        return { notPlaced: 'its request cannot be read' };
      }
      await egresses.start(id, request, roomId);
      return 'placed';
    } catch (error) {
      if (error instanceof RegistryUnavailableError) throw error;
      return { notPlaced: error instanceof Error ? error.message : String(error) };
    }
  }
}
