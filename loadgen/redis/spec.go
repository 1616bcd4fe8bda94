package redis

import (
	"bench/internal/dist"
	"bench/loadgen/draw"
)

// Spec describes the requests of protocol redis: one command each, whose words
// are templates; see [RedisTemplates].
type Spec struct {
	User     string `json:"user,omitempty"` // of AUTH; the default user when empty
	Password string `json:"password,omitempty"`
	Database int    `json:"database,omitempty"`
	// Version of the protocol: 2, or 3 by HELLO; 0 is 2.
	Version int `json:"version,omitempty"`
	// Client is the name that connections are given by CLIENT SETNAME, and the
	// class under which origins count their commands; without one they have none.
	Client string `json:"client,omitempty"`
	// Keys are what the variable key stands for.
	Keys draw.Keys `json:"keys,omitzero"`
	// Value is the distribution of sizes that the variable value has.
	Value dist.Size `json:"value,omitzero"`
	// Commands are the kinds of requests; none is one PING.
	Commands []Command `json:"commands,omitempty"`
}

// Command is one kind of request of protocol redis.
type Command struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	// Line is the command as redis-cli takes it: words, in quotes where they
	// have spaces. PING when empty.
	Line string `json:"line,omitempty"`
	// Value replaces Redis.Value.
	Value  *dist.Size  `json:"value,omitempty"`
	Expect ExpectReply `json:"expect,omitzero"`
}

// ExpectReply says what a good reply is: no error, unless Error says so.
type ExpectReply struct {
	// Text is the whole reply, one that is no array; nil takes any.
	Text *string `json:"text,omitempty"`
	// Bytes is the length of the reply's bulk strings; nil takes any.
	Bytes *int64 `json:"bytes,omitempty"`
	// Null reports whether there must be no value (a key that is not there), or
	// one; nil takes both.
	Null *bool `json:"null,omitempty"`
	// Error is how the error begins that the reply must be; empty wants none.
	Error string `json:"error,omitempty"`
}
