import type { SignalRequest } from '@livekit/protocol';

/** How many tracks, participants and the like a request names in its lists. */
export function itemCount({ message }: SignalRequest): number {
  switch (message.case) {
    case 'subscription': {
      const { trackSids, participantTracks } = message.value;
      return participantTracks.reduce(
        (sum, one) => sum + 1 + one.trackSids.length,
        trackSids.length,
      );
    }
    case 'trackSetting':
      return message.value.trackSids.length;
    case 'subscriptionPermission':
      return message.value.trackPermissions.reduce((sum, one) => sum + 1 + one.trackSids.length, 0);
    case 'syncState': {
      const { subscription, publishTracks, dataChannels, trackSidsDisabled } = message.value;
      const { publishDataTracks, datachannelReceiveStates } = message.value;
      const lists = [
        publishTracks,
        dataChannels,
        trackSidsDisabled,
        publishDataTracks,
        datachannelReceiveStates,
        subscription?.trackSids ?? [],
        ...(subscription?.participantTracks.map((one) => one.trackSids) ?? []),
      ];
      return lists.reduce((sum, list) => sum + list.length, lists.length);
    }
    case 'updateDataSubscription':
      return message.value.updates.length;
    case 'addTrack':
      return message.value.simulcastCodecs.reduce(
        (sum, one) => sum + 1 + one.layers.length,
        message.value.layers.length,
      );
    default:
      return 0;
  }
}
