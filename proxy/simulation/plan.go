package simulation

import (
	"time"

	"bench/internal/virtual"
)

// Plan is all that happens in a run, but for what the machine draws from its seed. It is
// plain data, so that a run can be written down, and made smaller.
type Plan struct {
	Seed uint64
	TCP  bool // else HTTP
	H2   bool `json:",omitempty"` // clients speak HTTP/2
	// TLS and Inner: clients speak to the proxy in TLS, and it to its origins.
	TLS, Inner bool `json:",omitempty"`
	InnerH2    bool `json:",omitempty"` // and speaks HTTP/2 to them
	// Hostile: peers break off, stall and lie, and time-outs are short. Where they do not,
	// every request has to be answered as it should.
	Hostile bool
	Global  []string // lines of the configuration
	Proxy   []string
	Cache   []string `json:",omitempty"` // of the section of the cache; none: there is no cache
	MaxAge  int      `json:",omitempty"` // of it, in seconds
	Servers []string // the options of each
	Threads int
	Edges   bool // the kind of poller
	Unasked int  // see virtual.Machine
	Scarce  int
	Turn    time.Duration
	Reload  time.Duration `json:",omitempty"` // when another engine takes over
	Link    virtual.Link  // of connections to origins, Seed aside
	Refuse  int           // of a hundred connections to origins
	Lose    int
	Keys    string  `json:",omitempty"` // the line of a table in a section of its own
	Counted bool    `json:",omitempty"` // and it has room for all keys
	Moves   []Move  `json:",omitempty"` // of servers, in the order of their times
	Spells  []Spell `json:",omitempty"` // of illness, which checks of servers see
	Clients []Client

	requests int // drawn so far
}

// Client is one connection after the other of a client.
type Client struct {
	At       time.Duration
	Link     virtual.Link
	Requests []Request // in TCP mode one: what goes up and what comes down
	// Ahead is how many requests may be under way besides the one that is to be answered
	// next.
	Ahead  int
	Window int `json:",omitempty"` // in HTTP/2, of each stream
	// Pause is between two reads of at most Sip bytes; 0: it reads what there is.
	Pause time.Duration `json:",omitempty"`
	Sip   int           `json:",omitempty"`
	Quit  Quit          `json:",omitzero"`
}

// Quit is an end before the time: after so many bytes or, for a client, so much time.
type Quit struct {
	How      How
	Sent     int           `json:",omitempty"`
	Received int           `json:",omitempty"`
	After    time.Duration `json:",omitempty"`
}

// How a connection ends before its time.
type How string

// The ways.
const (
	Stays  How = ""
	Closes How = "closes"
	Resets How = "resets"
	Stalls How = "stalls" // sends nothing more
	Halves How = "closes its side"
)

// Request is one request, and what the origin makes of it.
type Request struct {
	ID      int
	Method  string
	Old     bool          `json:",omitempty"` // HTTP/1.0
	Close   bool          `json:",omitempty"`
	Pad     int           `json:",omitempty"` // bytes of a field
	Body    int           `json:",omitempty"`
	Chunked bool          `json:",omitempty"`
	After   time.Duration `json:",omitempty"` // the pause before it
	Gzip    bool          `json:",omitempty"` // the client takes compressed content
	Cancel  time.Duration `json:",omitempty"` // in HTTP/2, when the client loses interest
	// What a cache has to do with it. Content is what is asked for, 0: something of its own.
	Content int    `json:",omitempty"`
	From    int    `json:",omitempty"` // which page it comes from; 0: it does not say
	Wish    string `json:",omitempty"` // its Cache-Control
	Coded   bool   `json:",omitempty"` // the client takes a coding that origins know
	Knows   bool   `json:",omitempty"` // it has the content already
	Key     int    `json:",omitempty"` // in a table
	Do      string `json:",omitempty"` // what rules make of it, one of deeds
	Answer  Answer
}

// Answer is what an origin says to a request.
type Answer struct {
	Status  int
	Size    int
	Framing Framing
	Interim int           `json:",omitempty"` // responses that are not final, before it
	Close   bool          `json:",omitempty"` // and announces that
	Early   bool          `json:",omitempty"` // before it has the body of the request
	Delay   time.Duration `json:",omitempty"`
	Pad     int           `json:",omitempty"`
	Keep    string        `json:",omitempty"` // its Cache-Control
	Vary    string        `json:",omitempty"`
	Tagged  bool          `json:",omitempty"` // it has an ETag
	Quit    Quit          `json:",omitzero"`  // Sent counts
}

// Framing says where a body ends.
type Framing string

// The framings.
const (
	ByLength Framing = "length"
	ByChunks Framing = "chunks"
	ByClose  Framing = "close"
)
