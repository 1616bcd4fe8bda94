package h1

import "bench/proxy/message"

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// nextElement cuts the first element off a comma-separated list, without the
// blanks around it. rest is nil after the last one.
func nextElement(v []byte) (el, rest []byte) {
	i := 0
	for i < len(v) && v[i] != ',' {
		i++
	}
	el = v[:i]
	if i < len(v) {
		rest = v[i+1:]
	}
	for len(el) > 0 && isBlank(el[0]) {
		el = el[1:]
	}
	for len(el) > 0 && isBlank(el[len(el)-1]) {
		el = el[:len(el)-1]
	}
	return el, rest
}

// equalToken compares in any case with a lower-case token.
func equalToken(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range len(b) {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// hasToken reports whether the list spread over all fields with this ID has the
// element, given in lower case.
func hasToken(h *message.Header, id message.HeaderID, lower string) bool {
	for i := h.First(id); i >= 0; i = h.Next(i) {
		for el, rest := nextElement(h.At(i).Value); ; el, rest = nextElement(rest) {
			if equalToken(el, lower) {
				return true
			}
			if rest == nil {
				break
			}
		}
	}
	return false
}

// option classifies one connection option.
func option(el []byte) message.ConnOptions {
	switch {
	case len(el) == 0:
		return 0
	case equalToken(el, "close"):
		return message.ConnClose
	case equalToken(el, "keep-alive"):
		return message.ConnKeepAlive
	case equalToken(el, "upgrade"):
		return message.ConnUpgrade
	}
	return message.ConnOther
}

// connOptions reads the Connection fields.
func connOptions(h *message.Header) (set message.ConnOptions) {
	for i := h.First(message.Connection); i >= 0; i = h.Next(i) {
		for el, rest := nextElement(h.At(i).Value); ; el, rest = nextElement(rest) {
			set |= option(el)
			if rest == nil {
				break
			}
		}
	}
	return set
}

// keepAlive is the persistence the protocol grants (RFC 9112 §9.3).
func keepAlive(v message.Version, c message.ConnOptions) bool {
	if c&message.ConnClose != 0 {
		return false
	}
	return v >= message.HTTP11 || c&message.ConnKeepAlive != 0
}

var trailersValue = []byte("trailers")

// reduceTE leaves of a TE field what can be granted on the other side, whatever
// is spoken there: trailers. Codings are between neighbours (RFC 9110 §10.1.4).
func reduceTE(h *message.Header) {
	if !hasToken(h, message.TE, "trailers") {
		h.DelID(message.TE)
		return
	}
	h.SetID(message.TE, trailersValue)
}

// IsUpgrade reports whether a request asks to change the protocol, so that a 101
// may answer it (RFC 9110 §7.8): after Parser.Request, all that still have an
// Upgrade field do.
func IsUpgrade(r *message.Request) bool {
	return r.Conn&message.ConnUpgrade != 0 && r.Has(message.Upgrade)
}

// IsWebSocket tells whether what a request asks to change to is websocket.
func IsWebSocket(r *message.Request) bool {
	return IsUpgrade(r) && hasToken(&r.Header, message.Upgrade, "websocket")
}

// DropUpgrade takes back a request's offer to change the protocol.
func DropUpgrade(r *message.Request) {
	r.DelID(message.Upgrade)
	r.Conn &^= message.ConnUpgrade
}

// checkUpgrade drops an offer that is not made properly: one that is not listed in
// Connection, comes in HTTP/1.0, or with a body, whose end nobody could then tell
// from the start of the new protocol. One to speak websocket must bring a key (RFC
// 6455 §4.1). On error it also returns the text to blame.
func checkUpgrade(r *message.Request) ([]byte, *Error) {
	if !IsUpgrade(r) || r.Body.Kind == message.BodyChunked || r.Body.Length > 0 {
		DropUpgrade(r)
		return nil, nil
	}
	if hasToken(&r.Header, message.Upgrade, "websocket") && !hasWebSocketKey(&r.Header) {
		return r.GetID(message.Upgrade), ErrWebSocketKey
	}
	if r.Version < message.HTTP11 {
		DropUpgrade(r)
	}
	return nil, nil
}

// webSocketKeyLength is that of 16 bytes in base64.
const webSocketKeyLength = 24

func hasWebSocketKey(h *message.Header) bool {
	for i := h.First(message.SecWebSocketKey); i >= 0; i = h.Next(i) {
		if len(h.At(i).Value) == webSocketKeyLength {
			return true
		}
	}
	return false
}

// checkSwitch checks a response that changes the protocol: to websocket it must
// answer the key (RFC 6455 §4.2.2). On error it also returns the text to blame.
func checkSwitch(r *message.Response) ([]byte, *Error) {
	if r.Conn&message.ConnUpgrade != 0 && hasToken(&r.Header, message.Upgrade, "websocket") && !r.Has(message.SecWebSocketAccept) {
		return r.GetID(message.Upgrade), ErrWebSocketAccept
	}
	return nil, nil
}

// Nominated calls yield with every connection option that is neither close,
// keep-alive nor upgrade: the names, in whatever case, of fields meant for this
// hop only (RFC 9110 §7.6.1).
func Nominated(h *message.Header, yield func(name []byte)) {
	for i := h.First(message.Connection); i >= 0; i = h.Next(i) {
		for el, rest := nextElement(h.At(i).Value); ; el, rest = nextElement(rest) {
			if option(el) == message.ConnOther {
				yield(el)
			}
			if rest == nil {
				break
			}
		}
	}
}

// DropNominated removes the fields the sender's connection options name, but
// those that carry the message itself, and the options from its set. HAProxy 2.6
// forwards them, so the engine does this only when asked to.
func DropNominated(h *message.Header, conn *message.ConnOptions) {
	Nominated(h, func(name []byte) {
		switch id := message.Lookup(name); id {
		case message.Host, message.ContentLength, message.TransferEncoding,
			message.Connection, message.Trailer, message.Upgrade, message.TE:
		case message.Other:
			for i, f := range h.All() {
				if f.ID == message.Other && len(f.Name) == len(name) && equalToken(name, string(f.Name)) {
					h.DelAt(i)
				}
			}
		default:
			h.DelID(id)
		}
	})
	*conn &^= message.ConnOther
}
