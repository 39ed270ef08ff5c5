/**
 * What is asked between a server and LiveKit's services, where @livekit/protocol has no type for it.
 *
 * Source: livekit/protocol, protobufs/rpc/egress.proto, ingress.proto and io.proto.
 */
import { type Message, type MessageType, proto3, ScalarType } from '@bufbuild/protobuf';
import {
  EgressInfo,
  IngressInfo,
  IngressState,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  StartEgressRequest,
  TrackCompositeEgressRequest,
  TrackEgressRequest,
  WebEgressRequest,
} from '@livekit/protocol';
import type { EgressRequest } from '../egress/from-request';

const text = (no: number, name: string) =>
  ({ no, name, kind: 'scalar', T: ScalarType.STRING }) as const;
const texts = (no: number, name: string) => ({ ...text(no, name), repeated: true }) as const;
const oneOf = <T extends Message<T>>(no: number, name: string, T: MessageType<T>) =>
  ({ no, name, kind: 'message', T, oneof: 'request' }) as const;

export interface RpcStartEgress extends Message<RpcStartEgress> {
  egressId: string;
  request: EgressRequest | { case: undefined; value?: undefined };
  roomId: string;
  /** Empty: the service makes one of its own key. */
  token: string;
  /** Empty: as the service is configured. */
  wsUrl: string;
  roomName: string;
}
export const RpcStartEgress: MessageType<RpcStartEgress> = proto3.makeMessageType(
  'rpc.StartEgressRequest',
  () => [
    text(1, 'egress_id'),
    text(3, 'room_id'),
    oneOf(5, 'room_composite', RoomCompositeEgressRequest),
    oneOf(6, 'track_composite', TrackCompositeEgressRequest),
    oneOf(7, 'track', TrackEgressRequest),
    text(8, 'token'),
    text(9, 'ws_url'),
    oneOf(11, 'web', WebEgressRequest),
    oneOf(13, 'participant', ParticipantEgressRequest),
    oneOf(16, 'egress', StartEgressRequest),
    text(18, 'room_name'),
  ],
);

export interface Nothing extends Message<Nothing> {}
/** Requests without a field, and google.protobuf.Empty. */
export const Nothing: MessageType<Nothing> = proto3.makeMessageType('google.protobuf.Empty', []);

export interface ActiveEgresses extends Message<ActiveEgresses> {
  egressIds: string[];
}
export const ActiveEgresses: MessageType<ActiveEgresses> = proto3.makeMessageType(
  'rpc.ListActiveEgressResponse',
  () => [texts(1, 'egress_ids')],
);

export interface GetEgress extends Message<GetEgress> {
  egressId: string;
}
export const GetEgress: MessageType<GetEgress> = proto3.makeMessageType(
  'rpc.GetEgressRequest',
  () => [text(1, 'egress_id')],
);

export interface EgressMetrics extends Message<EgressMetrics> {
  info?: EgressInfo;
  avgCpuUsage: number;
  maxCpuUsage: number;
}
export const EgressMetrics: MessageType<EgressMetrics> = proto3.makeMessageType(
  'rpc.UpdateMetricsRequest',
  () => [
    { no: 1, name: 'info', kind: 'message', T: EgressInfo },
    { no: 3, name: 'avg_cpu_usage', kind: 'scalar', T: ScalarType.FLOAT },
    { no: 4, name: 'max_cpu_usage', kind: 'scalar', T: ScalarType.FLOAT },
  ],
);

export interface RpcStartIngress extends Message<RpcStartIngress> {
  info?: IngressInfo;
}
export const RpcStartIngress: MessageType<RpcStartIngress> = proto3.makeMessageType(
  'rpc.StartIngressRequest',
  () => [{ no: 1, name: 'info', kind: 'message', T: IngressInfo }],
);

export interface IngressSession extends Message<IngressSession> {
  ingressId: string;
  resourceId: string;
}
export const IngressSession: MessageType<IngressSession> = proto3.makeMessageType(
  'rpc.IngressSession',
  () => [text(1, 'ingress_id'), text(2, 'resource_id')],
);

export interface ActiveIngresses extends Message<ActiveIngresses> {
  ingressSessions: IngressSession[];
}
export const ActiveIngresses: MessageType<ActiveIngresses> = proto3.makeMessageType(
  'rpc.ListActiveIngressResponse',
  () => [{ no: 2, name: 'ingress_sessions', kind: 'message', T: IngressSession, repeated: true }],
);

export interface IngressAnswer extends Message<IngressAnswer> {
  info?: IngressInfo;
}
/** rpc.CreateIngressResponse, and of rpc.GetIngressInfoResponse what is given. */
export const IngressAnswer: MessageType<IngressAnswer> = proto3.makeMessageType(
  'rpc.GetIngressInfoResponse',
  () => [{ no: 1, name: 'info', kind: 'message', T: IngressInfo }],
);

export interface GetIngress extends Message<GetIngress> {
  ingressId: string;
  streamKey: string;
}
export const GetIngress: MessageType<GetIngress> = proto3.makeMessageType(
  'rpc.GetIngressInfoRequest',
  () => [text(1, 'ingress_id'), text(2, 'stream_key')],
);

export interface SetIngressState extends Message<SetIngressState> {
  ingressId: string;
  state?: IngressState;
}
export const SetIngressState: MessageType<SetIngressState> = proto3.makeMessageType(
  'rpc.UpdateIngressStateRequest',
  () => [text(1, 'ingress_id'), { no: 2, name: 'state', kind: 'message', T: IngressState }],
);
