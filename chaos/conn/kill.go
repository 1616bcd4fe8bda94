package conn

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// End says which sockets of connections are meant.
type End string

// The ends of connections.
const (
	ServerEnd End = "server" // the port is theirs
	ClientEnd End = "client" // the port is their peers'
	BothEnds  End = "both"
)

// Kill closes established TCP connections by SOCK_DESTROY: a way no proxy can
// prevent, as when an administrator or a firewall of the host does it.
type Kill struct {
	Place
	Port uint16
	End  End // "" is the server's
	// Address contains that of either end; the zero prefix is all.
	Address netip.Prefix
	// Share of the connections, in (0, 1]; 0 is all. The seed chooses among them.
	Share float64
	Seed  uint64
}

// Killed is what Kill did.
type Killed struct {
	Found  int `json:"found"`  // sockets that met the conditions
	Chosen int `json:"chosen"` // of them
	Killed int `json:"killed"`
	Gone   int `json:"gone"`  // ended by themselves before they could be killed
	Alive  int `json:"alive"` // of the chosen ones, still there afterwards
}

// Check says what is wrong with the order.
func (k *Kill) Check() error {
	switch {
	case k.Port == 0:
		return errors.New("want the port of the connections to kill")
	case k.Share < 0 || k.Share > 1:
		return fmt.Errorf("share is %v: want one from 0 to 1", k.Share)
	}
	switch k.End {
	case "", ServerEnd, ClientEnd, BothEnds:
		return nil
	}
	return fmt.Errorf("end %q: want server, client or both", k.End)
}

// Do kills, and looks afterwards whether it worked.
func (k *Kill) Do() (done Killed, err error) {
	if err := k.Check(); err != nil {
		return done, err
	}
	err = k.inside(func() error {
		d, err := openDiag()
		if err != nil {
			return err
		}
		defer d.close()
		all, err := d.list(established)
		if err != nil {
			return err
		}
		var chosen []socket
		for _, s := range all {
			if !k.means(&s) {
				continue
			}
			done.Found++
			if err := k.allow(s.local.Addr(), s.remote.Addr()); err != nil {
				return err
			}
			if k.draws(&s) {
				chosen = append(chosen, s)
			}
		}
		done.Chosen = len(chosen)
		for i := range chosen {
			switch err := d.destroy(&chosen[i]); {
			case err == nil:
				done.Killed++
			case errors.Is(err, unix.ENOENT):
				done.Gone++
			case errors.Is(err, unix.EOPNOTSUPP):
				return errors.New("the kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)")
			default:
				return fmt.Errorf("cannot kill the connection %v-%v: %w", chosen[i].local, chosen[i].remote, err)
			}
		}
		done.Alive, err = d.alive(chosen)
		return err
	})
	return done, err
}

// alive counts those of the sockets that are still established.
func (d *diag) alive(of []socket) (n int, err error) {
	now, err := d.list(established)
	if err != nil {
		return 0, err
	}
	there := map[[idSize]byte]bool{}
	for _, s := range now {
		there[s.id] = true
	}
	for _, s := range of {
		if there[s.id] {
			n++
		}
	}
	return n, nil
}

func (k *Kill) means(s *socket) bool {
	if k.Address.IsValid() && !k.Address.Contains(s.local.Addr()) && !k.Address.Contains(s.remote.Addr()) {
		return false
	}
	server, client := s.local.Port() == k.Port, s.remote.Port() == k.Port
	switch k.End {
	case ClientEnd:
		return client
	case BothEnds:
		return server || client
	case ServerEnd:
	}
	return server
}

// draws chooses by the two ends of the connection, so that both of its sockets
// are chosen or none.
func (k *Kill) draws(s *socket) bool {
	a, b := s.local, s.remote
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return draws(k.Seed, k.Share, a, b)
}
