package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
)

type egressService struct {
	*peer
	handlers rpc.EgressHandlerServer
	mu       sync.Mutex
	running  map[string]*livekit.EgressInfo
}

func serveEgress(p *peer) (*egressService, error) {
	s := &egressService{peer: p, running: map[string]*livekit.EgressInfo{}}
	handlers, err := rpc.NewEgressHandlerServer(s, p.bus)
	if err != nil {
		return nil, err
	}
	s.handlers = handlers
	server, err := rpc.NewEgressInternalServer(s, p.bus)
	if err != nil {
		return nil, err
	}
	if err := server.RegisterListActiveEgressTopic(""); err != nil {
		return nil, err
	}
	return s, server.RegisterStartEgressTopic("")
}

// As livekit/egress says it: one that already records takes more first.
func (s *egressService) StartEgressAffinity(_ context.Context, req *rpc.StartEgressRequest) float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.Contains(req.GetWeb().GetUrl(), "too-large"):
		return -1
	case len(s.running) == 0:
		return 0.5
	default:
		return 1
	}
}

func (s *egressService) StartEgress(ctx context.Context, req *rpc.StartEgressRequest) (*livekit.EgressInfo, error) {
	if strings.Contains(req.GetWeb().GetUrl(), "broken") {
		return nil, psrpc.NewErrorf(psrpc.InvalidArgument, "request has missing or invalid field: url")
	}
	now := time.Now().UnixNano()
	info := &livekit.EgressInfo{
		EgressId:  req.EgressId,
		RoomId:    req.RoomId,
		RoomName:  req.RoomName,
		Status:    livekit.EgressStatus_EGRESS_STARTING,
		UpdatedAt: now,
	}
	switch asked := req.Request.(type) {
	case *rpc.StartEgressRequest_Web:
		info.Request = &livekit.EgressInfo_Web{Web: asked.Web}
	case *rpc.StartEgressRequest_RoomComposite:
		info.Request = &livekit.EgressInfo_RoomComposite{RoomComposite: asked.RoomComposite}
		info.RoomName = asked.RoomComposite.RoomName
	case *rpc.StartEgressRequest_Egress:
		info.Request = &livekit.EgressInfo_Egress{Egress: asked.Egress}
	}
	s.tell("started", map[string]any{"id": req.EgressId, "by": s.name, "wsUrl": req.WsUrl, "roomId": req.RoomId})
	if _, err := s.io.CreateEgress(ctx, info, psrpc.WithRequestTimeout(15*time.Second)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.running[info.EgressId] = info
	s.mu.Unlock()
	if err := s.handlers.RegisterStopEgressTopic(info.EgressId); err != nil {
		return nil, err
	}
	if err := s.handlers.RegisterUpdateStreamTopic(info.EgressId); err != nil {
		return nil, err
	}
	started := *info
	go func() {
		active := *info
		active.Status = livekit.EgressStatus_EGRESS_ACTIVE
		active.StartedAt = now
		s.update(&active)
	}()
	return &started, nil
}

func (s *egressService) update(info *livekit.EgressInfo) {
	info.UpdatedAt = time.Now().UnixNano()
	_, err := s.io.UpdateEgress(context.Background(), info, psrpc.WithRequestTimeout(15*time.Second))
	if err != nil {
		s.tellError("update-failed", err)
	}
}

func (s *egressService) StopEgress(_ context.Context, req *livekit.StopEgressRequest) (*livekit.EgressInfo, error) {
	s.mu.Lock()
	info := s.running[req.EgressId]
	delete(s.running, req.EgressId)
	s.mu.Unlock()
	ending := *info
	ending.Status = livekit.EgressStatus_EGRESS_ENDING
	go func() {
		copied := ending
		s.update(&copied)
		complete := ending
		complete.Status = livekit.EgressStatus_EGRESS_COMPLETE
		complete.EndedAt = time.Now().UnixNano()
		complete.Details = "End reason: StopEgress API"
		complete.FileResults = []*livekit.FileInfo{{Filename: "a.mp4", Size: 1234}}
		s.update(&complete)
		s.handlers.DeregisterStopEgressTopic(req.EgressId)
		s.handlers.DeregisterUpdateStreamTopic(req.EgressId)
	}()
	return &ending, nil
}

func (s *egressService) UpdateStream(_ context.Context, req *livekit.UpdateStreamRequest) (*livekit.EgressInfo, error) {
	s.mu.Lock()
	info := *s.running[req.EgressId]
	s.mu.Unlock()
	info.Status = livekit.EgressStatus_EGRESS_ACTIVE
	for _, url := range req.AddOutputUrls {
		info.StreamResults = append(info.StreamResults, &livekit.StreamInfo{Url: url})
	}
	return &info, nil
}

func (s *egressService) ListActiveEgress(context.Context, *rpc.ListActiveEgressRequest) (*rpc.ListActiveEgressResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := &rpc.ListActiveEgressResponse{}
	for id := range s.running {
		answer.EgressIds = append(answer.EgressIds, id)
	}
	s.tell("listed", map[string]any{"count": len(answer.EgressIds)})
	return answer, nil
}

func askForEgresses(p *peer) {
	found, err := p.io.ListEgress(context.Background(), &livekit.ListEgressRequest{Active: true})
	if err != nil {
		p.tellError("ask-failed", err)
		return
	}
	_, err = p.io.GetEgress(context.Background(), &rpc.GetEgressRequest{EgressId: "EG_unknown"})
	code, _ := psrpc.GetErrorCode(err)
	p.tell("asked", map[string]any{"count": len(found.Items), "unknown": string(code)})
}

func (s *egressService) UpdateEgress(context.Context, *livekit.UpdateEgressRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.ErrUnimplemented
}
