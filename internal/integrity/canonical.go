package integrity

import (
	"bytes"
	"slices"
	"strings"
)

// CanonicalRequest is the text of all that a digest covers of a request's head: the
// request line, then the fields by name, each on a line.
func CanonicalRequest(x *Exceptions, head []byte) []byte {
	line, head := cutLine(skipEmpty(head))
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	first := string(method)
	if !x.path {
		first += " " + string(originForm(target))
	}
	return canonical(x, first, head)
}

// CanonicalAnswer is the same of an answer's.
func CanonicalAnswer(x *Exceptions, status int, head []byte) []byte {
	_, head = cutLine(head)
	first := "status"
	if !x.status {
		first = statusText(status)
	}
	return canonical(x, first, head)
}

func canonical(x *Exceptions, first string, head []byte) []byte {
	var names []string
	values := map[string][]string{}
	joints := map[string]string{}
	add := func(name []byte, value, joint []byte) {
		n := strings.ToLower(string(name))
		if _, ok := values[n]; !ok {
			names = append(names, n)
		}
		values[n] = append(values[n], string(value))
		joints[n] = string(joint)
	}
	for {
		var line []byte
		if line, head = cutLine(head); len(line) == 0 {
			break
		}
		name, value := cutField(line)
		switch x.kindOf(name, nameHash(name)) {
		case leftOut:
		case cookieField:
			for len(value) > 0 && len(x.cookies) > 0 {
				var one []byte
				if one, value = cutCookie(value); !x.ownCookie(one) {
					add(name, one, cookieJoint)
				}
			}
			if len(x.cookies) == 0 {
				add(name, value, cookieJoint)
			}
		case setCookieField:
			if !x.ownCookie(value) {
				add(name, value, listJoint)
			}
		case idField, covered:
			add(name, value, listJoint)
		}
	}
	slices.Sort(names)
	text := []byte(first)
	for _, n := range names {
		text = append(text, '\n')
		text = append(text, n...)
		text = append(text, ": "...)
		text = append(text, strings.Join(values[n], joints[n])...)
	}
	return append(text, '\n')
}

// Difference is the first place where two texts differ, with what is around it.
type Difference struct {
	Offset        int64
	Expected, Got []byte
}

// Context is how much of a text is shown from a difference on, and before before it.
const (
	context = 48
	before  = 16
)

// Compare finds where got differs from expected; ok is false where it does not. A text
// that was cut at cut bytes (0: it was not) is compared up to there.
func Compare(expected, got []byte, cut int) (d Difference, ok bool) {
	if cut > 0 && len(expected) > cut {
		expected = expected[:cut]
	}
	n := 0
	for n < len(expected) && n < len(got) && expected[n] == got[n] {
		n++
	}
	if n == len(expected) && n == len(got) {
		return d, false
	}
	return Difference{int64(n), around(expected, n), around(got, n)}, true
}

// around is a copy of what is at and about a place.
func around(p []byte, at int) []byte {
	return bytes.Clone(p[max(0, at-before):min(len(p), at+context)])
}

// Part is the name of the line of a canonical text that holds a place: "request line",
// "status" or "field NAME".
func Part(text []byte, at int64) string {
	at = min(at, int64(len(text)))
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	if start == 0 {
		if bytes.HasPrefix(text, []byte("status")) {
			return "status"
		}
		return "request line"
	}
	name, _, ok := bytes.Cut(text[start:], []byte(":"))
	if !ok {
		return "end of the fields"
	}
	return "field " + string(name)
}
