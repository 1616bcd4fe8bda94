package backends

import (
	"fmt"
	"net"
	"strconv"

	"bench/backends/origin"
	"bench/internal/sock"
)

// Options describe one process of origins. The zero value of each field is a
// usable default, except for Listen and Kind.
type Options struct {
	// Name of the origin; replicas of a process with several are NAME.1,
	// NAME.2 and so on. "" is "origin".
	Name string
	// Listen are the addresses, as sock.Parse reads them; each is a replica.
	Listen []string
	// Replicas multiplies a single Listen address: port 0 is drawn for each,
	// another port counts up. 0 is one replica for each address.
	Replicas int
	// Control is the address of the control endpoint; "" has none.
	Control string

	Threads int    // event loops; 0 is 1
	Poller  string // "" is the quickest there is
	CPUs    []int  // each loop is pinned to one, in turn; empty leaves them free
	Seed    uint64

	// Kind makes the origins: a configuration of one of the protocol packages.
	Kind origin.Kind
}

// Bound is one listening replica.
type Bound struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
}

// ReadyLine is what a process prints, as one line of JSON, when it serves.
type ReadyLine struct {
	Ready   bool    `json:"ready"`
	Kind    string  `json:"kind"` // the protocol: "http"
	PID     int     `json:"pid"`
	Control string  `json:"control,omitempty"`
	Origins []Bound `json:"origins"`
}

// place is the name and address of a replica to be.
type place struct {
	name string
	addr sock.Addr
}

func (o *Options) places() ([]place, error) {
	name := o.Name
	if name == "" {
		name = "origin"
	}
	listen := o.Listen
	switch {
	case len(listen) == 0:
		return nil, fmt.Errorf("no address to listen on: want at least one, like 127.0.0.1:0")
	case o.Replicas > 1 && len(listen) == 1:
		var err error
		if listen, err = spread(listen[0], o.Replicas); err != nil {
			return nil, err
		}
	case o.Replicas > 0 && o.Replicas != len(listen):
		return nil, fmt.Errorf("%d replicas on %d addresses: want one address, or one for each replica", o.Replicas, len(listen))
	}
	places := make([]place, len(listen))
	for i, text := range listen {
		a, err := sock.Parse(text)
		if err != nil {
			return nil, err
		}
		places[i] = place{name, a}
		if len(listen) > 1 {
			places[i].name = name + "." + strconv.Itoa(i+1)
		}
	}
	return places, nil
}

// spread makes n addresses of one: port 0 stays 0, another counts up.
func spread(text string, n int) ([]string, error) {
	a, err := sock.Parse(text)
	if err != nil {
		return nil, err
	}
	if a.IsUnix() {
		return nil, fmt.Errorf("%d replicas on the unix address %s: want one address for each replica", n, text)
	}
	ap := a.AddrPort()
	if int(ap.Port())+n-1 > 65535 {
		return nil, fmt.Errorf("%d replicas from port %d on go beyond port 65535", n, ap.Port())
	}
	out := make([]string, n)
	for i := range out {
		port := 0
		if ap.Port() != 0 {
			port = int(ap.Port()) + i
		}
		out[i] = net.JoinHostPort(ap.Addr().String(), strconv.Itoa(port))
	}
	return out, nil
}
