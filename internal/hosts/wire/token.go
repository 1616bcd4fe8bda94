package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

// Address is where a hub is, and what lets one in:
//
//	nats://HOST:PORT#SEED.PIN.EXPIRY
//
// The seed is the secret half of an NKey, the pin the fingerprint of the hub's public
// key, and the expiry a time in seconds, in hexadecimal digits, 0 for never. A URL without such a token is that of
// a NATS server that somebody else runs; it goes to the NATS client as it is.
type Address struct {
	URL    string // without the token
	Seed   string
	Pin    string
	Expiry time.Time
}

// String is the address as it is typed.
func (a *Address) String() string {
	if a.Seed == "" {
		return a.URL
	}
	at := int64(0)
	if !a.Expiry.IsZero() {
		at = a.Expiry.Unix()
	}
	return fmt.Sprintf("%s#%s.%s.%x", a.URL, a.Seed, a.Pin, at)
}

// Where is the address as it may be shown: without a token, or the password of a server that
// somebody else runs.
func (a *Address) Where() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return "an address that cannot be read"
	}
	u.User = nil
	return u.String()
}

// defaultPort is that of NATS.
const defaultPort = "4222"

// Towards is the address of this machine that leads to the hub.
func (a *Address) Towards() (string, error) {
	u, err := url.Parse(a.URL)
	if err != nil {
		return "", err
	}
	// Nothing is sent: the kernel only chooses a route.
	c, err := net.Dial("udp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort)))
	if err != nil {
		return "", err
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	return host, err
}

// ErrExpired is a token that was good once.
var ErrExpired = errors.New("the token has expired")

// expired is an error where the token is not good any more.
func (a *Address) expired() error {
	if a.Expiry.IsZero() || time.Now().Before(a.Expiry) {
		return nil
	}
	return fmt.Errorf("%w on %s: ask the hub for a new line", ErrExpired, a.Expiry.Format(time.DateTime))
}

var errToken = errors.New("the token is incomplete or damaged: copy the whole line that the hub printed, in quotes")

// ParseAddress reads an address. One that begins with @ is the name of a file that holds
// it: what stands on a command line can be seen by every user of the machine.
func ParseAddress(text string) (*Address, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		text = strings.TrimSpace(string(b))
	}
	at, token, ok := strings.Cut(text, "#")
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return nil, errors.New("a hub is written as nats://HOST:PORT#TOKEN")
	}
	a := &Address{URL: at}
	if !ok {
		return a, nil
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errToken
	}
	a.Seed, a.Pin = parts[0], parts[1]
	if _, err := nkeys.FromSeed([]byte(a.Seed)); err != nil || len(a.Pin) != 43 {
		return nil, errToken
	}
	seconds, err := strconv.ParseInt(parts[2], 16, 64)
	if err != nil {
		return nil, errToken
	}
	if seconds != 0 {
		a.Expiry = time.Unix(seconds, 0)
	}
	return a, nil
}

// name is what a host or a label may be called: it becomes part of subjects.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// CheckName is an error where a host cannot be called so.
func CheckName(text string) error {
	if !name.MatchString(text) {
		return fmt.Errorf("%.64q is no name of a host: letters, digits, - and _, 63 at most", text)
	}
	return nil
}
