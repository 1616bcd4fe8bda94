// Package table keeps stick tables: what is known about keys such as addresses of
// clients, with counters, rates and tags, for a bounded time and a bounded number of
// keys (configuration manual, "stick-table").
//
// A table is shared by all threads. Its entries lie in shards, chosen by a hash of the
// key, each with a lock that is held for a few memory accesses. Entries are pieces of
// large arrays without pointers: a million of them is nothing to the garbage collector,
// and nothing is allocated for one that takes the place of another. What keys are made
// of, and why something is counted, may not enter.
package table

import (
	"slices"
	"time"
)

// Type is the kind of a table's keys.
type Type uint8

// The types of keys.
const (
	IP      Type = iota // IPv4 addresses
	IPv6                // IPv6 addresses
	Integer             // 32 bits
	String              // texts, cut at the length of keys
	Binary              // bytes, filled up with zeros to the length of keys
	numTypes
)

var typeNames = [numTypes]string{"ip", "ipv6", "integer", "string", "binary"}

func (t Type) String() string { return typeNames[t] }

// Types are the names of the types.
func Types() []string { return typeNames[:] }

// TypeByName finds a type by its name.
func TypeByName(name string) (Type, bool) {
	i := slices.Index(typeNames[:], name)
	return Type(max(i, 0)), i >= 0
}

// DefaultLength is that of keys of types String and Binary.
const DefaultLength = 32

// Datum is a type of data that entries may hold.
type Datum uint8

// The types of data, in the order in which the reference shows and sends them.
const (
	ServerID Datum = iota
	GPT0
	GPC0
	GPC0Rate
	ConnCnt
	ConnRate
	ConnCur
	SessCnt
	SessRate
	HTTPReqCnt
	HTTPReqRate
	HTTPErrCnt
	HTTPErrRate
	BytesInCnt
	BytesInRate
	BytesOutCnt
	BytesOutRate
	GPC1
	GPC1Rate
	ServerKey
	HTTPFailCnt
	HTTPFailRate
	GPT
	GPC
	GPCRate
	NumData
)

// Form is how a datum is kept.
type Form uint8

// The forms of data.
const (
	Signed   Form = iota // 32 bits
	Unsigned             // 32 bits, wrapping
	Long                 // 64 bits
	Frequency
	Name // a text, kept once for all entries that have it
)

var data = [NumData]struct {
	name  string
	form  Form
	array bool
}{
	ServerID: {"server_id", Signed, false}, GPT0: {"gpt0", Unsigned, false}, GPC0: {"gpc0", Unsigned, false}, GPC0Rate: {"gpc0_rate", Frequency, false},
	ConnCnt: {"conn_cnt", Unsigned, false}, ConnRate: {"conn_rate", Frequency, false}, ConnCur: {"conn_cur", Unsigned, false},
	SessCnt: {"sess_cnt", Unsigned, false}, SessRate: {"sess_rate", Frequency, false},
	HTTPReqCnt: {"http_req_cnt", Unsigned, false}, HTTPReqRate: {"http_req_rate", Frequency, false},
	HTTPErrCnt: {"http_err_cnt", Unsigned, false}, HTTPErrRate: {"http_err_rate", Frequency, false},
	BytesInCnt: {"bytes_in_cnt", Long, false}, BytesInRate: {"bytes_in_rate", Frequency, false},
	BytesOutCnt: {"bytes_out_cnt", Long, false}, BytesOutRate: {"bytes_out_rate", Frequency, false},
	GPC1: {"gpc1", Unsigned, false}, GPC1Rate: {"gpc1_rate", Frequency, false}, ServerKey: {"server_key", Name, false},
	HTTPFailCnt: {"http_fail_cnt", Unsigned, false}, HTTPFailRate: {"http_fail_rate", Frequency, false},
	GPT: {"gpt", Unsigned, true}, GPC: {"gpc", Unsigned, true}, GPCRate: {"gpc_rate", Frequency, true},
}

func (d Datum) String() string { return data[d].name }

// Form is how the datum is kept.
func (d Datum) Form() Form { return data[d].form }

// Array reports whether there are several of it, by number.
func (d Datum) Array() bool { return data[d].array }

// DatumByName finds a type of data by its name.
func DatumByName(name string) (Datum, bool) {
	for d := range NumData {
		if data[d].name == name {
			return d, true
		}
	}
	return 0, false
}

// DatumNames are the names of the types of data that can be asked for; that of a server
// is kept where a rule needs it.
func DatumNames() []string {
	var names []string
	for d := range NumData {
		if d != ServerKey {
			names = append(names, data[d].name)
		}
	}
	return names
}

// MaxArray is the greatest number of elements of an array.
const MaxArray = 100

// Column is one type of data that a table holds.
type Column struct {
	Datum  Datum
	Period time.Duration // of a rate
	N      int           // elements of an array, 1 of everything else
}

// Spec is a table as configured.
type Spec struct {
	Index int    // among the tables of the configuration
	Name  string // of the proxy, or peers section and table
	Type  Type
	// Length is that of a key in bytes, for texts the greatest.
	Length int
	Size   int           // the greatest number of entries
	Expire time.Duration // 0: they do not expire
	// NoPurge refuses new entries when the table is full, instead of making room.
	NoPurge bool
	// ByAddr: servers are known to peers by their addresses and not by their names.
	ByAddr bool
	// Peers is the section of those that the table is shared with, "" if with nobody.
	// SharedAs is its name among them.
	Peers, SharedAs string
	Columns         []Column // by type of data
}

// Has reports whether the table holds a type of data.
func (s *Spec) Has(d Datum) bool {
	return slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Datum == d })
}

// Add adds a type of data, unless the table has it.
func (s *Spec) Add(c Column) {
	if s.Has(c.Datum) {
		return
	}
	at := 0
	for at < len(s.Columns) && s.Columns[at].Datum < c.Datum {
		at++
	}
	s.Columns = slices.Insert(s.Columns, at, c)
}
