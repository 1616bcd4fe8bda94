package h1

import (
	"bytes"

	"bench/proxy/message"
)

// checkTarget checks that the target's form is one the method may use (RFC 9112
// §3.2) and the syntax of its authority.
func checkTarget(msg *message.Request, lim *Limits) ([]byte, *Error) {
	t := msg.Target
	if !lim.Relaxed {
		if i := bytes.IndexByte(t, '#'); i >= 0 {
			return t[i:], ErrTarget
		}
	}
	switch msg.Form {
	case message.OriginForm:
		if msg.MethodID == message.MethodConnect {
			return t, ErrTargetForm
		}
	case message.AsteriskForm:
		if msg.MethodID != message.MethodOptions {
			return t, ErrTargetForm
		}
	case message.AuthorityForm:
		host, port, ok := splitAuthority(t)
		if !ok || len(host) == 0 || len(port) == 0 {
			return t, ErrTargetAuthority
		}
	case message.AbsoluteForm:
		auth := msg.Authority()
		if auth == nil || !isScheme(scheme(t)) {
			return t, ErrTargetForm
		}
		if host, _, ok := splitAuthority(auth); !ok || len(host) == 0 {
			return auth, ErrTargetAuthority
		}
	}
	return nil, nil
}

// scheme returns the scheme of an absolute-form target.
func scheme(t []byte) []byte { return t[:max(bytes.IndexByte(t, ':'), 0)] }

// isScheme checks the syntax of a URI scheme (RFC 3986 §3.1).
func isScheme(b []byte) bool {
	if len(b) == 0 || (b[0]|0x20)-'a' >= 26 {
		return false
	}
	for _, c := range b {
		if class[c]&cScheme == 0 {
			return false
		}
	}
	return true
}

// splitAuthority splits host[:port] (RFC 3986 §3.2.2, without user information)
// and checks the syntax of both. An IP literal keeps its brackets. port is nil
// when there is no colon.
func splitAuthority(b []byte) (host, port []byte, ok bool) {
	i := 0
	if len(b) > 0 && b[0] == '[' {
		for i = 1; i < len(b) && class[b[i]]&cLit != 0; i++ {
		}
		if i < 3 || i >= len(b) || b[i] != ']' {
			return nil, nil, false
		}
		i++
	} else {
		for i < len(b) && class[b[i]]&cHost != 0 {
			if b[i] == '%' && (i+2 >= len(b) || class[b[i+1]]&class[b[i+2]]&cHex == 0) {
				return nil, nil, false
			}
			i++
		}
	}
	host = b[:i]
	if i == len(b) {
		return host, nil, true
	}
	if b[i] != ':' {
		return nil, nil, false
	}
	port = b[i+1:]
	n := 0
	for _, c := range port {
		if c-'0' > 9 {
			return nil, nil, false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return nil, nil, false
		}
	}
	return host, port, true
}

// checkHost checks the Host field: one, valid, and equal to the authority of the
// target when that has one (RFC 9112 §3.2, §3.3). In relaxed mode the authority
// of the target, or else the first Host, wins.
func checkHost(msg *message.Request, lim *Limits) ([]byte, *Error) {
	h := &msg.Header
	i := h.First(message.Host)
	if i < 0 {
		if msg.Version >= message.HTTP11 && !lim.Relaxed {
			return msg.Target, ErrHostMissing
		}
		return nil, nil
	}
	value := h.At(i).Value
	if lim.Relaxed {
		if a := msg.Authority(); a != nil {
			value = a
		}
		h.SetID(message.Host, value)
		return nil, nil
	}
	if n := h.Next(i); n >= 0 {
		return h.At(n).Value, ErrHostRepeated
	}
	host, port, ok := splitAuthority(value)
	if !ok || len(host) == 0 && port != nil {
		return value, ErrHost
	}
	if a := msg.Authority(); a != nil && !sameAuthority(msg, a, host, port) {
		return value, ErrHostMismatch
	}
	return nil, nil
}

// sameAuthority compares the authority of the target with Host. A port that is
// the scheme's default may be missing from either; for CONNECT from Host only.
func sameAuthority(msg *message.Request, auth, host, port []byte) bool {
	ahost, aport, _ := splitAuthority(auth)
	if !equalFold(ahost, host) {
		return false
	}
	if bytes.Equal(aport, port) {
		return true
	}
	if msg.MethodID == message.MethodConnect {
		return len(port) == 0 && (isDefault(aport, "80") || isDefault(aport, "443"))
	}
	def := ""
	switch s := scheme(msg.Target); {
	case equalToken(s, "http") || equalToken(s, "ws"):
		def = "80"
	case equalToken(s, "https") || equalToken(s, "wss"):
		def = "443"
	}
	return isDefault(aport, def) && isDefault(port, def)
}

func isDefault(port []byte, def string) bool { return len(port) == 0 || string(port) == def }

func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		d := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if d-'A' < 26 {
			d |= 0x20
		}
		if c != d {
			return false
		}
	}
	return true
}
