import type * as ecr from 'aws-cdk-lib/aws-ecr';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { JobSizes } from './jobs';
import type { Recordings } from './recordings';

/** Choices for jobs that LiveKit's own services do. At least one image is needed. */
export interface LiveKitJobsOptions {
  /**
   * The image of livekit/egress: its full name with a tag or a digest. Machines fetch it at their
   * first boot.
   *
   * @default - none: nothing is recorded or streamed out
   */
  readonly egressImage?: string;

  /**
   * The image of livekit/ingress: its full name with a tag or a digest.
   *
   * @default - none: nothing comes in but WHIP, which is the nodes' own
   */
  readonly ingressImage?: string;

  /**
   * Repositories of Amazon ECR that the images are in: machines may pull from them, by their role. Those
   * that an image's name says in full need not be named; their policy, in another account, is yours.
   *
   * @default - those that the names of the images say
   */
  readonly repositories?: ecr.IRepository[];

  /**
   * The login at another registry: JSON with `registry`, `username` and `password`, or the file of
   * `podman login`. Machines read it by their role at boot, and root alone may on them.
   *
   * @default - none: the registry gives the images to everybody, or is Amazon ECR
   */
  readonly registrySecret?: sm.ISecret;

  /**
   * Where recordings go whose request names no other place. The service writes by the role of the
   * machine.
   *
   * @default - nowhere: each request has to name a place
   */
  readonly recordings?: Recordings;

  /**
   * Take encoders by RTMP, and tell them this URL, such as `rtmp://rtmp.example.com/live`. They come to
   * TCP 1935 of any Media Node (or of the Single Node), in clear, which is then open to everybody. The
   * entry does not lead there: have the name lead to a load balancer of yours before the Media Nodes.
   *
   * @default - no encoders come in
   */
  readonly rtmpUrl?: string;

  /**
   * What jobs need, which the services count by themselves. The size of `whip` is that of the node.
   *
   * @default - as each kind says
   */
  readonly sizes?: JobSizes;
}
