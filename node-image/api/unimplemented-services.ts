import type { TwirpMethod, TwirpService } from './twirp';
import { permissionsDenied, TwirpError } from './twirp-error';

/** The services of LiveKit's server that this one knows by name only. Source: its proto files. */
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  SIP: [
    'ListSIPTrunk',
    'CreateSIPInboundTrunk',
    'CreateSIPOutboundTrunk',
    'UpdateSIPInboundTrunk',
    'UpdateSIPOutboundTrunk',
    'GetSIPInboundTrunk',
    'GetSIPOutboundTrunk',
    'ListSIPInboundTrunk',
    'ListSIPOutboundTrunk',
    'DeleteSIPTrunk',
    'CreateSIPDispatchRule',
    'UpdateSIPDispatchRule',
    'ListSIPDispatchRule',
    'DeleteSIPDispatchRule',
    'CreateSIPParticipant',
    'TransferSIPParticipant',
  ],
};

/** Answers 501 to every method of SIP. */
export function unimplementedServices(): TwirpService[] {
  return Object.entries(SERVICES).map(([service, methods]) => ({
    name: `livekit.${service}`,
    methods: new Map(methods.map((method) => [method, refuse(service, method)])),
  }));
}

function refuse(service: string, method: string): TwirpMethod {
  return async (_body, _format, { grants }) => {
    if (grants === undefined) throw permissionsDenied();
    throw new TwirpError('unimplemented', `${service}.${method} is not implemented by this server`);
  };
}
