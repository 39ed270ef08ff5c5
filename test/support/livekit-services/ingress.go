package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

type ingressService struct {
	*peer
	handlers rpc.IngressHandlerServer
	mu       sync.Mutex
	running  map[string]*livekit.IngressInfo
}

func serveIngress(p *peer) (*ingressService, error) {
	s := &ingressService{peer: p, running: map[string]*livekit.IngressInfo{}}
	handlers, err := rpc.NewIngressHandlerServer(s, p.bus)
	if err != nil {
		return nil, err
	}
	s.handlers = handlers
	server, err := rpc.NewIngressInternalServer(s, p.bus)
	if err != nil {
		return nil, err
	}
	return s, server.RegisterListActiveIngressTopic("")
}

// An encoder has connected with a key.
func (s *ingressService) push(streamKey string, resource string) {
	answer, err := s.io.GetIngressInfo(context.Background(), &rpc.GetIngressInfoRequest{StreamKey: streamKey})
	if err != nil {
		s.tellError("refused", err)
		return
	}
	s.tell("taken", map[string]any{"id": answer.Info.IngressId, "room": answer.Info.RoomName})
	s.run(answer.Info, resource)
}

func (s *ingressService) run(info *livekit.IngressInfo, resource string) {
	info.State = &livekit.IngressState{
		Status:     livekit.IngressState_ENDPOINT_BUFFERING,
		StartedAt:  time.Now().UnixNano(),
		ResourceId: resource,
	}
	s.mu.Lock()
	s.running[info.IngressId] = info
	s.mu.Unlock()
	must(s.handlers.RegisterUpdateIngressTopic(info.IngressId))
	must(s.handlers.RegisterDeleteIngressTopic(info.IngressId))
	s.say(info, livekit.IngressState_ENDPOINT_BUFFERING)
	s.say(info, livekit.IngressState_ENDPOINT_PUBLISHING)
}

func (s *ingressService) say(info *livekit.IngressInfo, status livekit.IngressState_Status) {
	s.mu.Lock()
	info.State.Status = status
	info.State.UpdatedAt = time.Now().UnixNano()
	state := proto.Clone(info.State).(*livekit.IngressState)
	s.mu.Unlock()
	_, err := s.io.UpdateIngressState(context.Background(), &rpc.UpdateIngressStateRequest{
		IngressId: info.IngressId,
		State:     state,
	})
	if err != nil {
		s.tellError("state-failed", err)
	}
}

func (s *ingressService) StartIngressAffinity(context.Context, *rpc.StartIngressRequest) float32 {
	return 1
}

func (s *ingressService) StartIngress(ctx context.Context, req *rpc.StartIngressRequest) (*livekit.IngressInfo, error) {
	if _, err := s.io.CreateIngress(ctx, req.Info); err != nil {
		return nil, err
	}
	s.tell("pulls", map[string]any{"id": req.Info.IngressId, "url": req.Info.Url})
	s.run(req.Info, "UR_test")
	return req.Info, nil
}

func (s *ingressService) ListActiveIngress(context.Context, *rpc.ListActiveIngressRequest) (*rpc.ListActiveIngressResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := &rpc.ListActiveIngressResponse{}
	for id, info := range s.running {
		session := &rpc.IngressSession{IngressId: id, ResourceId: info.State.ResourceId}
		answer.IngressSessions = append(answer.IngressSessions, session)
	}
	return answer, nil
}

func (s *ingressService) UpdateIngress(_ context.Context, req *livekit.UpdateIngressRequest) (*livekit.IngressState, error) {
	s.tell("told", map[string]any{"id": req.IngressId, "name": req.Name})
	return s.stateOf(req.IngressId), nil
}

func (s *ingressService) DeleteIngress(_ context.Context, req *livekit.DeleteIngressRequest) (*livekit.IngressState, error) {
	s.tell("ended", map[string]any{"id": req.IngressId})
	state := s.stateOf(req.IngressId)
	s.mu.Lock()
	delete(s.running, req.IngressId)
	s.mu.Unlock()
	return state, nil
}

func (s *ingressService) stateOf(id string) *livekit.IngressState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.Clone(s.running[id].State).(*livekit.IngressState)
}

func (s *ingressService) DeleteWHIPResource(context.Context, *rpc.DeleteWHIPResourceRequest) (*emptypb.Empty, error) {
	panic("WHIP is not of this service")
}

func (s *ingressService) ICERestartWHIPResource(context.Context, *rpc.ICERestartWHIPResourceRequest) (*rpc.ICERestartWHIPResourceResponse, error) {
	panic("WHIP is not of this service")
}

func (s *ingressService) WHIPRTCConnectionNotify(context.Context, *rpc.WHIPRTCConnectionNotifyRequest) (*emptypb.Empty, error) {
	panic("WHIP is not of this service")
}
