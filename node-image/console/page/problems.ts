import { ConnectionErrorReason, DisconnectReason, MediaDeviceFailure } from 'livekit-client';

/** Something that went wrong, in the words of the person in front of the page. */
export interface Problem {
  /** What happened. */
  readonly title: string;
  /** What to do about it. */
  readonly advice: string;
}

export type Device = 'camera' | 'microphone' | 'screen' | 'speaker';

/** Why the browser did not hand out a device. */
export function deviceProblem(device: Device, error: unknown, secure: boolean): Problem {
  if (!secure) {
    return {
      title: `No ${device} on an unencrypted page`,
      advice:
        'Browsers hand out camera and microphone only over https:// or on localhost. ' +
        'Open this page that way. You can still join to watch and listen.',
    };
  }
  switch (error instanceof Error ? MediaDeviceFailure.getFailure(error) : undefined) {
    case MediaDeviceFailure.PermissionDenied:
      if (device === 'screen') {
        return {
          title: 'The screen is not shared',
          advice:
            'Press the button again and choose what to share, or allow it in the system settings.',
        };
      }
      return {
        title: `The ${device} is blocked`,
        advice: `Allow the ${device} by the icon beside the address of this page, then switch it on again.`,
      };
    case MediaDeviceFailure.NotFound:
      return {
        title: `No ${device} found`,
        advice: `Plug one in, or choose another under Settings. You can join without a ${device}.`,
      };
    case MediaDeviceFailure.DeviceInUse:
      return {
        title: `Another program uses the ${device}`,
        advice: 'Close that program, or choose another device, then switch it on again.',
      };
    default:
      return {
        title: `The ${device} did not start`,
        advice: `Choose another device, or unplug it and plug it in again. The browser says: ${words(error)}`,
      };
  }
}

/** Why joining failed. */
export function joinProblem(error: unknown, serverUrl: string): Problem {
  if (error instanceof TokenRefused) return error.problem;
  switch (reasonOf(error)) {
    case ConnectionErrorReason.NotAllowed:
      if (/expired/i.test(words(error))) return EXPIRED;
      return {
        title: 'The server did not accept this link',
        advice: `Ask whoever invited you for a new link. The server says: ${words(error)}`,
      };
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.ServiceNotFound:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.Timeout:
      return unreachable(serverUrl);
    default:
      return {
        title: 'Joining failed',
        advice: `Try again. If it stays so, another network may help: some close the ports of calls. The browser says: ${words(error)}`,
      };
  }
}

/** Why a conference ended, or undefined when the person left of their own will. */
export function endProblem(
  reason: DisconnectReason | undefined,
  serverUrl: string,
): Problem | undefined {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return undefined;
    case DisconnectReason.DUPLICATE_IDENTITY:
      return {
        title: 'You joined from another place',
        advice:
          'The same link was opened in another window or on another device. Go on there, or join again here.',
      };
    case DisconnectReason.PARTICIPANT_REMOVED:
      return {
        title: 'You were removed from the room',
        advice: 'Ask whoever runs the room to let you in again.',
      };
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return {
        title: 'The room was closed',
        advice: 'Everybody has left it. Join again to open it anew.',
      };
    case DisconnectReason.SERVER_SHUTDOWN:
      return { title: 'The server is going down', advice: 'Wait a few seconds, then join again.' };
    default:
      return {
        title: 'The connection was lost',
        advice: `${serverUrl} did not come back in time. Check your network and that the server runs, then join again.`,
      };
  }
}

/** The server would give no token, or the token in hand is of no use. */
export class TokenRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
    this.name = 'TokenRefused';
  }
}

export const EXPIRED: Problem = {
  title: 'This link has expired',
  advice: 'Ask whoever invited you for a new one.',
};

export const unreachable = (serverUrl: string): Problem => ({
  title: 'The server does not answer',
  advice: `Nothing answers at ${serverUrl}. Check your network and that the server runs, then try again.`,
});

// Not by `instanceof`: the class is not the same one when the bundle carries it twice.
function reasonOf(error: unknown): ConnectionErrorReason | undefined {
  const found = error instanceof Error && 'reason' in error ? error.reason : undefined;
  return typeof found === 'number' ? found : undefined;
}

function words(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}
