package spec

import (
	"slices"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/sample"
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

	// Steps are the rules of a TCP or HTTP check. If none connects, that is done before.
	Steps []CheckStep

	// Of HTTP checks.

	DisableOn404 bool
	SendState    bool // requests say in which state the server is

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
	return slices.ContainsFunc(c.Steps, func(s CheckStep) bool { return s.Connect != nil && s.Connect.TLS })
}

// NamesPorts tells whether the rules connect, and always to ports that they name.
func (c *Check) NamesPorts() bool {
	connects := slices.ContainsFunc(c.Steps, func(s CheckStep) bool { return s.Connect != nil })
	return connects && !slices.ContainsFunc(c.Steps, func(s CheckStep) bool {
		k := s.Connect
		return k != nil && k.Port == 0 && k.PortBy == nil && (k.Addr == nil || k.Addr.AddrPort().Port() == 0)
	})
}

// CheckStep is one rule of a check: it connects, sends something, sets a variable, or
// expects something in what the server has sent since then.
type CheckStep struct {
	Pos
	// Number is the rule's among those of the check, from 1, as messages count them.
	Number  int
	Comment string

	// One of these is set, or else the rule expects something of bytes.

	Connect *CheckConnect
	Send    []byte
	// SendBy makes what is sent, where Binary is set in hexadecimal digits.
	SendBy  *logformat.Format
	Request *CheckRequest
	Var     *CheckVar
	Answer  *Expect // of HTTP

	// Regexp is to match what was received, or where it is "" Text to be found in it, or
	// what TextBy makes.
	Text    []byte
	TextBy  *logformat.Format
	Regexp  string
	Binary  bool // what was received is compared as hexadecimal digits
	Negate  bool // it is not to match
	MinRecv int  // bytes before it is decided; -1: until it matches or no more can come
	Outcome CheckOutcome
}

// CheckRequest is a request of HTTP.
type CheckRequest struct {
	Method, URI, Version string // never empty
	URIBy                *logformat.Format
	Headers              []CheckHeader
	Body                 string
	BodyBy               *logformat.Format
}

// CheckHeader is a field of such a request.
type CheckHeader struct {
	Name  string
	Value *logformat.Format
}

// CheckVar is a variable that a rule sets to a sample or a text, or with neither of them
// forgets.
type CheckVar struct {
	To     sample.Var
	If     sample.VarConds
	Sample *sample.Expr
	Text   *logformat.Format
}

// CheckConnect is how a rule connects.
type CheckConnect struct {
	// Default: as the server's line says, where the rule says nothing.
	Default bool
	Addr    *sock.Addr // nil: where checks of the server go
	Port    int        // 0: as above
	// PortBy gives the port, if it is a number above zero.
	PortBy *sample.Expr
	// Proxied: the connection begins with a header of the PROXY protocol.
	Proxied bool
	// BySocks: it goes by the SOCKS4 proxy of the server, if there is one.
	BySocks bool
	Linger  bool // it is closed, not reset
	TLS     bool
	SNI     string
	ALPN    []string
}

// CheckOutcome is what the results of an expectation are called, as in statistics, and
// what is said of them; "" and nil for the usual.
type CheckOutcome struct {
	OK, Error, Timeout string
	OnOK, OnError      *logformat.Format
	Code               *sample.Expr
}

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

// Expect is what is expected of an answer in HTTP.
type Expect struct {
	Kind    ExpectKind
	Pattern string // of a field: of its value
	Name    string // of a field: the pattern of its name
	// PatternBy and NameBy make them.
	PatternBy, NameBy *logformat.Format
	// MatchName and MatchValue are how those are compared: str, beg, end, sub or reg; "" for
	// any value.
	MatchName, MatchValue string
}
