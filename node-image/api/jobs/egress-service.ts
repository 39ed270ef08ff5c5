import {
  type EgressInfo,
  ListEgressRequest,
  ListEgressResponse,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  StartEgressRequest,
  StopEgressRequest,
  TrackCompositeEgressRequest,
  TrackEgressRequest,
  UpdateLayoutRequest,
  UpdateStreamRequest,
  WebEgressRequest,
} from '@livekit/protocol';
import type { EgressControl } from '../../jobs/egress/egress-control';
import { EgressError } from '../../jobs/egress/egress-error';
import type { EgressRequest } from '../../jobs/egress/from-request';
import type { Grants } from '../../room/grants';
import { requireRoomRecord } from '../authorization';
import { type TwirpContext, type TwirpMethod, type TwirpService, twirpMethod } from '../twirp';
import { TwirpError } from '../twirp-error';
import { jobErrorOf } from './job-errors';

/** livekit.Egress: who may call what, and then `EgressControl`. Source: livekit_egress.proto. */
export function egressService(egress: EgressControl): TwirpService {
  const start = (request: EgressRequest, { grants }: TwirpContext): Promise<EgressInfo> =>
    asked(grants, () => egress.start(request));
  return {
    name: 'livekit.Egress',
    methods: new Map<string, TwirpMethod>([
      [
        'StartEgress',
        twirpMethod(StartEgressRequest, (value, context) =>
          start({ case: 'egress', value }, context),
        ),
      ],
      [
        'StartRoomCompositeEgress',
        twirpMethod(RoomCompositeEgressRequest, (value, context) =>
          start({ case: 'roomComposite', value }, context),
        ),
      ],
      [
        'StartWebEgress',
        twirpMethod(WebEgressRequest, (value, context) => start({ case: 'web', value }, context)),
      ],
      [
        'StartParticipantEgress',
        twirpMethod(ParticipantEgressRequest, (value, context) =>
          start({ case: 'participant', value }, context),
        ),
      ],
      [
        'StartTrackCompositeEgress',
        twirpMethod(TrackCompositeEgressRequest, (value, context) =>
          start({ case: 'trackComposite', value }, context),
        ),
      ],
      [
        'StartTrackEgress',
        twirpMethod(TrackEgressRequest, (value, context) =>
          start({ case: 'track', value }, context),
        ),
      ],
      ...methodsOfRunning(egress),
    ]),
  };
}

const methodsOfRunning = (egress: EgressControl): (readonly [string, TwirpMethod])[] => [
  [
    'UpdateLayout',
    twirpMethod(UpdateLayoutRequest, ({ egressId, layout }, { grants }) =>
      asked(grants, () => egress.updateLayout(egressId, layout)),
    ),
  ],
  [
    'UpdateStream',
    twirpMethod(UpdateStreamRequest, (request, { grants }) =>
      asked(grants, () => egress.updateStream(request)),
    ),
  ],
  [
    'ListEgress',
    twirpMethod(ListEgressRequest, (request, { grants }) =>
      asked(grants, async () => new ListEgressResponse({ items: await egress.list(request) })),
    ),
  ],
  [
    'StopEgress',
    twirpMethod(StopEgressRequest, ({ egressId }, { grants }) =>
      asked(grants, () => egress.stop(egressId)),
    ),
  ],
];

async function asked<T>(grants: Grants | undefined, ask: () => Promise<T>): Promise<T> {
  requireRoomRecord(grants);
  try {
    return await ask();
  } catch (error) {
    throw egressErrorForCaller(error);
  }
}

/** What a caller of the server API is told of what went wrong with an Egress. */
export function egressErrorForCaller(error: unknown): unknown {
  if (error instanceof EgressError) {
    return new TwirpError(error.code, error.message, {}, { cause: error });
  }
  return jobErrorOf(error);
}
