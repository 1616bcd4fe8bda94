package http1

import (
	"bytes"
	"strconv"
	"time"

	"bench/loadgen/httpfield"
)

// Limits of a jar, against answers that set cookies without end (RFC 6265
// section 6.1 asks for as much).
const (
	maxCookies    = 50
	maxCookieSize = 4096
)

// jar keeps the cookies of a virtual user, which has one target only: domains
// and paths are not told apart. Cookies for secure connections are not kept,
// because this is none.
type jar struct {
	cookies []cookie // sorted by age, oldest first
}

type cookie struct{ name, value []byte }

// set reads the value of a Set-Cookie field (RFC 6265 section 5.2).
func (j *jar) set(field []byte) {
	pair, attributes, _ := bytes.Cut(field, []byte{';'})
	name, value, ok := bytes.Cut(pair, []byte{'='})
	name, value = httpfield.Trim(name), httpfield.Trim(value)
	if !ok || len(name) == 0 || len(name)+len(value) > maxCookieSize {
		return
	}
	expired, aged := false, false
	for len(attributes) > 0 {
		var a []byte
		a, attributes, _ = bytes.Cut(attributes, []byte{';'})
		key, v, _ := bytes.Cut(a, []byte{'='})
		switch key, v = httpfield.Trim(key), httpfield.Trim(v); {
		case httpfield.FoldEqual(key, "secure"):
			return
		case httpfield.FoldEqual(key, "max-age"): // it outranks Expires
			seconds, err := strconv.Atoi(string(v))
			expired, aged = err == nil && seconds <= 0, true
		case httpfield.FoldEqual(key, "expires") && !aged:
			expired = past(string(v))
		}
	}
	j.put(name, value, expired)
}

// past reports whether a date is over, in the form of today or the first one
// browsers knew; one that cannot be read is not.
func past(date string) bool {
	for _, layout := range []string{time.RFC1123, "Mon, 02-Jan-2006 15:04:05 MST"} {
		if at, err := time.Parse(layout, date); err == nil {
			return at.Before(time.Now())
		}
	}
	return false
}

// put keeps a cookie, or forgets it when it has expired.
func (j *jar) put(name, value []byte, expired bool) {
	for i := range j.cookies {
		c := &j.cookies[i]
		if !bytes.Equal(c.name, name) {
			continue
		}
		if expired {
			gone := *c
			copy(j.cookies[i:], j.cookies[i+1:])
			j.cookies[len(j.cookies)-1] = gone // its memory serves the next one
			j.cookies = j.cookies[:len(j.cookies)-1]
			return
		}
		c.value = append(c.value[:0], value...)
		return
	}
	if expired || len(j.cookies) == maxCookies {
		return
	}
	if n := len(j.cookies); n < cap(j.cookies) {
		j.cookies = j.cookies[:n+1]
	} else {
		j.cookies = append(j.cookies, cookie{})
	}
	c := &j.cookies[len(j.cookies)-1]
	c.name, c.value = append(c.name[:0], name...), append(c.value[:0], value...)
}

// append writes the Cookie field of a request, nothing without cookies.
func (j *jar) append(dst []byte) []byte {
	for i := range j.cookies {
		if i == 0 {
			dst = append(dst, "Cookie: "...)
		} else {
			dst = append(dst, "; "...)
		}
		dst = append(dst, j.cookies[i].name...)
		dst = append(dst, '=')
		dst = append(dst, j.cookies[i].value...)
	}
	if len(j.cookies) > 0 {
		dst = append(dst, "\r\n"...)
	}
	return dst
}
