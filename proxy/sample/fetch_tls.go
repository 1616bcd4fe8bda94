package sample

import (
	"crypto/sha1" //nolint:gosec // a fingerprint that others compare with, not a protection
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"bench/internal/tlsio"
	"bench/proxy/certs/dn"
	"bench/proxy/txn"
)

// tlsFetches are about TLS, of clients and towards servers (configuration manual, section
// 7.3.4).
func tlsFetches() []Fetch {
	client := tlsSide{name: "ssl_fc", who: "the client", at: always, info: func(c *Context) *tlsio.Info { return c.Txn.Stream.TLS() }}
	server := tlsSide{name: "ssl_bc", who: "the server", at: served, info: func(c *Context) *tlsio.Info { return c.Txn.Stream.ServerTLS() }}
	list := append(client.fetches(), server.fetches()...)
	for _, f := range []struct {
		tlsSide
		name, whose string
		of          func(*tlsio.Info) []*x509.Certificate
		chain       bool
	}{
		{client, "ssl_c", "the client's", func(i *tlsio.Info) []*x509.Certificate { return i.Peer }, true},
		{client, "ssl_f", "our", func(i *tlsio.Info) []*x509.Certificate { return i.Own }, false},
		{server, "ssl_s", "the server's", func(i *tlsio.Info) []*x509.Certificate { return i.Peer }, true},
	} {
		list = append(list, certFetches(f.tlsSide, f.name, f.whose, f.of)...)
		if f.chain {
			list = append(list, chainFetch(f.tlsSide, f.name, f.whose))
		}
	}
	return slices.Concat(list, verifyFetches(client), faultFetches(client, server), traceFetches(client, server))
}

// tlsSide is one of the two that TLS may be spoken with.
type tlsSide struct {
	name, who string
	at        txn.Steps
	info      func(*Context) *tlsio.Info // nil: in clear
}

// row is a value that is there with TLS only.
func (x tlsSide) row(name string, out txn.Kind, doc string, fn func(*Context, *tlsio.Info, *txn.Value) bool) Fetch {
	return Fetch{Row: Row{Name: name, Doc: doc}, Out: out, At: x.at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
		i := x.info(c)
		return i != nil && fn(c, i, v)
	}}
}

func (x tlsSide) text(name, doc string, of func(*tlsio.Info) string) Fetch {
	return x.row(name, txn.Str, doc, func(c *Context, i *tlsio.Info, v *txn.Value) bool { return c.text(v, of(i)) })
}

func (x tlsSide) number(name, doc string, of func(*tlsio.Info) int) Fetch {
	return x.row(name, txn.Int, doc, func(_ *Context, i *tlsio.Info, v *txn.Value) bool { v.SetInt(int64(of(i))); return true })
}

func (x tlsSide) truth(name, doc string, of func(*tlsio.Info) bool) Fetch {
	return x.row(name, txn.Bool, doc, func(_ *Context, i *tlsio.Info, v *txn.Value) bool { v.SetBool(of(i)); return true })
}

// flag is a truth that is false in clear.
func (x tlsSide) flag(name, doc string, of func(*tlsio.Info) bool) Fetch {
	return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Bool, At: x.at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
		i := x.info(c)
		v.SetBool(i != nil && of(i))
		return true
	}}
}

// fetches are those that are about either side.
func (x tlsSide) fetches() []Fetch {
	bits := func(i *tlsio.Info) int { return tlsio.KeyBits(i.Suite) }
	return []Fetch{
		x.flag(x.name, "Whether "+x.who+" speaks TLS.", func(*tlsio.Info) bool { return true }),
		x.number(x.name+"_alg_keysize", "Bits of the cipher's key.", bits),
		x.text(x.name+"_alpn", "Protocol that "+x.who+" has agreed to by ALPN.", func(i *tlsio.Info) string { return i.ALPN }),
		x.text(x.name+"_cipher", "Cipher suite, by OpenSSL's name.", func(i *tlsio.Info) string { return tlsio.SuiteName(i.Suite) }),
		x.flag(x.name+"_is_resumed", "Whether the connection goes on with an earlier session.", func(i *tlsio.Info) bool { return i.Resumed }),
		x.text(x.name+"_protocol", "Version of TLS.", func(i *tlsio.Info) string { return tlsio.VersionName(i.Version) }),
		x.number(x.name+"_use_keysize", "Bits of the cipher's key in use.", bits),
	}
}

// verifyFetches are about what clients asked for, and what became of their certificates.
func verifyFetches(x tlsSide) []Fetch {
	return []Fetch{
		x.truth("ssl_fc_has_crt", "Whether the client has shown a certificate.", func(i *tlsio.Info) bool { return len(i.Peer) > 0 }),
		x.truth("ssl_fc_has_early", "Whether data came before the end of the handshake: it never does.", func(*tlsio.Info) bool { return false }),
		x.flag("ssl_fc_has_sni", "Whether the client has asked for a name.", func(i *tlsio.Info) bool { return i.SNI != "" }),
		x.text("ssl_fc_sni", "Name that the client has asked for.", func(i *tlsio.Info) string { return i.SNI }),
		x.number("ssl_c_ca_err", "Number of the first error with the authorities of the client's certificate that was passed over, 0 for none.", func(i *tlsio.Info) int { return i.Verified.CAErr }),
		x.number("ssl_c_ca_err_depth", "How far above the client's certificate that error was.", func(i *tlsio.Info) int { return i.Verified.CADepth }),
		x.number("ssl_c_err", "Number of the first error with the client's certificate that was passed over, 0 for none.", func(i *tlsio.Info) int { return i.Verified.Err }),
		x.truth("ssl_c_used", "Whether the client has shown a certificate, now or when the session began.", func(i *tlsio.Info) bool { return len(i.Peer) > 0 }),
		x.number("ssl_c_verify", "Number of the last error in verifying the client's certificate that was passed over, 0 for none.", func(i *tlsio.Info) int { return i.Verified.Result }),
	}
}

// certFetches are about a certificate; whose says of whom.
func certFetches(x tlsSide, name, whose string, of func(*tlsio.Info) []*x509.Certificate) []Fetch {
	row := func(r Row, out txn.Kind, fn func(*Context, *x509.Certificate, []Arg, *txn.Value) bool) Fetch {
		r.Name = name + r.Name
		return Fetch{Row: r, Out: out, At: x.at, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			i := x.info(c)
			if i == nil {
				return false
			}
			list := of(i)
			return len(list) > 0 && fn(c, list[0], a, v)
		}}
	}
	binary := func(name, doc string, get func(*x509.Certificate) []byte) Fetch {
		return row(Row{Name: name, Doc: doc}, txn.Bin, func(_ *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, get(x)
			return true
		})
	}
	text := func(name, doc string, get func(*x509.Certificate) string) Fetch {
		return row(Row{Name: name, Doc: doc}, txn.Str, func(c *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool { return c.text(v, get(x)) })
	}
	distinguished := func(name, doc string, get func(*x509.Certificate) []byte) Fetch {
		return row(Row{Name: name, Usage: "([<entry>[,<occurrence>[,<format>]]])", params: "|sis", check: checkNameFormat, Doc: doc}, txn.Str, func(c *Context, x *x509.Certificate, a []Arg, v *txn.Value) bool {
			nth := 1
			if a[1].set {
				nth = int(a[1].Int)
			}
			if a[2].set && len(a[0].Str) == 0 {
				return c.text(v, dn.LDAP(get(x)))
			}
			return c.text(v, nameText(get(x), string(a[0].Str), nth))
		})
	}
	return []Fetch{
		binary("_der", whose+" certificate in DER.", func(x *x509.Certificate) []byte { return x.Raw }),
		distinguished("_i_dn", "Name of the issuer of "+whose+" certificate, or an entry of it; format \"rfc2253\" is that of LDAP.", func(x *x509.Certificate) []byte { return x.RawIssuer }),
		text("_key_alg", "Algorithm of the key of "+whose+" certificate.", keyAlgorithm),
		text("_notafter", "End of the validity of "+whose+" certificate, as YYMMDDhhmmssZ.", func(x *x509.Certificate) string { return certTime(x.NotAfter) }),
		text("_notbefore", "Begin of the validity of "+whose+" certificate, as YYMMDDhhmmssZ.", func(x *x509.Certificate) string { return certTime(x.NotBefore) }),
		distinguished("_s_dn", "Name of the owner of "+whose+" certificate, or an entry of it; format \"rfc2253\" is that of LDAP.", func(x *x509.Certificate) []byte { return x.RawSubject }),
		binary("_serial", "Serial number of "+whose+" certificate.", serial),
		binary("_sha1", "SHA-1 of "+whose+" certificate.", func(x *x509.Certificate) []byte {
			sum := sha1.Sum(x.Raw) //nolint:gosec // see above
			return sum[:]
		}),
		text("_sig_alg", "Algorithm that "+whose+" certificate is signed by.", signatureAlgorithm),
		row(Row{Name: "_version", Doc: "Version of " + whose + " certificate."}, txn.Int, func(_ *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(x.Version))
			return true
		}),
	}
}

// chainFetch is about the certificates that the other side has shown.
func chainFetch(x tlsSide, name, whose string) Fetch {
	return x.row(name+"_chain_der", txn.Bin, "Certificates that came with "+whose+" one, in DER, one behind the other.", func(c *Context, i *tlsio.Info, v *txn.Value) bool {
		list := i.Peer
		if len(list) == 0 || i.Resumed {
			return false
		}
		if name == "ssl_c" {
			list = list[1:] // the client's own has a sample of its own
		}
		if len(list) == 0 {
			return false
		}
		b := c.spare()
		for _, x := range list {
			b = append(b, x.Raw...)
		}
		v.Kind = txn.Bin
		return c.keep(v, b)
	})
}

func checkNameFormat(_ *Env, a []Arg) error {
	if a[2].set && string(a[2].Str) != "rfc2253" {
		return fmt.Errorf("the format of a name is 'rfc2253', not '%s'", a[2].Str)
	}
	return nil
}

// keyAlgorithm is OpenSSL's short name of the algorithm of a key.
func keyAlgorithm(x *x509.Certificate) string {
	switch x.PublicKeyAlgorithm {
	case x509.RSA:
		return "rsaEncryption"
	case x509.ECDSA:
		return "id-ecPublicKey"
	case x509.Ed25519:
		return "ED25519"
	case x509.DSA:
		return "DSA"
	case x509.UnknownPublicKeyAlgorithm:
	}
	return ""
}

func signatureAlgorithm(x *x509.Certificate) string { return dn.Signature(x.SignatureAlgorithm) }

// certTime is a time with two digits of its year; "" where these are not enough.
func certTime(t time.Time) string {
	t = t.UTC()
	if t.Year() < 1950 || t.Year() >= 2100 {
		return ""
	}
	return t.Format("060102150405Z")
}

// nameText is a name as a text, or the value of the nth of its entries of a kind.
func nameText(raw []byte, entry string, nth int) string {
	if entry == "" {
		return dn.OneLine(raw)
	}
	return dn.Entry(raw, entry, nth)
}

// serial is the number of a certificate, which has a byte at least.
func serial(x *x509.Certificate) []byte {
	if b := x.SerialNumber.Bytes(); len(b) > 0 {
		return b
	}
	return make([]byte, 1)
}
