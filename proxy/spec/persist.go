package spec

import (
	"time"

	"bench/proxy/acl"
	"bench/proxy/logformat"
)

// Cookie is how a cookie keeps clients to their servers (configuration manual,
// "cookie").
type Cookie struct {
	Name string
	// Insert adds the cookie to responses, Rewrite puts the server's name into the
	// cookie of responses that have one, Prefix puts it before its value. With none of
	// them servers set it themselves.
	Insert, Rewrite, Prefix bool
	Indirect                bool // servers do not see the cookie
	NoCache                 bool // caches are kept from responses with the cookie
	PostOnly                bool // only responses to POST requests get one
	Preserve                bool // one that the server sets is left alone
	HTTPOnly, Secure        bool
	Dynamic                 bool // servers without a name of their own get one made of their address
	Domains, Attributes     []string
	MaxIdle, MaxLife        time.Duration // 0: it does not age
}

// PersistRule is one "force-persist" or "ignore-persist" line.
type PersistRule struct {
	Cond *acl.Cond
	// Force: a server that is down is used all the same. Otherwise no cookie is looked
	// at.
	Force bool
}

// ServerRule is one "use-server" line: the server of requests for which the condition
// holds.
type ServerRule struct {
	Cond   *acl.Cond         // nil: always
	Server *Server           // nil: the one that Name says
	Name   *logformat.Format // one that does not exist is passed over
}
