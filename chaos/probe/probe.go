// Package probe tries every fault on a network, a connection and a process made
// for it, and tells by which mechanism each is carried out on this machine, or
// what keeps it from it. How faults work may not enter.
package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bench/chaos"
	"bench/chaos/network"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/netns"
)

// Finding is what became of one fault.
type Finding struct {
	Fault     string `json:"fault"` // as events call it
	Works     bool   `json:"works"`
	Mechanism string `json:"mechanism,omitempty"`
	// Seen is what the fault's certificate says: a short trial can be inconclusive
	// about a fault that works.
	Seen string `json:"seen,omitempty"`
	// Why it does not work, and what would bring it.
	Why    string `json:"why,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Options say with what to try.
type Options struct {
	Journal *chaos.Journal
	Group   *proc.Group
	// Link is the command of a process that runs link.Serve.
	Link []string
}

// trial is how long each fault acts.
const trial = 100 * time.Millisecond

// Try tries all faults, one after the other. It changes nothing outside what it
// makes for itself, and leaves nothing. An error means that it was interrupted, or
// that something may be left.
func Try(ctx context.Context, o Options) ([]Finding, error) {
	b, err := newBed(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer b.close()
	var all []Finding
	for _, r := range rows() {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		f, err := b.try(ctx, &r)
		all = append(all, f)
		if err != nil {
			return all, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return all, nil
}

// try tries one fault. An error means that it could not be undone.
func (b *bed) try(ctx context.Context, r *row) (Finding, error) {
	f := Finding{Fault: r.name}
	if r.network && b.network == nil {
		f.Why = b.missing.Error()
		f.Remedy = "root, or user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 where the kernel has it"
		return f, nil
	}
	fault := r.fault(b)
	if err := fault.Begin(ctx, b.o.Journal); err != nil {
		f.Why, f.Remedy = err.Error(), r.remedy
		return f, nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(trial):
	}
	cert, err := fault.End()
	if err != nil {
		return f, err
	}
	f.Mechanism, f.Seen = cert.Mechanism, cert.Verdict
	if f.Works = cert.Verdict != result.Mismatch; !f.Works {
		for _, x := range cert.Findings {
			if x.Verdict == result.Mismatch {
				f.Why = fmt.Sprintf("%s: %s, asked %s", x.What, x.Achieved, x.Asked)
			}
		}
		f.Remedy = r.remedy
	}
	return f, nil
}

// bed is what faults are tried on.
type bed struct {
	o       *Options
	network *netns.Network // nil where none can be made
	missing error          // why
	faults  *network.Network
	traffic *traffic
	victim  *proc.Process
}

// The nodes and the wire between them.
const (
	client = "client"
	server = "server"
	wire   = "wire"
)

func newBed(ctx context.Context, o *Options) (b *bed, err error) {
	b = &bed{o: o, faults: network.New(o.Group, o.Link)}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.victim, err = o.Group.Start(proc.Spec{Name: "sleep", Args: []string{"sleep", "600"}}); err != nil {
		return nil, err
	}
	if b.missing = netns.Allowed(); b.missing == nil {
		b.network, err = netns.Lay(netns.Topology{
			Nodes: []string{client, server}, Wires: []netns.Wire{{Name: wire, Nodes: []string{client, server}}},
		})
		if err != nil {
			return nil, err
		}
	}
	b.traffic, err = startTraffic(ctx, b.network)
	return b, err
}

func (b *bed) close() {
	if b.traffic != nil {
		b.traffic.close()
	}
	if b.victim != nil {
		b.victim.Kill()
	}
	if b.network != nil {
		_ = b.network.Close()
	}
}

// errNoTraffic reports that the bed itself does not work.
var errNoTraffic = errors.New("no connection could be opened to try faults on")
