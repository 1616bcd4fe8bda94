package format

import (
	"time"

	"bench/loadgen/abuse"
)

// Abuse is a set of clients that misbehave.
type Abuse struct {
	// Name by which objectives and reports know it; different from those of the
	// loads.
	Name string `yaml:"name,required"`
	// Kind is what the clients do: idle, churn, slowloris, slow-post, slow-read,
	// half-close, half-request, abort-request, abort-response, garbage,
	// malformed, oversized, pipeline, proxy-header, tls-stall or tls-cut.
	Kind string `yaml:"kind,required" enum:"idle,churn,slowloris,slow-post,slow-read,half-close,half-request,abort-request,abort-response,garbage,malformed,oversized,pipeline,proxy-header,tls-stall,tls-cut"`
	// Target is proxy/NAME or origin/BACKEND, as of a load.
	Target string `yaml:"target,required"`
	// At is when they begin, as of an event.
	At string `yaml:"at,required"`
	// For is how long it goes on.
	For Duration `yaml:"for,required"`
	// Connections is the most they have open at a time.
	Connections int `yaml:"connections" default:"100"`
	// Rate at which they open connections, as long as there is room.
	Rate PerSecond `yaml:"rate" default:"100/s"`
	// Timeout is how long a client waits for the peer to do anything.
	Timeout Duration `yaml:"timeout" default:"10s"`
	// Path of the requests.
	Path string `yaml:"path" default:"/"`
	// Host of the requests; the target's address if it is empty.
	Host string `yaml:"host"`
	// Node of the network that the clients run on; "" is client.
	Node string `yaml:"node"`
	// OnHost is the role of the machine that the clients run on, the first if there are
	// several; "" is this one.
	OnHost string `yaml:"onHost"`
	// Source is the address that connections come from, 127.0.0.9; the kernel
	// chooses if it is empty.
	Source string `yaml:"source"`
	// Hold is how long a client stays before it ends a connection, without it to
	// the end: kinds idle, slowloris, slow-post and slow-read. Kind pipeline
	// reads nothing for so long, 1s if not said.
	Hold *Duration `yaml:"hold"`
	// Every is the time between two pieces: 1s of slowloris and slow-post, 100ms
	// of slow-read, if not said.
	Every *Duration `yaml:"every"`
	// Bytes of a piece: a header field of slowloris, 1 of slow-post, 64 of
	// slow-read, if not said. Kind abort-response reads so many before it goes
	// away.
	Bytes *Size `yaml:"bytes"`
	// Size of the body of slow-post (1MiB), of garbage (4KiB), and of what is
	// oversized (128KiB).
	Size *Size `yaml:"size"`
	// Window is the receive buffer of slow-read, 4KiB if not said.
	Window *Size `yaml:"window"`
	// Requests on a connection of kind pipeline, 1000 if not said.
	Requests *int `yaml:"requests"`
	// Reset ends connections of churn, abort-request and abort-response with a
	// RST.
	Reset *bool `yaml:"reset"`
	// Only lists the variants to try of garbage, malformed, oversized and
	// proxy-header; all if it is empty.
	Only []string `yaml:"only"`
	// CPUs the clients may run on; empty leaves the choice to the runner.
	CPUs []int `yaml:"cpus"`
}

// Spec is the set as its agent reads it, but for its targets; at is when it
// begins.
func (a *Abuse) Spec(at time.Duration) abuse.Spec {
	spec := abuse.Spec{
		Name: a.Name, Kind: a.Kind, Title: a.Target, Host: a.Host, Path: a.Path, Source: a.Source,
		Connections: a.Connections, Rate: float64(a.Rate), AfterUs: at.Microseconds(), LengthUs: a.For.Us(), TimeoutUs: a.Timeout.Us(),
		Options: abuse.Options{Requests: a.Requests, Reset: a.Reset, Only: a.Only},
	}
	if a.Hold != nil {
		spec.HoldUs = new(a.Hold.Us())
	}
	if a.Every != nil {
		spec.EveryUs = new(a.Every.Us())
	}
	if a.Bytes != nil {
		spec.Bytes = new(int(*a.Bytes))
	}
	if a.Size != nil {
		spec.Size = new(int64(*a.Size))
	}
	if a.Window != nil {
		spec.Window = new(int(*a.Window))
	}
	return spec
}

// Begin is when a set begins, after the start of the loads. The scenario must be
// valid.
func (s *Scenario) Begin(a *Abuse) time.Duration {
	at, err := ResolveAt(a.At, s.Timeline())
	if err != nil {
		return 0 // reported by validation
	}
	return at
}

// EventKind is the kind of the event that a set is in reports and windows.
func (a *Abuse) EventKind() string { return "abuse." + a.Kind }
