package redis

import (
	"strings"

	"bench/internal/dist"
	"bench/internal/resp"
	"bench/loadgen/codec"
	"bench/loadgen/template"
)

const (
	maxDatabase  = 1 << 20
	maxCommand   = 1 << 20 // bytes of the text of a command
	maxValueSize = resp.MaxBulk
)

// Problems says what is wrong with r, apart from its commands taken by
// themselves.
func (r *Spec) Problems() []codec.Problem {
	var bad codec.Problems
	if r.Version != 0 && r.Version != 2 && r.Version != 3 {
		bad.Add("version", "version %d of the protocol: want 2 or 3", r.Version)
	}
	if r.User != "" && r.Password == "" {
		bad.Add("user", "a user needs a password")
	}
	if r.Database < 0 || r.Database > maxDatabase {
		bad.Add("database", "database %d: want 0 to %d", r.Database, maxDatabase)
	}
	r.Keys.Validate(&bad)
	validateValue(&bad, &r.Value)
	names := make([]string, len(r.Commands))
	for i := range r.Commands {
		names[i] = r.Commands[i].Name
	}
	bad.Names("commands", names)
	return bad
}

func validateValue(bad *codec.Problems, size *dist.Size) {
	if n, fixed := size.Fixed(); fixed && (n < 0 || n > maxValueSize) {
		bad.Add("value", "values of %d bytes: want 0 to %d", n, int64(maxValueSize))
	}
}

// Problems says what is wrong with a command.
func (c *Command) Problems() []codec.Problem {
	var bad codec.Problems
	if c.Weight < 0 || c.Weight > codec.MaxWeight {
		bad.Add("weight", "weight %d: want 1 to %d", c.Weight, codec.MaxWeight)
	}
	if c.Value != nil {
		validateValue(&bad, c.Value)
	}
	c.Expect.validate(&bad)
	words, err := template.SplitWords(c.line())
	switch {
	case err != nil:
		bad.Add("command", "command: %s", err)
		return bad
	case len(words) == 0 || len(c.Line) > maxCommand:
		bad.Add("command", "command: want a command with its arguments, like GET {{key}}")
		return bad
	}
	if why := reservedCommand(words); why != "" {
		bad.Add("command", "command %s: %s", codec.FirstRunes([]byte(words[0]), 32), why)
	}
	for _, w := range words {
		if _, err := template.Parse(w, variables()...); err != nil {
			bad.Add("command", "command: %s", err)
			break
		}
	}
	return bad
}

// reservedCommand says why a command is not for a load, "" if it is.
func reservedCommand(words []string) string {
	switch strings.ToUpper(words[0]) {
	case "AUTH", "HELLO":
		return "set user, password and version instead"
	case "SELECT":
		return "set database instead"
	case "QUIT":
		return "set connections.requestsPerConnection instead"
	case "RESET":
		return "it undoes the set-up of the connection"
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SYNC", "PSYNC":
		return "it does not have exactly one reply"
	case "CLIENT":
		if len(words) > 1 && strings.EqualFold(words[1], "REPLY") {
			return "it changes which commands have a reply"
		}
		if len(words) > 1 && strings.EqualFold(words[1], "SETNAME") {
			return "in a scenario a connection has the name of its load"
		}
	}
	return ""
}

func (x *ExpectReply) validate(bad *codec.Problems) {
	if x.Bytes != nil && (*x.Bytes < 0 || *x.Bytes > codec.MaxExpectedBytes) {
		bad.Add("expect.bytes", "expected length %d of the reply: want 0 to %d", *x.Bytes, int64(codec.MaxExpectedBytes))
	}
	if x.Error != "" && (x.Text != nil || x.Bytes != nil || x.Null != nil) {
		bad.Add("expect.error", "expected error: nothing else can be expected with it")
	}
	if x.Null != nil && *x.Null && (x.Text != nil || x.Bytes != nil) {
		bad.Add("expect.null", "no value and what it holds cannot both be expected")
	}
	if strings.ContainsAny(x.Error, "\r\n") || len(x.Error) > codec.MaxDetailSize {
		bad.Add("expect.error", "expected error: want the beginning of one line, at most %d bytes", codec.MaxDetailSize)
	}
}
