package sample

import (
	"encoding/hex"
	"errors"

	"bench/internal/tlsio"
	"bench/proxy/txn"
)

// traceFetches are about what crypto/tls does not say of handshakes, and what has to be kept
// of them while they last.
func traceFetches(client, server tlsSide) (list []Fetch) {
	for _, x := range []tlsSide{client, server} {
		list = append(list,
			x.traced("_client_random", "Random bytes of the client's hello, of the connection with "+x.who+".", txn.Bin, traceHellos, func(t *tlsio.Trace) []byte { return t.ClientRandom[:] }),
			x.traced("_server_random", "Random bytes of the server's hello, of the connection with "+x.who+".", txn.Bin, traceHellos, func(t *tlsio.Trace) []byte { return t.ServerRandom[:] }),
			x.traced("_session_id", "What the server's hello calls the session; nothing in TLS 1.3, which has no such name.", txn.Bin, traceHellos, func(t *tlsio.Trace) []byte { return t.SessionID }),
			x.traced("_unique_id", "What identifies the connection (RFC 5929, section 3); nothing in TLS 1.3, which has no such thing.", txn.Bin, traceHellos, func(t *tlsio.Trace) []byte { return t.Unique }),
			x.row(x.name+"_session_key", txn.Bin, "Master secret of the session, up to TLS 1.2.", func(c *Context, i *tlsio.Info, v *txn.Value) bool {
				if i.Trace == nil {
					return false
				}
				b, err := hex.AppendDecode(c.spare(), i.Trace.Secret(tlsio.MasterSecret))
				v.Kind = txn.Bin
				return err == nil && len(b) > 0 && c.keep(v, b)
			}).asking(traceSecrets),
			x.nothing("_npn", "Protocol agreed to by NPN: none ever is, ALPN has taken its place."))
	}
	secret := func(name, doc string, s tlsio.Secret) Fetch {
		return client.traced(name, doc+" in hexadecimal, of TLS 1.3. It is there with \"tune.ssl.keylog on\".", txn.Str, 0, func(t *tlsio.Trace) []byte { return t.Secret(s) })
	}
	return append(append(list, captureFetches(client)...),
		secret("_client_handshake_traffic_secret", "The client's secret of the handshake", tlsio.ClientHandshakeSecret),
		secret("_server_handshake_traffic_secret", "The server's secret of the handshake", tlsio.ServerHandshakeSecret),
		secret("_client_traffic_secret_0", "The client's first secret of the traffic", tlsio.ClientTrafficSecret),
		secret("_server_traffic_secret_0", "The server's first secret of the traffic", tlsio.ServerTrafficSecret),
		client.nothing("_client_early_traffic_secret", "The client's secret of early data, of which none is ever taken."),
		client.nothing("_early_exporter_secret", "The secret of early data for exports, of which none is ever taken."),
		client.nothing("_exporter_secret", "The secret for exports, which crypto/tls keeps to itself."))
}

// captureFetches are about the lists in a client's hello.
func captureFetches(x tlsSide) []Fetch {
	const kept = " It is there with \"tune.ssl.capture-buffer-size\", as far as there is place for it."
	ciphers := func(t *tlsio.Trace) []byte { return t.Ciphers }
	// show appends a number, and tail what is left of one that was cut.
	list := func(name, doc string, out txn.Kind, of func(*tlsio.Trace) []byte, show func([]byte, uint16) []byte, tail func([]byte, byte) []byte) Fetch {
		f := x.row(x.name+name, out, doc+" An argument of 1 leaves out the numbers that are there at random (RFC 8701)."+kept, nil)
		f.Usage, f.params, f.check = "([<filter>])", "|i", checkFilter
		f.fn = func(c *Context, a []Arg, v *txn.Value) bool {
			i := x.info(c)
			if i == nil || i.Trace == nil || i.Trace.Version == 0 || len(of(i.Trace)) == 0 {
				return false
			}
			b := c.spare()
			r := tlsio.Reader{B: of(i.Trace)}
			for len(r.B) > 1 {
				if id := r.Uint16(); a[0].Int == 0 || !grease(id) {
					b = show(b, id)
				}
			}
			if len(r.B) > 0 {
				b = tail(b, r.B[0])
			}
			v.Kind = out
			return c.keep(v, b)
		}
		return f
	}
	const digits = "0123456789ABCDEF"
	one := func(b []byte, half byte) []byte { return append(b, half) }
	two := func(b []byte, id uint16) []byte { return append(b, byte(id>>8), byte(id)) }
	return []Fetch{
		list("_cipherlist_bin", "Ciphers of the client's hello, two bytes each.", txn.Bin, ciphers, two, one),
		list("_cipherlist_hex", "Ciphers of the client's hello, in hexadecimal.", txn.Str, ciphers, func(b []byte, id uint16) []byte {
			return append(b, digits[id>>12], digits[id>>8&15], digits[id>>4&15], digits[id&15])
		}, func(b []byte, half byte) []byte { return append(b, digits[half>>4], digits[half&15]) }),
		list("_cipherlist_str", "Ciphers of the client's hello, by OpenSSL's names.", txn.Str, ciphers, func(b []byte, id uint16) []byte {
			if len(b) > 0 {
				b = append(b, ',')
			}
			return tlsio.AppendCipherName(b, id)
		}, func(b []byte, _ byte) []byte { return b }),
		x.row(x.name+"_cipherlist_xxh", txn.Int, "Hash (xxh64) of all ciphers of the client's hello. It is there with \"tune.ssl.capture-buffer-size\".", func(_ *Context, i *tlsio.Info, v *txn.Value) bool {
			if i.Trace == nil || i.Trace.Ciphers == nil {
				return false
			}
			v.SetInt(int64(i.Trace.CiphersHash))
			return true
		}),
		list("_extlist_bin", "Numbers of the extensions of the client's hello, two bytes each.", txn.Bin, func(t *tlsio.Trace) []byte { return t.Extensions }, two, one),
		list("_eclist_bin", "Groups of the client's hello, two bytes each.", txn.Bin, func(t *tlsio.Trace) []byte { return t.Groups }, two, one),
		x.traced("_ecformats_bin", "Formats of points of the client's hello, a byte each."+kept, txn.Bin, 0, func(t *tlsio.Trace) []byte { return t.Formats }),
		x.row(x.name+"_protocol_hello_id", txn.Int, "Version that the client's hello has. It is there with \"tune.ssl.capture-buffer-size\".", func(_ *Context, i *tlsio.Info, v *txn.Value) bool {
			if i.Trace == nil || i.Trace.Ciphers == nil {
				return false
			}
			v.SetInt(int64(i.Trace.Version))
			return true
		}),
	}
}

// What a fetch wants to be kept of handshakes.
type traceWish uint8

const (
	traceHellos traceWish = 1 << iota
	traceSecrets
)

// asking makes a fetch say that it is used, so that what it is about is kept.
func (f Fetch) asking(w traceWish) Fetch {
	f.check = func(env *Env, _ []Arg) error {
		if t := env.Tracing; t != nil {
			t.Hellos = true
			t.Master = t.Master || w&traceSecrets != 0
		}
		return nil
	}
	return f
}

// traced is a value that was kept of a handshake.
func (x tlsSide) traced(name, doc string, out txn.Kind, w traceWish, of func(*tlsio.Trace) []byte) Fetch {
	f := x.row(x.name+name, out, doc, func(_ *Context, i *tlsio.Info, v *txn.Value) bool {
		if i.Trace == nil {
			return false
		}
		v.Kind, v.B = out, of(i.Trace)
		return len(v.B) > 0
	})
	if w == 0 {
		return f
	}
	return f.asking(w)
}

// nothing is a value that is never there.
func (x tlsSide) nothing(name, doc string) Fetch {
	return x.row(x.name+name, txn.Str, doc, func(*Context, *tlsio.Info, *txn.Value) bool { return false })
}

func checkFilter(_ *Env, a []Arg) error {
	if a[0].Int < 0 || a[0].Int > 1 {
		return errors.New("the filter is 0, for all, or 1, for none of those at random")
	}
	return nil
}

// grease tells whether a number is one of those that clients strew in (RFC 8701).
func grease(id uint16) bool { return id&0x0f0f == 0x0a0a && id>>8 == id&0xff }
