package spec

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// versionNames are the versions in the words of the configuration, from the oldest.
// SSLv3 is there to be switched off, and to be asked for in vain: crypto/tls does not have
// it, and neither has the OpenSSL of the reference.
var versionNames = [...]string{"SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

const (
	oldest = 1 // of those that crypto/tls has
	usual  = 3 // the oldest for clients, without further words
	newest = 4
	sslv3  = tls.VersionTLS10 - 1
)

// Versions gathers what a line says about versions of the protocol. The zero value says
// nothing.
type Versions struct {
	min, max int // index in versionNames, plus 1; 0: not said
	off      [len(versionNames)]bool
}

// Between says what a range of versions says that was resolved before.
func Between(least, most uint16) Versions {
	return Versions{min: int(least-sslv3) + 1, max: int(most-sslv3) + 1}
}

// Set takes "ssl-min-ver" or "ssl-max-ver".
func (v *Versions) Set(option, name string) error {
	i := slices.Index(versionNames[:], name)
	if i < 0 {
		return fmt.Errorf("'%s' expects one of %s, not '%s'", option, strings.Join(versionNames[:], ", "), name)
	}
	if option == "ssl-min-ver" {
		v.min = i + 1
	} else {
		v.max = i + 1
	}
	return nil
}

// Flag takes "no-tlsv11", "force-tlsv12" and the like. It reports false if that is none
// of them.
func (v *Versions) Flag(option string) bool {
	verb, name, _ := strings.Cut(option, "-")
	i := slices.Index(versionFlags, name)
	switch {
	case i < 0:
		return false
	case verb == "no":
		v.off[i] = true
	case verb == "force":
		v.min, v.max = i+1, i+1
	default:
		return false
	}
	return true
}

var versionFlags = []string{"sslv3", "tlsv10", "tlsv11", "tlsv12", "tlsv13"}

// VersionFlags are the words that Flag takes.
func VersionFlags() (words []string) {
	for _, f := range versionFlags {
		words = append(words, "no-"+f, "force-"+f)
	}
	return words
}

// Or adds what base says where v says nothing.
func (v Versions) Or(base Versions) Versions {
	if v.min == 0 {
		v.min = base.min
	}
	if v.max == 0 {
		v.max = base.max
	}
	for i := range v.off {
		v.off[i] = v.off[i] || base.off[i]
	}
	return v
}

// Resolved is what versions come to.
type Resolved struct {
	Min, Max uint16
	// Gap: versions within the range are switched off, which crypto/tls cannot do.
	Gap bool
	// Ignored: single versions are switched off besides a range, which alone counts.
	Ignored bool
}

// Resolve is the range of versions that is left. Where nothing is said of the oldest, it
// is TLS 1.2 for clients, and for servers whatever they speak.
func (v Versions) Resolve(servers bool) (r Resolved, err error) {
	off := v.off
	if v.min != 0 || v.max != 0 {
		r.Ignored = off != [len(versionNames)]bool{}
		off = [len(versionNames)]bool{}
	}
	first, last := v.min-1, v.max-1
	if last < 0 {
		last = newest
	}
	if first < 0 && !servers {
		first = min(usual, last)
	}
	first = max(first, oldest)
	for first <= last && off[first] {
		first++
	}
	for last >= first && off[last] {
		last--
	}
	if first > last {
		return r, errors.New("all versions of TLS are disabled")
	}
	for i := first; i <= last; i++ {
		r.Gap = r.Gap || off[i]
	}
	r.Min, r.Max = sslv3+uint16(first), sslv3+uint16(last)
	return r, nil
}
