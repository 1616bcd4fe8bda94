package sample

import (
	"crypto/sha1" //nolint:gosec // a fingerprint that others compare with, not a protection
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"time"

	"bench/internal/tlsio"
	"bench/proxy/txn"
)

// tlsFetches are about the client's TLS (configuration manual, section 7.3.4).
func tlsFetches() []Fetch {
	type get = func(*Context, *tlsio.Info, *txn.Value) bool
	// row is a value that only clients in TLS have.
	row := func(name string, out txn.Kind, doc string, fn get) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: out, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			i := c.Txn.Stream.TLS()
			return i != nil && fn(c, i, v)
		}}
	}
	text := func(name, doc string, of func(*tlsio.Info) string) Fetch {
		return row(name, txn.Str, doc, func(c *Context, i *tlsio.Info, v *txn.Value) bool { return c.text(v, of(i)) })
	}
	number := func(name, doc string, of func(*tlsio.Info) int) Fetch {
		return row(name, txn.Int, doc, func(_ *Context, i *tlsio.Info, v *txn.Value) bool { v.SetInt(int64(of(i))); return true })
	}
	// flag is one that is false in clear.
	flag := func(name, doc string, of func(*tlsio.Info) bool) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Bool, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			i := c.Txn.Stream.TLS()
			v.SetBool(i != nil && of(i))
			return true
		}}
	}
	zero := func(*tlsio.Info) int { return 0 }
	bits := func(i *tlsio.Info) int { return tlsio.KeyBits(i.Suite) }
	list := []Fetch{
		flag("ssl_fc", "Whether the client speaks TLS.", func(*tlsio.Info) bool { return true }),
		number("ssl_fc_alg_keysize", "Bits of the cipher's key.", bits),
		text("ssl_fc_alpn", "Protocol that the client has agreed to by ALPN.", func(i *tlsio.Info) string { return i.ALPN }),
		text("ssl_fc_cipher", "Cipher suite, by OpenSSL's name.", func(i *tlsio.Info) string { return tlsio.SuiteName(i.Suite) }),
		number("ssl_fc_err", "Number of the error of the handshake: 0, as it has succeeded.", zero),
		row("ssl_fc_has_crt", txn.Bool, "Whether the client has shown a certificate.", func(_ *Context, i *tlsio.Info, v *txn.Value) bool { v.SetBool(len(i.Peer) > 0); return true }),
		row("ssl_fc_has_early", txn.Bool, "Whether data came before the end of the handshake: it never does.", func(_ *Context, _ *tlsio.Info, v *txn.Value) bool { v.SetBool(false); return true }),
		flag("ssl_fc_has_sni", "Whether the client has asked for a name.", func(i *tlsio.Info) bool { return i.SNI != "" }),
		flag("ssl_fc_is_resumed", "Whether the client goes on with an earlier session.", func(i *tlsio.Info) bool { return i.Resumed }),
		text("ssl_fc_protocol", "Version of TLS.", func(i *tlsio.Info) string { return tlsio.VersionName(i.Version) }),
		text("ssl_fc_sni", "Name that the client has asked for.", func(i *tlsio.Info) string { return i.SNI }),
		number("ssl_fc_use_keysize", "Bits of the cipher's key in use.", bits),
		number("ssl_c_ca_err", "Number of the error with the authorities of the client's certificate: 0, as a bad one ends the handshake.", zero),
		number("ssl_c_err", "Number of the error with the client's certificate: 0, as a bad one ends the handshake.", zero),
		row("ssl_c_used", txn.Bool, "Whether the client has shown a certificate, now or when the session began.", func(_ *Context, i *tlsio.Info, v *txn.Value) bool {
			v.SetBool(len(i.Peer) > 0)
			return true
		}),
		number("ssl_c_verify", "Outcome of verifying the client's certificate: 0, as a bad one ends the handshake.", zero),
		{Row: Row{Name: "fc_err", Doc: "Number of the error of the client's connection: 0 while it lives."}, Out: txn.Int, At: always, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetInt(0); return true }},
	}
	return append(list, clientCertFetches()...)
}

// clientCertFetches are about the client's certificate.
func clientCertFetches() []Fetch {
	row := func(r Row, out txn.Kind, fn func(*Context, *x509.Certificate, []Arg, *txn.Value) bool) Fetch {
		return Fetch{Row: r, Out: out, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			i := c.Txn.Stream.TLS()
			return i != nil && len(i.Peer) > 0 && fn(c, i.Peer[0], a, v)
		}}
	}
	binary := func(name, doc string, of func(*x509.Certificate) []byte) Fetch {
		return row(Row{Name: name, Doc: doc}, txn.Bin, func(_ *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, of(x)
			return true
		})
	}
	text := func(name, doc string, of func(*x509.Certificate) string) Fetch {
		return row(Row{Name: name, Doc: doc}, txn.Str, func(c *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool { return c.text(v, of(x)) })
	}
	dn := func(name, doc string, of func(*x509.Certificate) []byte) Fetch {
		return row(Row{Name: name, Usage: "([<entry>[,<occurrence>]])", params: "|si", Doc: doc}, txn.Str, func(c *Context, x *x509.Certificate, a []Arg, v *txn.Value) bool {
			nth := 1
			if a[1].set {
				nth = int(a[1].Int)
			}
			return c.text(v, dnText(of(x), string(a[0].Str), nth))
		})
	}
	return []Fetch{
		binary("ssl_c_der", "The client's certificate in DER.", func(x *x509.Certificate) []byte { return x.Raw }),
		dn("ssl_c_i_dn", "Name of the issuer of the client's certificate, or an entry of it.", func(x *x509.Certificate) []byte { return x.RawIssuer }),
		text("ssl_c_notafter", "End of the validity of the client's certificate, as YYMMDDhhmmssZ.", func(x *x509.Certificate) string { return certTime(x.NotAfter) }),
		text("ssl_c_notbefore", "Begin of the validity of the client's certificate, as YYMMDDhhmmssZ.", func(x *x509.Certificate) string { return certTime(x.NotBefore) }),
		dn("ssl_c_s_dn", "Name of the owner of the client's certificate, or an entry of it.", func(x *x509.Certificate) []byte { return x.RawSubject }),
		binary("ssl_c_serial", "Serial number of the client's certificate.", func(x *x509.Certificate) []byte { return x.SerialNumber.Bytes() }),
		binary("ssl_c_sha1", "SHA-1 of the client's certificate.", func(x *x509.Certificate) []byte {
			sum := sha1.Sum(x.Raw) //nolint:gosec // see above
			return sum[:]
		}),
		row(Row{Name: "ssl_c_version", Doc: "Version of the client's certificate."}, txn.Int, func(_ *Context, x *x509.Certificate, _ []Arg, v *txn.Value) bool {
			v.SetInt(int64(x.Version))
			return true
		}),
	}
}

// certTime is a time in the words of certificates (RFC 5280, section 4.1.2.5).
func certTime(t time.Time) string {
	if t.Year() >= 2050 {
		return t.UTC().Format("20060102150405Z")
	}
	return t.UTC().Format("060102150405Z")
}

// entryNames are the short names of the entries of a name (RFC 4519, RFC 2985).
var entryNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "2.5.4.46": "dnQualifier",
	"1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

// dnText is a name as a text, "/C=FR/CN=x", or the value of the nth of the entries
// called entry, from the end if nth is negative; "" if there is none.
func dnText(raw []byte, entry string, nth int) string {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return ""
	}
	var all strings.Builder
	var found []string
	for _, set := range rdns {
		for _, a := range set {
			name, ok := entryNames[a.Type.String()]
			if !ok {
				name = a.Type.String()
			}
			value := fmt.Sprint(a.Value)
			fmt.Fprintf(&all, "/%s=%s", name, value)
			if name == entry {
				found = append(found, value)
			}
		}
	}
	switch {
	case entry == "":
		return all.String()
	case nth < 0:
		nth += len(found) + 1
	}
	if nth < 1 || nth > len(found) {
		return ""
	}
	return found[nth-1]
}
