import type { Logger } from 'pino';
import type { KeySource } from '../api/key-ring';
import { TokenMinter } from '../api/token-minter';
import type { TokenVerifier } from '../api/tokens';
import type { SluiceConfig } from '../contract';
import { Simulations } from '../room/simulate';
import { ClientAddresses } from '../signaling/client-address';
import { JoinLimits, type JoinRefusal } from '../signaling/client-limits';
import { JoinGate } from '../signaling/join-gate';
import { RtcEndpoint } from '../signaling/rtc-endpoint';
import { Sessions } from '../signaling/sessions';
import type { MediaPlane } from './media-plane';
import type { DescriptorGate } from './os-limits';
import { ownDataLimits } from './settings';

/** Who may join, for a node that clients connect to. */
export function joinGate(
  { limit, sluice }: SluiceConfig,
  tokens: TokenVerifier,
  observe: (reason: JoinRefusal) => void,
  descriptors: DescriptorGate,
): JoinGate {
  return new JoinGate({
    tokens,
    addresses: new ClientAddresses({ trustedProxies: sluice.trusted_proxies }),
    limits: new JoinLimits({
      perSecondByAddress: sluice.joins_per_second_by_address,
      perSecondByKey: sluice.joins_per_second_by_key,
      pendingHandshakes: sluice.pending_handshakes,
      observe,
      isOutOfDescriptors: () => descriptors.isFull(),
    }),
    lengths: lengthLimits(limit),
  });
}

export const lengthLimits = (limit: SluiceConfig['limit']) => ({
  identity: limit.max_participant_identity_length,
  roomName: limit.max_room_name_length,
});

/** What lets clients into the Rooms of this node. */
export interface RoomSignaling {
  readonly endpoint: RtcEndpoint;
  close(): void;
}

export function roomSignaling(options: {
  readonly config: SluiceConfig;
  readonly plane: MediaPlane;
  readonly gate: JoinGate;
  /** What signs the tokens that participants are given. */
  readonly keys: KeySource;
  readonly log: Logger;
}): RoomSignaling {
  const { config, plane, gate, keys, log } = options;
  const { limit, sluice } = config;
  const { rooms, metrics } = plane;
  const simulations = new Simulations(Date.now);
  const sessions = new Sessions({
    minter: new TokenMinter({ keys }),
    limits: ownDataLimits(config),
    simulations,
    signalMessagesPerSecond: sluice.signal_messages_per_second,
    dataMessagesPerSecond: sluice.data_messages_per_second,
    log,
  });
  const forgetKeys = keys.onChange(() => sessions.refreshAll());
  const endpoint = new RtcEndpoint({
    gate,
    rooms,
    sessions,
    simulations,
    autoCreate: config.room.auto_create,
    maxMessageBytes: limit.signal_message_size_limit,
    metrics,
    isNodeFull: () => metrics.totals.exceeds(limit.num_tracks, limit.bytes_per_sec),
    log,
  });
  return {
    endpoint,
    close: () => {
      forgetKeys();
      sessions.close();
      endpoint.close();
    },
  };
}
