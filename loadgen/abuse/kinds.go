package abuse

import (
	"fmt"
	"slices"
	"strings"
)

// kind is a row of the table of kinds: a new one adds a row.
type kind struct {
	name string
	// doc says what the clients do, for help texts and documentation.
	doc     string
	options []string
	// names are those of its variants; nil has none.
	names func(s *settings) []string
	// plans prepares what is done on the connections, which take them in turn.
	plans func(s *settings) []plan
}

// kinds lists all kinds, in the order documentation shows them.
func kinds() []kind {
	return []kind{
		{name: "idle", doc: "opens connections and says nothing", options: []string{"hold"}, plans: idlePlans},
		{name: "churn", doc: "opens connections and closes them at once", options: []string{"reset"}, plans: churnPlans},
		{name: "slowloris", doc: "drips the head of a request that never ends", options: []string{"every", "bytes", "hold"}, plans: slowlorisPlans},
		{name: "slow-post", doc: "drips the body of a request", options: []string{"every", "bytes", "size", "hold"}, plans: slowPostPlans},
		{name: "slow-read", doc: "reads answers a few bytes at a time through a small window", options: []string{"every", "bytes", "window", "hold"}, plans: slowReadPlans},
		{name: "half-close", doc: "ends its side after the request and waits for the answer", plans: halfClosePlans},
		{name: "half-request", doc: "ends its side in the middle of the request", plans: halfRequestPlans},
		{name: "abort-request", doc: "goes away in the middle of the request", options: []string{"reset"}, plans: abortRequestPlans},
		{name: "abort-response", doc: "goes away in the middle of the answer", options: []string{"bytes", "reset"}, plans: abortResponsePlans},
		{name: "garbage", doc: "sends what is not HTTP at all", options: []string{"size", "only"}, names: garbageNames, plans: garbagePlans},
		{name: "malformed", doc: "sends requests that RFC 9110 and 9112 require to be refused", options: []string{"only"}, names: malformedNames, plans: malformedPlans},
		{name: "oversized", doc: "sends heads that are too large", options: []string{"size", "only"}, names: oversizedNames, plans: oversizedPlans},
		{name: "pipeline", doc: "sends many requests at once and reads nothing until they are sent", options: []string{"requests", "hold"}, plans: pipelinePlans},
		{name: "proxy-header", doc: "begins with good and bad headers of the PROXY protocol", options: []string{"only"}, names: proxyHeaderNames, plans: proxyHeaderPlans},
		{name: "tls-stall", doc: "begins a handshake of TLS and says nothing more", options: []string{"hold"}, plans: tlsStallPlans},
		{name: "tls-cut", doc: "goes away in the middle of a handshake of TLS", options: []string{"reset", "only"}, names: tlsCutNames, plans: tlsCutPlans},
	}
}

// Kinds are the names of all kinds.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Doc says what a kind does, and which options it takes.
func Doc(name string) (doc string, options []string) {
	k, _ := findKind(name)
	return k.doc, k.options
}

func findKind(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// takes lists the options in a message.
func (k *kind) takes() string {
	if len(k.options) == 0 {
		return ""
	}
	return ", only " + strings.Join(k.options, ", ")
}

// maxSize bounds the option size: a body is only announced, the rest is held.
func (k *kind) maxSize() int64 {
	if k.name == "slow-post" {
		return maxSize
	}
	return maxOversize
}

// variants are the names of a kind's variants.
func (k *kind) variants(s *Spec) []string {
	if k.names == nil {
		return nil
	}
	return k.names(s.settings())
}

// settings are the options with every default applied; times are nanoseconds.
type settings struct {
	host, path string
	seed       uint64
	hold       int64
	heldFor    bool // hold was given
	every      int64
	bytes      int // 0: not given
	size       int64
	window     int
	requests   int
	reset      bool
}

// Defaults of options.
const (
	defaultEveryNs     = 1e9
	defaultReadEveryNs = 100e6
	defaultReadBytes   = 64
	defaultWindow      = 4 << 10
	defaultBody        = 1 << 20
	defaultOversize    = 128 << 10
	defaultGarbage     = 4 << 10
	defaultRequests    = 1000
	defaultDeafNs      = 1e9
)

func (s *Spec) settings() *settings {
	t := &settings{host: s.Host, path: s.Path, seed: s.Seed, requests: defaultRequests, window: defaultWindow}
	if t.host == "" && len(s.Targets) > 0 {
		t.host = s.Targets[0]
	}
	if t.path == "" {
		t.path = "/"
	}
	if s.HoldUs != nil {
		t.hold, t.heldFor = *s.HoldUs*1000, true
	}
	if s.EveryUs != nil {
		t.every = *s.EveryUs * 1000
	}
	if s.Bytes != nil {
		t.bytes = *s.Bytes
	}
	if s.Size != nil {
		t.size = *s.Size
	}
	if s.Window != nil {
		t.window = *s.Window
	}
	if s.Requests != nil {
		t.requests = *s.Requests
	}
	if s.Reset != nil {
		t.reset = *s.Reset
	}
	return t
}

// or is the first of the two that is set.
func or[T int | int64](own, common T) T {
	if own > 0 {
		return own
	}
	return common
}

// get is a complete request.
func (s *settings) get() []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n\r\n", s.path, s.host)
}

// variant is one of several things a kind tries.
type variant struct {
	name string
	data []byte
	// partial reports that no complete request is in it: the peer waits for more.
	partial bool
}

func namesOf(all []variant) []string {
	var names []string
	for i := range all {
		if !slices.Contains(names, all[i].name) {
			names = append(names, all[i].name)
		}
	}
	return names
}

// variantPlans sends each variant on a connection of its own and lets the peer
// act.
func variantPlans(all []variant) []plan {
	names := namesOf(all)
	var plans []plan
	for i := range all {
		p := plan{variant: slices.Index(names, all[i].name), requests: 1, steps: []step{send(all[i].data), {do: opWait}}}
		if all[i].partial {
			p.requests = 0
		}
		plans = append(plans, p)
	}
	return plans
}
