import type * as pulumi from '@pulumi/pulumi';
import type { NodeArchitecture } from '../node-architecture';
import type { PlaceArgs } from '../place';

/** An image of the marketplace, or of yours by its id. */
export interface ImageReference {
  readonly id?: pulumi.Input<string>;
  readonly publisher?: string;
  readonly offer?: string;
  readonly sku?: string;
  readonly version?: string;
}

/** Where machines find the node's files. */
export interface InstallableFiles {
  /** Id of the container, for who may read it. */
  readonly containerId: pulumi.Input<string>;
  readonly url: pulumi.Input<string>;
}

/** What machines boot, made ready for a cluster. */
export interface BoundImage {
  /** The image for machines of this architecture. */
  reference(architecture: NodeArchitecture): ImageReference;
  /** Undefined: they are in the image. */
  readonly files?: InstallableFiles;
}

/** A choice of what machines boot. */
export interface BindableImage {
  _bind(name: string, place: PlaceArgs, parent: pulumi.Resource): BoundImage;
}
