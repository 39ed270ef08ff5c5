import { createHash } from 'node:crypto';
import type { ImageReference, VirtualMachine, VirtualMachineScaleSet } from '@azure/arm-compute';
import type { Logger } from 'pino';

/** What a machine is made from, as far as it shows on the machine. */
export interface MachineModel {
  readonly size: string;
  readonly image: string;
  /** Hash of the user data, '' where there is none; undefined: not known. */
  readonly userData: string | undefined;
}

export interface MachineModelsOptions {
  /** Reads the user data of a machine, in base64; undefined: it has none. */
  readonly userDataOf: (name: string) => Promise<string | undefined>;
  readonly log: Logger;
}

/**
 * Which machines are of an earlier model of their scale set: of another size, image or user data. A
 * scale set in Flexible orchestration does not say so itself. Custom data shows nowhere, so a
 * deployment puts the same into the user data.
 *
 * Source: learn.microsoft.com, "User Data for Azure Virtual Machine", "Orchestration modes API
 * comparison".
 */
export class MachineModels {
  readonly #options: MachineModelsOptions;
  /** By the machine's own id: user data stays as it is until somebody updates the machine. */
  readonly #userData = new Map<string, string>();

  constructor(options: MachineModelsOptions) {
    this.#options = options;
  }

  /** What new machines of a scale set are made from. */
  newest({ sku, virtualMachineProfile }: VirtualMachineScaleSet): MachineModel {
    return {
      size: (sku?.name ?? '').toLowerCase(),
      image: imageName(virtualMachineProfile?.storageProfile?.imageReference),
      userData: hashOf(virtualMachineProfile?.userData),
    };
  }

  /** Names of those that are of another one. What is not known counts as the same. Never rejects. */
  async outdated(newest: MachineModel, machines: readonly VirtualMachine[]): Promise<Set<string>> {
    const ids = new Set(machines.map(({ vmId }) => vmId ?? ''));
    for (const id of this.#userData.keys()) if (!ids.has(id)) this.#userData.delete(id);
    const names = await Promise.all(
      machines.map(async (machine) => {
        const model = await this.#modelOf(machine);
        const isOther =
          differs(newest.size, model.size) ||
          differs(newest.image, model.image) ||
          (model.userData !== undefined && model.userData !== newest.userData);
        return isOther ? [machine.name ?? ''] : [];
      }),
    );
    return new Set(names.flat());
  }

  async #modelOf(machine: VirtualMachine): Promise<MachineModel> {
    return {
      size: (machine.hardwareProfile?.vmSize ?? '').toLowerCase(),
      image: imageName(machine.storageProfile?.imageReference),
      userData: await this.#userDataOf(machine),
    };
  }

  async #userDataOf({ name = '', vmId = '' }: VirtualMachine): Promise<string | undefined> {
    const known = this.#userData.get(vmId);
    if (known !== undefined) return known;
    try {
      const hash = hashOf(await this.#options.userDataOf(name));
      this.#userData.set(vmId, hash);
      return hash;
    } catch (error) {
      this.#options.log.warn(
        { err: error, machine: name },
        'Azure does not say what a machine was made from; it does not count as outdated',
      );
      return undefined;
    }
  }
}

/** A text that is another one with each change of what machines are made from. */
export const modelName = ({ size, image, userData = '' }: MachineModel): string =>
  [size, image, userData].filter((part) => part !== '').join(' ');

/** What one side does not say tells nothing. */
const differs = (newest: string, has: string): boolean =>
  newest !== '' && has !== '' && newest !== has;

const hashOf = (text: string | undefined): string =>
  text === undefined || text === ''
    ? ''
    : createHash('sha256').update(text).digest('hex').slice(0, 16);

/** As it is asked for: where that is "latest", a newer one is no other. */
function imageName(image: ImageReference | undefined): string {
  const { id, sharedGalleryImageId, communityGalleryImageId, publisher, offer, sku, version } =
    image ?? {};
  const given = id ?? sharedGalleryImageId ?? communityGalleryImageId;
  // Azure changes the case of ids as it likes.
  if (given !== undefined) return given.toLowerCase();
  return [publisher, offer, sku, version]
    .flatMap((part) => part ?? [])
    .join(':')
    .toLowerCase();
}
