package bus_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"opeka/internal/bus"
	"opeka/test/world/ports"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestLocalKeepsOrderAndPrefixes(t *testing.T) {
	b := bus.NewLocal()
	defer b.Close()
	got := make(chan string, 200)
	cancel := b.Subscribe("live.agents.", func(topic string, data []byte) { got <- topic + string(data) })
	for i := range 100 {
		b.Publish("live.visitor.9", []byte("no"))
		b.Publish("live.agents.1", fmt.Append(nil, i))
	}
	for i := range 100 {
		if s := <-got; s != fmt.Sprint("live.agents.1", i) {
			t.Fatalf("%d: %s", i, s)
		}
	}
	cancel()
	cancel() // safe twice
	b.Publish("live.agents.1", nil)
}

func TestEmbeddedNodesHearEachOther(t *testing.T) {
	one, two := ports.Address(t), ports.Address(t)
	a, err := bus.NewEmbeddedNATS(one, nil, "shared", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := bus.NewEmbeddedNATS(two, []string{one}, "shared", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got := make(chan string, 1000)
	b.Subscribe("live.", func(topic string, data []byte) { got <- topic + "=" + string(data) })
	deadline := time.After(2 * time.Minute)
	for { // the route needs a moment to stand
		a.Publish("live.agents.7", []byte("hello"))
		select {
		case s := <-got:
			if s != "live.agents.7=hello" {
				t.Fatal(s)
			}
			return
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("the other node heard nothing")
		}
	}
}

func TestEmbeddedNeedsAToken(t *testing.T) {
	if _, err := bus.NewEmbeddedNATS(ports.Address(t), nil, "", quiet()); err == nil {
		t.Fatal("a cluster without a token is open to anybody")
	}
}
