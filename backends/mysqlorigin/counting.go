package mysqlorigin

import (
	"bytes"
	"strconv"

	"bench/backends/origin"
	"bench/internal/mysqlwire"
)

// counting decides which commands of a session are requests of the load that its
// login names: not those that set the connection up, and of a transaction only the
// first. All others are counted without a name.
type counting struct {
	class []byte
	setUp int  // commands that set the connection up, still to come
	whole bool // a transaction is one request
	open  bool // one is under way
	named bool // the connection counts in the class now
}

// begin reads what the login says.
func (k *counting) begin(l *mysqlwire.Login) {
	*k = counting{class: append(k.class[:0], l.Attribute(mysqlwire.AttributeLoad)...)}
	if n, err := strconv.ParseUint(string(l.Attribute(mysqlwire.AttributeSetUp)), 10, 16); err == nil {
		k.setUp = int(n)
	}
	k.whole = string(l.Attribute(mysqlwire.AttributeTransactions)) == mysqlwire.TransactionsWhole
}

// next puts the connection into the class that a command counts in.
func (k *counting) next(c *origin.Conn, payload []byte) {
	if len(k.class) == 0 {
		return
	}
	named := k.counts(payload)
	switch {
	case named && !k.named:
		c.Name(k.class)
	case !named && k.named:
		c.Name(nil)
	}
	k.named = named
}

func (k *counting) counts(payload []byte) bool {
	if k.setUp > 0 {
		k.setUp--
		return false
	}
	if !k.whole || payload[0] != mysqlwire.ComQuery {
		return !k.open
	}
	text := payload[1:]
	switch {
	case startsWith(text, "begin"), startsWith(text, "start transaction"):
		k.open = true
		return true
	case startsWith(text, "rollback"):
		k.open = false
		return false
	case startsWith(text, "commit"):
		open := k.open
		k.open = false
		return !open
	}
	return !k.open
}

// startsWith reports whether a statement begins with words in lower case.
func startsWith(text []byte, words string) bool {
	return len(text) >= len(words) && bytes.EqualFold(text[:len(words)], []byte(words))
}
