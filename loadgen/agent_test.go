package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/internal/result"
	"bench/loadgen/workload"
)

func TestAgent(t *testing.T) {
	cfg, err := httporigin.NewConfig(httporigin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, cfg)
	order, err := json.Marshal(&workload.Spec{
		Name: "web", Targets: []string{addr.String()}, Connections: workload.Connections{Pool: 8},
		Phases: []workload.Phase{{Name: "steady", From: 1000, To: 1000, LengthUs: 200_000, Measure: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	in, feed := io.Pipe()
	out, said := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Agent(context.Background(), in, said)
		done <- errors.Join(err, said.Close())
	}()
	go func() { _, _ = feed.Write(append(order, '\n')) }()
	var kinds []string
	dec := json.NewDecoder(out)
	for {
		var line result.AgentLine
		if err := dec.Decode(&line); err != nil {
			break
		}
		switch {
		case line.Ready != nil:
			kinds = append(kinds, "ready")
			go func() { _, _ = feed.Write([]byte(`{}`)) }() // at once
		case line.Interval != nil:
			if kinds[len(kinds)-1] != "interval" {
				kinds = append(kinds, "interval")
			}
		case line.Load != nil:
			kinds = append(kinds, "load")
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := strings.Join(kinds, " "); got != "ready interval load" {
		t.Errorf("the agent said: %s", got)
	}
}

func TestAgentRefusesBadOrders(t *testing.T) {
	for in, want := range map[string]string{
		`{`:                  "reading the load's specification",
		`{"title2":"x"}`:     `unknown field \"title2\"`,
		`{"name":"a b"}`:     "load name",
		`{"name":"a"} {"x"}`: "no target address",
		`{"name":"a","targets":["127.0.0.1:1"],"phases":[{"name":"p","lengthUs":1}]} {"startAt":1}`: "the start time is",
	} {
		var out bytes.Buffer
		err := Agent(context.Background(), strings.NewReader(in), &out)
		if err == nil || !strings.Contains(out.String(), `{"error":`) || !strings.Contains(out.String(), want) {
			t.Errorf("%s: error %v, said %s; want %s", in, err, out.String(), want)
		}
	}
}
