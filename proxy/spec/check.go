package spec

import (
	"slices"

	"bench/internal/sock"
)

// CheckKind is the protocol of a health check.
type CheckKind uint8

// Check protocols.
const (
	CheckTCP CheckKind = iota
	CheckHTTP
	CheckRedis
	CheckMySQL
	CheckPgSQL
	CheckSMTP
	CheckLDAP
	CheckTLSHello
	CheckSPOP
	CheckExternal
)

// InitState is how far a server that is checked is trusted before its first check, at the
// start and after maintenance.
type InitState uint8

// States.
const (
	InitUp        InitState = iota // up, until one check fails
	InitFullyUp                    // as if all checks had passed so far
	InitDown                       // down, until one check passes
	InitFullyDown                  // as if all checks had failed so far
)

// Up tells whether the server gets anything before its first check.
func (s InitState) Up() bool { return s == InitUp || s == InitFullyUp }

// Check is how the servers of a backend are checked.
type Check struct {
	Kind CheckKind

	// Of HTTP checks.

	Method, URI, Version string
	Headers              [][2]string
	Body                 string
	Expect               []Expect
	DisableOn404         bool
	SendState            bool // requests say in which state the server is
	// HTTPConnect is the rule that connects; nil: there is none.
	HTTPConnect *CheckStep

	// Steps are the rules of a TCP check. If the first one does not connect, that is done
	// before.
	Steps []CheckStep

	// Of databases.

	User    string // "" for none
	OldUser bool   // MySQL before version 4.1

	// Greeting is what a mail server is told first.
	Greeting string

	// Command and its Path, of external checks.
	Command, Path string
}

// ConnectsByTLS tells whether one of the rules asks for TLS.
func (c *Check) ConnectsByTLS() bool {
	tls := func(s *CheckStep) bool { return s != nil && s.Connect != nil && s.Connect.TLS }
	for i := range c.Steps {
		if tls(&c.Steps[i]) {
			return true
		}
	}
	return tls(c.HTTPConnect)
}

// NamesPorts tells whether the rules connect, and always to ports that they name.
func (c *Check) NamesPorts() bool {
	steps := c.Steps
	if c.HTTPConnect != nil {
		steps = []CheckStep{*c.HTTPConnect}
	}
	if len(steps) == 0 || steps[0].Connect == nil {
		return false
	}
	return !slices.ContainsFunc(steps, func(s CheckStep) bool {
		k := s.Connect
		return k != nil && k.Port == 0 && (k.Addr == nil || k.Addr.AddrPort().Port() == 0)
	})
}

// CheckStep is one rule of a check: it connects, sends something, or expects something
// in what the server has sent since then.
type CheckStep struct {
	Pos
	// Number is the rule's among those of the check, from 1, as messages count them.
	Number int
	// Connect says how a rule connects; nil: it does not.
	Connect *CheckConnect
	// Send is what is sent; nil: the rule expects.
	Send []byte
	// Regexp is to match what was received, or where it is "" Text to be found in it.
	Text    []byte
	Regexp  string
	Binary  bool // what was received is compared as hexadecimal digits
	Negate  bool // it is not to match
	MinRecv int  // bytes before it is decided; -1: until it matches or no more can come
	Comment string
	Outcome CheckOutcome
}

// CheckConnect is how a rule connects.
type CheckConnect struct {
	// Default: as the server's line says, where the rule says nothing.
	Default bool
	Addr    *sock.Addr // nil: where checks of the server go
	Port    int        // 0: as above
	// Proxied: the connection begins with a header of the PROXY protocol.
	Proxied bool
	// BySocks: it goes by the SOCKS4 proxy of the server, if there is one.
	BySocks bool
	Linger  bool // it is closed, not reset
	TLS     bool
	SNI     string
	ALPN    []string
}

// CheckOutcome is what the results of an expectation are called, as in statistics; ""
// for the usual.
type CheckOutcome struct{ OK, Error, Timeout string }

// ExpectKind is what an "http-check expect" looks at.
type ExpectKind uint8

// Kinds of expectation.
const (
	ExpectStatus ExpectKind = iota
	ExpectRStatus
	ExpectString
	ExpectRString
	ExpectHeader     // a field, one value of a list at a time
	ExpectFullHeader // a field with all of its value
)

// Expect is one expectation on a check's answer.
type Expect struct {
	Pos
	Kind    ExpectKind
	Negate  bool
	Pattern string // of a field: of its value, "" for any
	Name    string // of a field: the pattern of its name
	// NameBy and ValueBy are how those are compared: str, beg, end, sub or reg.
	NameBy, ValueBy string
	// Once: MinRecv bytes of a body are enough to decide; otherwise that waits until it
	// matches or no more can come.
	Once    bool
	MinRecv int
	Comment string
	Outcome CheckOutcome
}
