package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bench/internal/hosts/wire"
)

// TokenOptions are those of a token that is made beside the hub's two.
type TokenOptions struct {
	Store string // of the hub, which may be running
	// Host is the name of the only host that may join by it; "" is a token for runs.
	Host     string
	Lifetime time.Duration // 0 is for ever
	// At is the HOST:PORT by which the hub is reached; "" is what it said last.
	At string
}

// NewToken makes a token. That of a host takes the place of an earlier one: with that, and
// with the token of all hosts, nobody joins by the name any more.
func NewToken(o TokenOptions) (*wire.Address, error) {
	if o.Lifetime < 0 {
		return nil, fmt.Errorf("a token cannot be good for %v", o.Lifetime)
	}
	purpose := purposeRun
	if o.Host != "" {
		purpose = purposeJoin
		if err := wire.CheckName(o.Host); err != nil {
			return nil, err
		}
	}
	at, err := os.ReadFile(filepath.Join(o.Store, fileAddress))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not the store of a hub: start it once, or name its store", o.Store)
	}
	if err != nil {
		return nil, err
	}
	if o.At == "" {
		o.At = strings.TrimSpace(string(at))
	}
	id := &identity{}
	if err := id.readCertificate(filepath.Join(o.Store, fileCertificate)); err != nil {
		return nil, err
	}
	now := time.Now()
	k, err := newKey(purpose, expiry(now, o.Lifetime))
	if err != nil {
		return nil, err
	}
	k.Name = o.Host
	if purpose == purposeRun {
		k.Name = now.Format(time.RFC3339Nano) // nobody's, and not that of all runs
	}
	err = changeKeys(o.Store, func(keys []*key) ([]*key, error) {
		keys = slices.DeleteFunc(keys, func(other *key) bool {
			return other.expired(now) && other.Name != "" || other.Purpose == purpose && other.Name == k.Name
		})
		return append(keys, k), nil
	})
	return &wire.Address{URL: "nats://" + o.At, Seed: k.Seed, Pin: id.pin, Expiry: k.Expires}, err
}

// Reached notes by which HOST:PORT the hub is reached, for tokens that are made later.
func (h *Hub) Reached(at string) error {
	return os.WriteFile(filepath.Join(h.store, fileAddress), []byte(at+"\n"), 0o600)
}
