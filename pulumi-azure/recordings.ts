import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { lastingGroup } from './private/lasting-group';
import { checkRecordings, containerIdOf, containerPart } from './private/recordings-checks';
import type { Problems } from './private/validation';
import { type RecordingsOptions, RecordingsStore } from './recordings-store';

/** Where recordings are: a `RecordingsStore`, or a container of yours. */
export interface RecordingContainer {
  /** Id of the container, /subscriptions/…/storageAccounts/NAME/blobServices/default/containers/NAME. */
  readonly containerId: pulumi.Input<string>;
}

/** Where the recordings of a cluster are. */
export interface KnownRecordings extends RecordingContainer {
  /** For roles of whoever reads them, such as Storage Blob Data Reader. */
  readonly containerId: pulumi.Output<string>;
  /** The storage account. */
  readonly accountName: pulumi.Output<string>;
  /** The container in it. */
  readonly containerName: pulumi.Output<string>;
}

/** What recordings are made for. @internal */
export interface RecordingSurroundings extends PlaceArgs {
  /** Whether the cluster has made its resource group itself. */
  readonly isOwnGroup: boolean;
  /** Whether the machines are in zones. */
  readonly isZonal: boolean;
}

/** Where recordings go whose request does not say. */
export abstract class Recordings {
  /** A container in a storage account of its own, which is kept when the stack is deleted. */
  static create(options: RecordingsOptions = {}): Recordings {
    return new NewRecordings(options);
  }

  /**
   * A container of yours, such as a `RecordingsStore` that several clusters share. The machines are given
   * the right to read and write what is in it; nothing else of it is changed.
   */
  static existing(container: RecordingContainer): Recordings {
    return new ExistingRecordings(container);
  }

  /** What is wrong with plain values. @internal */
  abstract _check(problems: Problems): void;

  /** @internal */
  abstract _bind(
    name: string,
    around: RecordingSurroundings,
    parent: pulumi.Resource,
  ): KnownRecordings;
}

class NewRecordings extends Recordings {
  constructor(private readonly options: RecordingsOptions) {
    super();
  }

  override _check(problems: Problems): void {
    checkRecordings(this.options, problems);
  }

  override _bind(
    name: string,
    { isOwnGroup, isZonal, ...place }: RecordingSurroundings,
    parent: pulumi.Resource,
  ): KnownRecordings {
    const { retain = true } = this.options;
    // Azure deletes a group with all that is in it.
    const group = retain && isOwnGroup ? lastingGroup(name, place, parent) : undefined;
    return new RecordingsStore(
      name,
      {
        ...place,
        ...(group !== undefined && { resourceGroupName: group }),
        redundancy: isZonal ? 'ZRS' : 'LRS',
        ...this.options,
      },
      { parent },
    );
  }
}

class ExistingRecordings extends Recordings {
  constructor(private readonly container: RecordingContainer) {
    super();
  }

  override _check(problems: Problems): void {
    const given: unknown = this.container;
    problems.check(typeof given === 'object' && given !== null && 'containerId' in given, {
      what: 'recordings',
      given: 'Recordings.existing() without a containerId',
      allowed: 'a container of yours: { containerId }',
      fix: 'give the id of the container, or use Recordings.create()',
    });
  }

  override _bind(): KnownRecordings {
    const containerId = containerIdOf(this.container.containerId);
    return {
      containerId,
      accountName: containerPart(containerId, 'account'),
      containerName: containerPart(containerId, 'container'),
    };
  }
}
