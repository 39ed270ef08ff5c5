import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { debianImage } from './private/debian';
import type { BoundImage } from './private/image-binding';
import { NodeFiles } from './private/node-files';

/** Options of an image onto which the node's files are put at first boot. */
export interface FilesImageOptions {
  /**
   * Id of an image of yours with Debian 12 or newer, or Ubuntu 24.04 or newer.
   *
   * @default - Debian 12 of the marketplace, which costs nothing and needs no plan
   */
  readonly imageId?: pulumi.Input<string>;
}

/** What the machines of a cluster boot: how the node's software comes onto them. */
export abstract class NodeImage {
  /**
   * Debian 12, onto which each machine installs the node's software at first boot, from a storage
   * account of the stack. Works with nothing prepared; a machine serves after 2 to 3 minutes.
   */
  static fromFiles(options: FilesImageOptions = {}): NodeImage {
    return new FilesImage(options);
  }

  /**
   * An image with the node's software in it, such as a version of a Compute Gallery: machines serve in
   * about a minute.
   *
   * @param imageId - /subscriptions/…/galleries/NAME/images/NAME/versions/1.0.0, or of a managed image
   */
  static fromImage(imageId: pulumi.Input<string>): NodeImage {
    return new ReadyImage(imageId);
  }

  /** @internal */
  abstract _bind(name: string, place: PlaceArgs, parent: pulumi.Resource): BoundImage;
}

class FilesImage extends NodeImage {
  constructor(private readonly options: FilesImageOptions) {
    super();
  }

  override _bind(name: string, place: PlaceArgs, parent: pulumi.Resource): BoundImage {
    const { imageId } = this.options;
    return {
      files: new NodeFiles(`${name}-files`, place, { parent }),
      reference: (architecture) =>
        imageId === undefined ? debianImage(architecture) : { id: imageId },
    };
  }
}

class ReadyImage extends NodeImage {
  constructor(private readonly imageId: pulumi.Input<string>) {
    super();
  }

  override _bind(): BoundImage {
    return { reference: () => ({ id: this.imageId }) };
  }
}
