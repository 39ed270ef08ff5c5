import type { Grants, VideoGrants } from '../room/grants';
import { permissionsDenied } from './twirp-error';

/**
 * What a caller of the server API must be granted. Each throws TwirpError `unauthenticated`
 * "permissions denied", as LiveKit does.
 */
export const requireRoomCreate = (grants: Grants | undefined): void =>
  requireThat(grants, (video) => video.roomCreate);

export const requireRoomList = (grants: Grants | undefined): void =>
  requireThat(grants, (video) => video.roomList);

export const requireIngressAdmin = (grants: Grants | undefined): void =>
  requireThat(grants, (video) => video.ingressAdmin);

export const requireRoomRecord = (grants: Grants | undefined): void =>
  requireThat(grants, (video) => video.roomRecord);

/** An admin of that very room. */
export const requireRoomAdmin = (grants: Grants | undefined, room: string): void =>
  requireThat(grants, (video) => video.roomAdmin && video.room === room);

export const requireDestination = (
  grants: Grants | undefined,
  room: string,
  destination: string,
): void =>
  requireThat(
    grants,
    (video) => video.roomAdmin && video.room === room && video.destinationRoom === destination,
  );

function requireThat(grants: Grants | undefined, may: (video: VideoGrants) => boolean): void {
  if (grants === undefined || !may(grants.video)) throw permissionsDenied();
}
