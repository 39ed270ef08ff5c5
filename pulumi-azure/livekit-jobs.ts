import type * as pulumi from '@pulumi/pulumi';
import type { JobSizes } from './jobs';
import type { StoredSecret } from './stored-secret';

/** Choices for jobs that LiveKit's own services do. At least one image is needed. */
export interface LiveKitJobsOptions {
  /**
   * The image of livekit/egress: its full name with a tag or a digest. Machines fetch it at their
   * first boot.
   *
   * @default - none: nothing is recorded or streamed out
   */
  readonly egressImage?: pulumi.Input<string>;

  /**
   * The image of livekit/ingress: its full name with a tag or a digest.
   *
   * @default - none: nothing comes in but WHIP, which is the nodes' own
   */
  readonly ingressImage?: pulumi.Input<string>;

  /**
   * Id of the Azure Container Registry that the images are in, /subscriptions/…/registries/NAME: the
   * identity of the machines gets the role AcrPull there.
   *
   * @default - none: the images are elsewhere, or the identity has the role
   */
  readonly registryId?: pulumi.Input<string>;

  /**
   * The login at another registry: JSON with `registry`, `username` and `password`, or the file of
   * `podman login`. Machines read it by their identity at boot, and root alone may on them.
   *
   * @default - none
   */
  readonly registrySecret?: StoredSecret;

  /**
   * Not on Azure: livekit/egress writes there by an account key alone, and the accounts of `Recordings`
   * take none. Each request has to name a place.
   */
  readonly recordings?: never;

  /**
   * Take encoders by RTMP, and tell them this URL, such as `rtmp://rtmp.example.com/live`. They come to
   * TCP 1935 of any Media Node (or of the Single Node), in clear, which is then open to everybody. The
   * entry does not lead there: have the name lead to a load balancer of yours before the Media Nodes.
   *
   * @default - no encoders come in
   */
  readonly rtmpUrl?: pulumi.Input<string>;

  /**
   * What jobs need, which the services count by themselves. The size of `whip` is that of the node.
   *
   * @default - as each kind says
   */
  readonly sizes?: JobSizes;
}
