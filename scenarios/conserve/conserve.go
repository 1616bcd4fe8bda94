// Package conserve checks that no request vanished or appeared: what clients
// sent, what the proxy counted and what the origins received must agree, class
// by class. It is arithmetic on counters only; it reads nothing itself.
//
// # What is exact, and what can only be bounded
//
// A request that was answered was seen by everyone on its way, so everybody's
// counters must hold it. A request that was put on a wire but never answered
// (its connection was reset, or its time ran out) may have been lost before or
// after any counter. With u unanswered tries among s sent ones, a counter on
// the way must therefore lie in [s-u, s]; without unanswered tries that is the
// equation counter = s. The delta of an equation is the distance from that
// interval, so that nothing but an unanswered try excuses a difference.
package conserve

import (
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/loadgen/workload"
)

// Client is what one load knows of its whole run, warm-up included.
type Client struct {
	Class string
	// Sent counts the tries put on a wire, Answered those that got a response
	// of any kind, FromOrigin those of them answered by an origin.
	Sent, Answered, FromOrigin uint64
	// Completed counts the requests answered well, Retried the repeated tries.
	Completed, Retried uint64
	// Connections that were opened.
	Connections uint64
	// Frontend of the proxy the load speaks to; "" when it goes to the origins.
	Frontend string
	// Counting is how origins count its requests: in class Class, by number or
	// not, or not at all.
	Counting workload.Counting
}

// Origin is what all origins together counted of one class.
type Origin struct {
	Received, Answered uint64
	// Lost counts requests the client completed but no origin received,
	// Repeated the ids that were received more than once.
	Lost, Repeated uint64
}

// Frontend is one frontend's counters, summed over all processes.
type Frontend struct {
	Name                             string
	HTTP                             bool
	Requests, Responses, Connections uint64
}

// Abuse is what clients that misbehave did to one frontend. Nobody can tell
// which of it a counter holds: a request that is no request may count as one.
type Abuse struct {
	Frontend              string
	Connections, Requests uint64
}

// Proxy is the proxy's counters, summed over all processes.
type Proxy struct {
	Frontends []Frontend
	// Abuse widens the bounds of what the proxy may have counted.
	Abuse []Abuse
	// Responses the servers of HTTP backends gave; Errors are exchanges with
	// them that broke off on either side, Retries connections tried again.
	Responses, Errors, Retries uint64
	// Through reports that servers of it are other proxies: what they answer, an origin
	// may have written or not.
	Through bool
	// Incomplete says which counters were lost, "" if none.
	Incomplete string
}

// Check compares. proxy is nil when it gives no counters, as of a program
// without a stats socket; then clients and origins alone are compared. origins is nil
// where there are none; then clients and proxy alone are.
func Check(clients []Client, origins map[string]Origin, proxy *Proxy) *result.Conservation {
	c := &result.Conservation{Exact: true}
	var retries uint64
	if proxy != nil {
		retries = proxy.Retries
	}
	for _, cl := range clients {
		if origins == nil || cl.Counting != workload.ByNumber && cl.Counting != workload.ByName {
			continue
		}
		r := row(cl, origins[cl.Class], retries)
		c.Delta += r.Delta
		c.Rows = append(c.Rows, r)
	}
	switch {
	case proxy == nil && origins == nil:
		c.Exact, c.Detail = false, "there are no origins, and the proxy gives no counters: there is nothing to compare with"
		return c
	case proxy == nil:
		c.Detail = "the proxy gives no counters: clients and origins alone are compared"
		return c
	case proxy.Incomplete != "":
		c.Exact, c.Detail = false, proxy.Incomplete
	case origins == nil:
		c.Detail = "there are no origins: clients and proxy alone are compared"
	}
	for _, f := range proxy.Frontends {
		c.Proxy = append(c.Proxy, frontend(f, clients, proxy.Abuse)...)
	}
	if check, ok := servers(proxy, clients, origins); ok && origins != nil {
		c.Proxy = append(c.Proxy, check)
	}
	for _, check := range c.Proxy {
		c.Delta += check.Delta
	}
	return c
}

// row compares a client with the origins. What an origin answered it has
// received, hence FromOrigin <= Received <= Sent (plus what the proxy itself
// tried again); an id may be received twice
// only as often as the client or the proxy tried again.
func row(cl Client, o Origin, proxyRetries uint64) result.ConservationRow {
	r := result.ConservationRow{
		Class: cl.Class, Sent: cl.Sent, Completed: cl.Completed,
		Received: o.Received, Answered: o.Answered, Lost: o.Lost, Repeated: o.Repeated,
	}
	if cl.Frontend == "" {
		proxyRetries = 0
	}
	r.Delta = outside(o.Received, cl.FromOrigin, cl.Sent+proxyRetries) + // Sent holds the client's own retries
		above(o.Repeated, cl.Retried+proxyRetries) +
		above(cl.FromOrigin, o.Answered) + o.Lost
	return r
}

// abused sums what misbehaving clients did to a frontend, or to all for "". Each
// of their connections may count as a request of its own, too.
func abused(all []Abuse, frontend string) (conns, requests uint64) {
	for _, a := range all {
		if frontend == "" || a.Frontend == frontend {
			conns += a.Connections
			requests += a.Connections + a.Requests
		}
	}
	return conns, requests
}

// frontend compares one frontend with the clients that speak to it.
func frontend(f Frontend, clients []Client, abuse []Abuse) []result.ConservationCheck {
	moreConns, more := abused(abuse, f.Name)
	var sent, answered, conns uint64
	var found bool
	for _, cl := range clients {
		if cl.Frontend == f.Name {
			found = true
			sent += cl.Sent
			answered += cl.Answered
			conns += cl.Connections
		}
	}
	if !found {
		return nil
	}
	unanswered := sent - min(answered, sent)
	checks := []result.ConservationCheck{{
		Name: fmt.Sprintf("connections clients opened = connections of frontend %s", f.Name),
		Left: conns, Right: f.Connections, Delta: outside(f.Connections, conns-min(conns, unanswered), conns+moreConns),
	}}
	if !f.HTTP {
		return checks
	}
	return append(checks,
		result.ConservationCheck{
			Name: fmt.Sprintf("requests clients sent = requests of frontend %s", f.Name),
			Left: sent, Right: f.Requests, Delta: outside(f.Requests, answered, sent+more),
		},
		result.ConservationCheck{
			Name: fmt.Sprintf("responses clients got = responses of frontend %s", f.Name),
			Left: answered, Right: f.Responses, Delta: outside(f.Responses, answered, sent+more),
		})
}

// servers compares the responses of the proxy's servers with those the origins
// wrote for the classes that come through HTTP frontends. A response the proxy
// broke off, or that broke off on the way to it, may count on one side only.
func servers(p *Proxy, clients []Client, origins map[string]Origin) (result.ConservationCheck, bool) {
	_, more := abused(p.Abuse, "")
	var written uint64
	var found bool
	for _, cl := range clients {
		if slices.ContainsFunc(p.Frontends, func(f Frontend) bool { return f.HTTP && f.Name == cl.Frontend }) {
			found = true
			written += origins[cl.Class].Answered
		}
	}
	return result.ConservationCheck{
		Name: "responses origins wrote = responses of the proxy's HTTP servers",
		Left: written, Right: p.Responses,
		Delta: outside(p.Responses, written-min(written, p.Errors), written+p.Errors+more),
	}, found && !p.Through
}

// outside is the distance of n from [low, high].
func outside(n, low, high uint64) uint64 { return above(low, n) + above(n, high) }

// above is by how much a exceeds b.
func above(a, b uint64) uint64 { return a - min(a, b) }
