package wire

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Times of a connection. A peer that says nothing for pingEvery times three is gone.
const (
	pingEvery     = 2 * time.Second
	reconnectWait = 250 * time.Millisecond
	dialTimeout   = 5 * time.Second
)

// Options of a connection.
type Options struct {
	// Name says who connects: ClientOfHost, ClientOfRun.
	Name string
	// Note takes what happens to the connection, one line at a time; nil is nobody.
	Note func(string)
	// Connected is told that the connection was lost, and that it is there again. While
	// it is being made, which may take seconds, all calls of it wait: who must not wait
	// does not ask it. nil is nobody.
	Connected func(bool)
	// Refused is called when the hub forbids something: a mistake that nothing else
	// shows. nil is nobody.
	Refused func(error)
}

// Connect connects to a hub. The connection comes back by itself whenever it is cut;
// what is published meanwhile is refused, not kept, as whoever publishes repeats it.
func Connect(a *Address, o Options) (*nats.Conn, error) {
	note := o.Note
	if note == nil {
		note = func(string) {}
	}
	tried := &repeated{say: note}
	connected := o.Connected
	if connected == nil {
		connected = func(bool) {}
	}
	options := []nats.Option{
		nats.Name(o.Name), nats.CustomInboxPrefix(Inbox(o.Name)),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.ReconnectBufSize(-1), nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.Timeout(dialTimeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			connected(false)
			if err != nil {
				note("connection to the hub lost: " + err.Error())
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			connected(true)
			tried.forget()
			note("connected to the hub again")
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { tried.tell(explain(a, err).Error()) }),
		// The server may be restarted with the same keys: what it says of itself on the
		// way is no reason to give up.
		nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if o.Refused != nil && errors.Is(err, nats.ErrPermissionViolation) {
				// An answer to what was asked by a connection that is gone may not be
				// given by the next: it is asked again.
				if !strings.Contains(err.Error(), `Publish to "_INBOX.`) {
					o.Refused(err)
				}
				return
			}
			if !unauthorized(err) {
				note(err.Error())
				return
			}
			if expired := a.expired(); expired != nil && o.Refused != nil {
				o.Refused(expired)
				return
			}
			tried.tell(explain(a, err).Error())
		}),
	}
	if a.Seed != "" {
		if err := a.expired(); err != nil {
			return nil, err
		}
		own, err := token(a)
		if err != nil {
			return nil, err
		}
		options = append(options, own...)
	}
	nc, err := nats.Connect(a.URL, options...)
	return nc, explain(a, err)
}

// repeated says what fails again and again once, until it has worked.
type repeated struct {
	say  func(string)
	mu   sync.Mutex
	said map[string]bool
}

func (r *repeated) tell(text string) {
	r.mu.Lock()
	again := r.said[text]
	if r.said == nil {
		r.said = map[string]bool{}
	}
	r.said[text] = true
	r.mu.Unlock()
	if !again {
		r.say(text)
	}
}

func (r *repeated) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = nil
}

func unauthorized(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired)
}

// token shows the NKey, and believes the hub whose key has the fingerprint.
func token(a *Address) ([]nats.Option, error) {
	pair, err := nkeys.FromSeed([]byte(a.Seed))
	if err != nil {
		return nil, errToken
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, errToken
	}
	d := &dialer{&tls.Config{
		MinVersion: tls.VersionTLS13,
		// The certificate is the hub's own work: what counts is its key.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || Fingerprint(s.PeerCertificates[0].RawSubjectPublicKeyInfo) != a.Pin {
				return errPin
			}
			return nil
		},
	}}
	return []nats.Option{nats.Nkey(public, pair.Sign), nats.SetCustomDialer(d)}, nil
}

// dialer connects by TLS within a limit. The NATS client itself would wait for ever for a
// handshake that nobody answers, and hold up everything else meanwhile.
type dialer struct{ config *tls.Config }

func (d *dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	return (&tls.Dialer{Config: d.config}).DialContext(ctx, network, address)
}

// SkipTLSHandshake tells the NATS client that there was one.
func (d *dialer) SkipTLSHandshake() bool { return true }

var errPin = errors.New("what answers is not the hub that made the token: its key is another one")

// Fingerprint of a public key, as it stands in tokens.
func Fingerprint(public []byte) string {
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// explain says in words what kept somebody out.
func explain(a *Address, err error) error {
	switch {
	case err == nil:
		return nil
	case unauthorized(err):
		return fmt.Errorf("the hub at %s refuses the token: it has expired, or another hub made it, or it is not for this purpose", a.Where())
	case strings.Contains(err.Error(), errPin.Error()):
		return fmt.Errorf("%s: %w", a.Where(), errPin)
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("no hub answers at %s", a.Where())
	case a.Seed == "":
		return fmt.Errorf("the NATS server at %s: %w; if it is a hub of this program, the token is missing: copy the whole line that the hub printed, in quotes", a.Where(), err)
	}
	return fmt.Errorf("the hub at %s: %w", a.Where(), err)
}
