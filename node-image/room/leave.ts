import { type DisconnectReason, LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';

/** Source: livekit_rtc.proto LeaveRequest; `can_reconnect` is for clients before protocol 13. */
export function leaveRequest(reason: DisconnectReason, action: LeaveRequest_Action): LeaveRequest {
  return new LeaveRequest({
    reason,
    action,
    canReconnect: action !== LeaveRequest_Action.DISCONNECT,
  });
}
