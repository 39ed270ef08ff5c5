// Stands in for LiveKit's services in tests, with LiveKit's own libraries: what they say over Redis is
// what livekit/egress and livekit/ingress say. Nothing is recorded or taken. Commands come as lines of
// JSON, what happened is told so.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"github.com/redis/go-redis/v9"
)

type command struct {
	Do        string `json:"do"`
	StreamKey string `json:"streamKey"`
	Resource  string `json:"resource"`
}

type peer struct {
	name    string
	bus     psrpc.MessageBus
	io      rpc.IOInfoClient
	telling sync.Mutex
}

// One line for the test.
func (p *peer) tell(event string, fields map[string]any) {
	p.telling.Lock()
	defer p.telling.Unlock()
	line := map[string]any{"event": event}
	for key, value := range fields {
		line[key] = value
	}
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func (p *peer) tellError(event string, err error) {
	code, _ := psrpc.GetErrorCode(err)
	p.tell(event, map[string]any{"code": string(code), "error": err.Error()})
}

func main() {
	client := redis.NewClient(&redis.Options{
		Addr:     os.Getenv("REDIS_ADDRESS"),
		Password: os.Getenv("REDIS_PASSWORD"),
	})
	must(client.Ping(context.Background()).Err())
	bus := psrpc.NewRedisMessageBus(client)
	io, err := rpc.NewIOInfoClient(bus)
	must(err)
	p := &peer{name: os.Getenv("NAME"), bus: bus, io: io}
	_, err = serveEgress(p)
	must(err)
	ingress, err := serveIngress(p)
	must(err)
	p.tell("ready", nil)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked command
		must(json.Unmarshal(lines.Bytes(), &asked))
		switch asked.Do {
		case "push":
			go ingress.push(asked.StreamKey, asked.Resource)
		case "ask":
			go askForEgresses(p)
		default:
			panic("nothing is known of " + asked.Do)
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
