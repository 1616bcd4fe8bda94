package difftest

import (
	"bufio"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/tlsio"
)

// tlsCase is a comparison of what clients in TLS see.
type tlsCase struct {
	name string
	// global has lines of the global section, bind options of the bind line, frontend and
	// backend more lines.
	global, bind, frontend, backend string
	files                           map[string]string
	clients                         []tlsClient
	logs                            bool // compare the log lines
	// oneAlert: the engine judges certificates itself, for which crypto/tls has one alert.
	oneAlert bool
}

// tlsClient is one client, in turn.
type tlsClient struct {
	name    string
	change  func(*tls.Config)
	raw     string        // sent instead of a handshake
	before  string        // sent in front of it
	told    bool          // say how many authorities the server named
	cert    string        // file of a certificate to show
	pause   time.Duration // before it comes
	path    string        // asked for, "/" by itself
	resumes bool          // goes on with the session of the client before
}

const certSamples = `http-request return status 200 content-type text/plain lf-string "%[ssl_c_used] err=%[ssl_c_err] ca=%[ssl_c_ca_err]@%[ssl_c_ca_err_depth] res=%[ssl_c_verify] cn=%[ssl_c_s_dn(CN)] alg=%[ssl_c_key_alg]/%[ssl_c_sig_alg] chain=%[ssl_c_chain_der,sha1,hex] ldap=%[ssl_c_s_dn(,0,rfc2253)] again=%[ssl_fc_is_resumed]\n"`

const ownSamples = `http-request return status 200 content-type text/plain lf-string "der=%[ssl_f_der,sha1,hex] i=%[ssl_f_i_dn(CN)] s=%[ssl_f_s_dn] ldap=%[ssl_f_s_dn(,0,rfc2253)] alg=%[ssl_f_key_alg]/%[ssl_f_sig_alg] nb=%[ssl_f_notbefore] na=%[ssl_f_notafter] ser=%[ssl_f_serial,hex] sha=%[ssl_f_sha1,hex] v=%[ssl_f_version]\n"`

const serverSamples = `http-response return status 200 content-type text/plain lf-string "%[ssl_bc] c=%[ssl_bc_cipher] k=%[ssl_bc_alg_keysize]/%[ssl_bc_use_keysize] p=%[ssl_bc_protocol] alpn=%[ssl_bc_alpn] err=%[ssl_bc_err] again=%[ssl_bc_is_resumed] der=%[ssl_s_der,sha1,hex] i=%[ssl_s_i_dn(CN)] s=%[ssl_s_s_dn] alg=%[ssl_s_key_alg]/%[ssl_s_sig_alg] nb=%[ssl_s_notbefore] na=%[ssl_s_notafter] ser=%[ssl_s_serial,hex] sha=%[ssl_s_sha1,hex] v=%[ssl_s_version] chain=%[ssl_s_chain_der,sha1,hex]\n"`

const faultFormat = `error-log-format "127.0.0.1: %b fc=%[fc_err]/%[fc_err_str] ssl=%[ssl_fc_err,hex]/%[ssl_fc_err_str] c=%[ssl_c_err]/%[ssl_c_ca_err] %[ssl_fc] sni=%[ssl_fc_sni]"`

const captureSamples = `http-request return status 200 content-type text/plain lf-string "v=%[ssl_fc_protocol_hello_id] c=%[ssl_fc_cipherlist_bin,hex] c1=%[ssl_fc_cipherlist_bin(1),hex] x=%[ssl_fc_cipherlist_hex(1)] s=%[ssl_fc_cipherlist_str] h=%[ssl_fc_cipherlist_xxh] e=%[ssl_fc_extlist_bin,hex] e1=%[ssl_fc_extlist_bin(1),hex] g=%[ssl_fc_eclist_bin(0),hex] f=%[ssl_fc_ecformats_bin,hex] npn=%[ssl_fc_npn] err=%[ssl_fc_err_str]\n"`

const identitySamples = `http-request return status 200 content-type text/plain lf-string "cr=%[ssl_fc_client_random,hex,length] sr=%[ssl_fc_server_random,hex,length] id=%[ssl_fc_session_id,hex,length] u=%[ssl_fc_unique_id,hex,length]\n"`

const serverIdentity = `http-response return status 200 content-type text/plain lf-string "cr=%[ssl_bc_client_random,hex,length] sr=%[ssl_bc_server_random,hex,length] key=%[ssl_bc_session_key,hex,length] u=%[ssl_bc_unique_id,hex,length] npn=%[ssl_bc_npn] err=%[ssl_bc_err_str]\n"`

const secretSamples = `http-request return status 200 content-type text/plain lf-string "ch=%[ssl_fc_client_handshake_traffic_secret,length,bool] sh=%[ssl_fc_server_handshake_traffic_secret,length,bool] ct=%[ssl_fc_client_traffic_secret_0,length,bool] st=%[ssl_fc_server_traffic_secret_0,length,bool] e=%[ssl_fc_client_early_traffic_secret] x=%[ssl_fc_early_exporter_secret]\n"`

const tlsSamples = `http-request return status 200 content-type text/plain lf-string "%[ssl_fc] sni=%[ssl_fc_sni] has=%[ssl_fc_has_sni] alpn=%[ssl_fc_alpn] v=%[ssl_fc_protocol] c=%[ssl_fc_cipher] k=%[ssl_fc_alg_keysize]/%[ssl_fc_use_keysize] crt=%[ssl_fc_has_crt] used=%[ssl_c_used] err=%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_c_verify]/%[ssl_fc_err]/%[fc_err] dn=%[ssl_c_s_dn] cn=%[ssl_c_s_dn(CN)] i=%[ssl_c_i_dn(CN)] ou=%[ssl_c_s_dn(OU,2)]/%[ssl_c_s_dn(OU,-1)] nb=%[ssl_c_notbefore] na=%[ssl_c_notafter] ser=%[ssl_c_serial,hex] sha=%[ssl_c_sha1,hex] ver=%[ssl_c_version] der=%[ssl_c_der,sha1,hex] early=%[ssl_fc_has_early] res=%[ssl_fc_is_resumed]\n"`

func version(v uint16, suites ...uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MinVersion, c.MaxVersion, c.CipherSuites = v, v, suites }
}

func asking(name string) func(*tls.Config) { return func(c *tls.Config) { c.ServerName = name } }

// aes128 makes the suite known beforehand: which of those that both sides have is taken
// differs on purpose.
func aes128(c *tls.Config) {
	c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
}

func offering(protos ...string) func(*tls.Config) {
	return func(c *tls.Config) { aes128(c); c.NextProtos = protos }
}

var tlsCases = []tlsCase{
	{name: "samples", bind: "crt DIR/site", frontend: tlsSamples, clients: []tlsClient{
		{name: "tls 1.2", change: version(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)},
		{name: "tls 1.2, chacha", change: version(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)},
		{name: "tls 1.2, cbc", change: version(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)},
		{name: "tls 1.1", change: version(tls.VersionTLS11)},
		{name: "no name", change: func(c *tls.Config) { aes128(c); c.ServerName = "" }},
		{name: "no common suite", change: version(tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_CBC_SHA)},
	}},
	{name: "alpn", bind: "crt DIR/site alpn http/1.1,http/1.0", frontend: tlsSamples, clients: []tlsClient{
		{name: "first", change: offering("http/1.1")}, {name: "second", change: offering("x", "http/1.0")}, {name: "none of them", change: offering("spdy/3")}, {name: "nothing", change: aes128},
	}},
	{name: "names", bind: "crt DIR/rsa crt DIR/site crt DIR/dual", frontend: `http-request return status 200 content-type text/plain lf-string "%[ssl_fc_sni]\n"`, clients: []tlsClient{
		{name: "exact", change: asking("site.test")},
		{name: "wildcard", change: asking("a.wild.test")},
		{name: "two levels", change: asking("a.b.wild.test")},
		{name: "parent of a wildcard", change: asking("wild.test")},
		{name: "other", change: asking("rsa.test")},
		{name: "unknown", change: asking("unknown.test")},
		{name: "upper case", change: asking("SITE.test")},
		{name: "dual", change: asking("dual.test")},
		{name: "dual, rsa only", change: func(c *tls.Config) {
			c.ServerName, c.MaxVersion, c.CipherSuites = "dual.test", tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		}},
		{name: "none", change: asking("")},
		{name: "of 255 bytes", change: asking(strings.Repeat("a", 245) + ".wild.test")},
		{name: "of 256 bytes", change: asking(strings.Repeat("a", 246) + ".wild.test")},
		{name: "with NUL", change: asking("site.test\x00.evil.test")},
		{name: "with a line end", change: asking("site.test\r\nx: y")},
		{name: "bytes beyond ASCII", change: asking("s\xffte.test")},
		{name: "wildcard itself", change: asking("*.wild.test")},
		{name: "nothing before the dot", change: asking(".wild.test")},
	}},
	{name: "strict-sni", bind: "crt DIR/site strict-sni", frontend: tlsSamples, clients: []tlsClient{
		{name: "known", change: func(c *tls.Config) { aes128(c); c.ServerName = "site.test" }},
		{name: "unknown", change: asking("unknown.test")},
		{name: "none", change: asking("")},
		{name: "of 256 bytes", change: asking(strings.Repeat("a", 256))},
		{name: "with NUL", change: asking("site.test\x00")},
	}},
	{name: "directory", bind: "crt DIR/dir", frontend: tlsSamples, files: map[string]string{"dir/.ignored": "no certificate", "dir/x.ocsp": "no certificate"}, clients: []tlsClient{
		{name: "first", change: func(c *tls.Config) { aes128(c); c.ServerName = "unknown.test" }}, {name: "second", change: func(c *tls.Config) { aes128(c); c.ServerName = "z.test" }},
	}},
	{name: "crt-list", bind: "crt-list DIR/list", frontend: tlsSamples, files: map[string]string{"list": "# a comment\nDIR/rsa\n\nDIR/site [ssl-max-ver TLSv1.2 alpn http/1.0] *.list.test !no.list.test site.test\nDIR/dual.ecdsa [verify required ca-file DIR/ca] client.test\n"}, clients: []tlsClient{
		{name: "filter", change: func(c *tls.Config) { offering("http/1.0")(c); c.ServerName = "a.list.test" }},
		{name: "not in the filter", change: func(c *tls.Config) { aes128(c); c.ServerName = "b.wild.test" }},
		{name: "excluded", change: func(c *tls.Config) { aes128(c); c.ServerName = "no.list.test" }},
		{name: "1.3 where 1.2 is the newest", change: func(c *tls.Config) { c.ServerName, c.MinVersion = "site.test", tls.VersionTLS13 }},
		{name: "certificate wanted", change: func(c *tls.Config) { aes128(c); c.ServerName = "client.test" }},
		{name: "certificate shown", cert: "client", change: func(c *tls.Config) { aes128(c); c.ServerName = "client.test" }},
	}},
	{name: "client certificates", bind: "crt DIR/site ca-file DIR/ca verify optional", frontend: tlsSamples, clients: []tlsClient{
		{name: "good", cert: "client", change: aes128}, {name: "none", change: aes128}, {name: "foreign", cert: "foreign", change: aes128}, {name: "of number 0", cert: "zero", change: aes128},
	}},
	{name: "client certificates required, revoked", bind: "crt DIR/site ca-file DIR/ca verify required crl-file DIR/crl", frontend: tlsSamples, clients: []tlsClient{
		{name: "good", cert: "client", change: aes128}, {name: "none", change: aes128}, {name: "revoked", cert: "revoked", change: aes128},
	}},
	{name: "client certificates, more authorities", oneAlert: true, bind: "crt DIR/site ca-file DIR/mid ca-verify-file DIR/top verify required", frontend: certSamples, logs: true, clients: []tlsClient{
		{name: "of the one named", cert: "deep", told: true, change: aes128}, {name: "of the one not named", cert: "mid-client", change: aes128}, {name: "of neither", cert: "client", change: aes128}, {name: "none", change: aes128},
	}},
	{name: "client certificates, half a chain", oneAlert: true, bind: "crt DIR/site ca-file DIR/mid verify required", frontend: certSamples, logs: true, clients: []tlsClient{{name: "deep", cert: "deep", told: true, change: aes128}}},
	{name: "client certificates, no names", bind: "crt DIR/site ca-file DIR/ca verify optional no-ca-names", frontend: certSamples, clients: []tlsClient{{name: "good", cert: "client", told: true, change: aes128}, {name: "none", told: true, change: aes128}}},
	{name: "client certificates, all errors ignored", bind: "crt DIR/site ca-file DIR/ca crl-file DIR/crl verify optional ca-ignore-err all crt-ignore-err all", frontend: certSamples, clients: []tlsClient{
		{name: "good", cert: "client", change: aes128},
		{name: "again", cert: "client", change: aes128, resumes: true},
		{name: "none", change: aes128},
		{name: "foreign", cert: "foreign", change: aes128},
		{name: "foreign, again", cert: "foreign", change: aes128, resumes: true},
		{name: "expired", cert: "expired", change: aes128},
		{name: "revoked", cert: "revoked", change: aes128},
		{name: "for servers only", cert: "server-only", change: aes128},
		{name: "with a chain", cert: "deep-chain", change: aes128},
	}},
	{name: "client certificates, some errors ignored", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required crt-ignore-err 10,18", frontend: certSamples, logs: true, clients: []tlsClient{
		{name: "foreign", cert: "foreign", change: aes128}, {name: "expired", cert: "expired", change: aes128}, {name: "for servers only", cert: "server-only", change: aes128}, {name: "with a chain", cert: "deep-chain", change: aes128},
	}},
	{name: "client certificates refused", bind: "crt DIR/site ca-file DIR/ca verify required", frontend: certSamples, logs: true, clients: []tlsClient{
		{name: "foreign", cert: "foreign", change: aes128}, {name: "expired", cert: "expired", change: aes128}, {name: "with a chain", cert: "deep-chain", change: aes128}, {name: "none", change: aes128},
	}},
	{name: "client certificates beyond limits", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required", frontend: lines(faultFormat, certSamples), logs: true, clients: beyondLimits},
	{name: "client certificates beyond limits, something else ignored", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required crt-ignore-err 10", frontend: lines(faultFormat, certSamples), logs: true, clients: beyondLimits},
	{name: "client certificates beyond limits, all ignored", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required ca-ignore-err all crt-ignore-err all", frontend: certSamples, clients: beyondLimits},
	{name: "client certificates beyond limits, by numbers", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required ca-ignore-err 25,26,79 crt-ignore-err 26,34,47", frontend: certSamples, clients: beyondLimits},
	{name: "client certificates, old revocations", oneAlert: true, bind: "crt DIR/site ca-file DIR/ca verify required crl-file DIR/crl-old", frontend: lines(faultFormat, certSamples), logs: true, clients: []tlsClient{{name: "good", cert: "client", change: aes128}, {name: "revoked", cert: "revoked", change: aes128}}},
	{name: "client certificates, old revocations ignored", bind: "crt DIR/site ca-file DIR/ca verify required crl-file DIR/crl-old ca-ignore-err 12 crt-ignore-err 12", frontend: certSamples, clients: []tlsClient{{name: "good", cert: "client", change: aes128}}},
	{name: "client certificates, old revocations and new ones", bind: "crt DIR/site ca-file DIR/ca verify required crl-file DIR/crl-both", frontend: certSamples, clients: []tlsClient{{name: "good", cert: "client", change: aes128}, {name: "revoked of late", cert: "revoked", change: aes128}, {name: "not revoked any more", cert: "forgiven", change: aes128}}},
	{
		name: "client certificates with names of all kinds", bind: "crt DIR/site ca-file DIR/ca verify required", clients: oddNames(),
		frontend: `http-request return status 200 content-type text/plain lf-string "%[ssl_c_s_dn,hex] cn=%[ssl_c_s_dn(CN),hex] last=%[ssl_c_s_dn(CN,-1),hex] own=%[ssl_c_s_dn(1.2.3.4),hex] ldap=%[ssl_c_s_dn(,0,rfc2253)]\n"`,
	},
	{name: "client certificates with names of all kinds, in logs and fields", bind: "crt DIR/site ca-file DIR/ca verify required", frontend: lines(`log-format "127.0.0.1: x x x x x x x x x x x x %[ssl_c_s_dn(CN)] %{+Q}[ssl_c_s_dn] %{+E}[ssl_c_s_dn(CN)]"`, "http-request return status 200"), logs: true, clients: oddNames()},
	{name: "own certificate", bind: "crt DIR/rsa crt DIR/site", frontend: ownSamples, clients: []tlsClient{{name: "ecdsa", change: aes128}, {name: "ecdsa, again", change: aes128, resumes: true}, {name: "rsa", change: func(c *tls.Config) { aes128(c); c.ServerName = "rsa.test" }}}},
	{name: "behind the PROXY protocol", bind: "crt DIR/site accept-proxy", frontend: lines("option httplog", `http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] %[ssl_fc_sni]\n"`), clients: []tlsClient{
		{name: "version 1", before: "PROXY TCP4 192.0.2.1 192.0.2.2 1111 443\r\n", change: aes128},
		{name: "version 2", before: "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x03\xc0\x00\x02\x04\x04\x57\x01\xbb", change: aes128},
		{name: "local", before: "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", raw: "-"},
		{name: "none", change: aes128},
	}},
	{name: "versions", bind: "crt DIR/site ssl-max-ver TLSv1.2", frontend: tlsSamples, clients: []tlsClient{{name: "1.3 only", change: version(tls.VersionTLS13)}, {name: "any", change: aes128}}},
	{name: "version 1.3 only", bind: "crt DIR/site ssl-min-ver TLSv1.3", frontend: "http-request return status 200 content-type text/plain lf-string %[ssl_fc_protocol]", clients: []tlsClient{{name: "1.2", change: version(tls.VersionTLS12)}, {name: "1.3", change: version(tls.VersionTLS13)}}},
	{name: "no-tlsv13 by default", global: "ssl-default-bind-options no-tlsv13", bind: "crt DIR/site", frontend: tlsSamples, clients: []tlsClient{{name: "1.3", change: version(tls.VersionTLS13)}, {name: "1.2", change: aes128}}},
	{name: "ciphers", global: "ssl-default-bind-ciphers ECDHE+AES256:!SHA384", bind: "crt DIR/site", frontend: tlsSamples, clients: []tlsClient{
		{name: "one of them", change: version(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)}, {name: "none of them", change: aes128},
	}},
	{name: "crt-base", global: "crt-base DIR\n    ca-base DIR", bind: "crt site ca-file ca verify optional", frontend: tlsSamples, clients: []tlsClient{{name: "good", cert: "client", change: aes128}}},
	{name: "sessions", bind: "crt DIR/site", frontend: "http-request return status 200 content-type text/plain lf-string %[ssl_fc_is_resumed]", clients: []tlsClient{
		{name: "first"}, {name: "second", resumes: true}, {name: "first, 1.2", change: aes128}, {name: "second, 1.2", change: aes128, resumes: true},
	}},
	{name: "sessions that end", global: "tune.ssl.lifetime 1", bind: "crt DIR/site", frontend: "http-request return status 200 content-type text/plain lf-string %[ssl_fc_is_resumed]", clients: []tlsClient{
		{name: "first", change: aes128}, {name: "late", change: aes128, resumes: true, pause: 3 * time.Second}, {name: "first, 1.3"}, {name: "late, 1.3", resumes: true, pause: 3 * time.Second},
	}},
	{name: "to servers", bind: "crt DIR/site", frontend: "default_backend b", backend: secureBackend("ssl verify none"), clients: []tlsClient{{name: "plain"}, {name: "again"}}},
	{name: "to servers, verified", bind: "crt DIR/site", frontend: "default_backend b", backend: secureBackend("ssl ca-file DIR/ca sni str(inner.test)"), clients: []tlsClient{{name: "name asked for"}}},
	{name: "to servers, wrong name", bind: "crt DIR/site", frontend: lines("option httplog", "default_backend b"), backend: secureBackend("ssl ca-file DIR/ca sni str(wrong.test)"), clients: []tlsClient{{name: "name asked for"}}, logs: true},
	{name: "to servers, verifyhost", bind: "crt DIR/site", frontend: "default_backend b", backend: secureBackend("ssl ca-file DIR/ca sni str(wrong.test) verifyhost inner.test"), clients: []tlsClient{{name: "name asked for"}}},
	{name: "to servers, foreign authority", bind: "crt DIR/site", frontend: lines("option httplog", "default_backend b"), backend: secureBackend("ssl ca-file DIR/site"), clients: []tlsClient{{name: "any"}}, logs: true},
	{name: "to servers, name of the request", bind: "crt DIR/site", frontend: "default_backend b", backend: secureBackend("ssl verify none sni req.hdr(host)"), clients: []tlsClient{{name: "x"}}},
	{name: "to servers, certificate shown", bind: "crt DIR/site", frontend: "default_backend b", backend: secureBackend("ssl verify none crt DIR/client"), clients: []tlsClient{{name: "x"}}},
	{name: "to servers, by default", global: "ssl-server-verify none", bind: "crt DIR/site", frontend: "default_backend b", backend: "default-server ssl\n" + secureBackend(""), clients: []tlsClient{{name: "x"}}},
	{name: "to servers, samples", bind: "crt DIR/site", frontend: "default_backend b", backend: lines(serverSamples, secureBackend("ssl verify none ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256")), clients: []tlsClient{{name: "x"}, {name: "again"}}},
	{name: "to servers, samples in logs", bind: "crt DIR/site", frontend: lines("default_backend b", `log-format "127.0.0.1: x x x x x x %[ssl_bc] %[ssl_bc_protocol] %[ssl_s_s_dn(CN)] %[ssl_f_s_dn(CN)] %ST %ts"`), backend: secureBackend("ssl verify none"), logs: true, clients: []tlsClient{{name: "x"}}},
	{name: "httpslog", bind: "crt DIR/site", frontend: lines("option httpslog", "http-request return status 200"), logs: true, clients: []tlsClient{{name: "1.2", change: aes128}, {name: "resumed", change: aes128, resumes: true}, {name: "no name", change: func(c *tls.Config) { aes128(c); c.ServerName = "" }}}},
	{name: "failures", bind: "crt DIR/site name sec", frontend: tlsSamples, logs: true, clients: []tlsClient{{name: "no TLS", raw: "GET / HTTP/1.1\r\n\r\n"}, {name: "version", change: version(tls.VersionTLS11)}, {name: "closed at once", raw: "-"}, {name: "closed within", raw: "\x16\x03\x01"}}},
	{name: "failures that are nothing", bind: "crt DIR/site", frontend: lines("option dontlognull", tlsSamples), logs: true, clients: []tlsClient{{name: "closed at once", raw: "-"}, {name: "no TLS", raw: "GET / HTTP/1.1\r\n\r\n"}}},
	{name: "failures, in a format of its own", bind: "crt DIR/site ca-file DIR/ca verify required", frontend: lines(faultFormat, tlsSamples), logs: true, clients: []tlsClient{
		{name: "no TLS", raw: "GET / HTTP/1.1\r\n\r\n"},
		{name: "nothing like TLS", raw: "PROXY TCP4\r\n"},
		{name: "version", change: func(c *tls.Config) { version(tls.VersionTLS11)(c); c.ServerName = "" }},
		{name: "closed at once", raw: "-"},
		{name: "closed within", raw: "\x16\x03\x01"},
		{name: "no certificate", change: aes128},
		{name: "foreign certificate", cert: "foreign", change: aes128},
		{name: "no common suite", change: version(tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_CBC_SHA)},
		{name: "good", cert: "client", change: aes128},
		{name: "server not trusted", change: func(c *tls.Config) { aes128(c); c.InsecureSkipVerify = false }},
	}},
	{name: "failures, name not known", bind: "crt DIR/site strict-sni", frontend: lines(faultFormat, tlsSamples), logs: true, clients: []tlsClient{{name: "unknown", change: asking("unknown.test")}, {name: "none", change: asking("")}, {name: "with a line end", change: asking("a\r\n127.0.0.1: b")}, {name: "of 256 bytes", change: asking(strings.Repeat("a", 256))}}},
	{name: "names in logs", bind: "crt DIR/site", frontend: lines(`log-format "127.0.0.1: x x x x x x x x x x x x %[ssl_fc_sni] %{+Q}[ssl_fc_sni]"`, "http-request return status 200"), logs: true, clients: []tlsClient{
		{name: "with a line end", change: asking("a\r\n127.0.0.1: b")}, {name: "with quotes", change: asking(`a"b[c] %41`)}, {name: "beyond ASCII", change: asking("\xff\x7f\x1b[1m")},
	}},
	{name: "failures, PROXY protocol", bind: "crt DIR/site accept-proxy", frontend: lines(faultFormat, tlsSamples), logs: true, clients: []tlsClient{{name: "nothing", raw: "-"}, {name: "cut", raw: "PROXY "}, {name: "other", raw: "GET / HTTP/1.0\r\n\r\n"}, {name: "none", raw: "\x16\x03\x01\x00\x05hello, and more of it"}}},
	{
		name: "to servers, failures", bind: "crt DIR/site", frontend: lines("use_backend %[path,word(1,/)]", `log-format "127.0.0.1: x x x x x x x x x x x x %ST fc=%[fc_err]/%[fc_err_str] bc=%[bc_err]/%[bc_err_str] ssl=%[ssl_bc_err]/%[ssl_bc_err_str]"`),
		backend: lines(secureBackend("ssl verify none"), "backend dead", "server s 127.0.0.1:1", "backend clear", "server s 127.0.0.1:1", "backend untrusted", "server s unix@DIR/o ssl ca-file DIR/site", "backend othername", "server s unix@DIR/o ssl ca-file DIR/ca verifyhost else.test", "backend othersni", "server s unix@DIR/o ssl ca-file DIR/ca sni str(else.test)", "backend version", "server s unix@DIR/o ssl verify none ssl-max-ver TLSv1.1"),
		logs:    true, clients: []tlsClient{{name: "good", path: "/b"}, {name: "refused", path: "/dead"}, {name: "untrusted", path: "/untrusted"}, {name: "other name", path: "/othername"}, {name: "other name asked for", path: "/othersni"}, {name: "no common version", path: "/version"}},
	},
	{
		name: "to servers, failures and retries", bind: "crt DIR/site", frontend: lines("use_backend %[path,word(1,/)]", `log-format "127.0.0.1: x x x x x x x x x x x x %ST %ts rc=%rc"`),
		backend: lines(secureBackend("ssl verify none"), "backend sni", "retries 1", "server s unix@DIR/o ssl ca-file DIR/ca sni str(else.test)", "backend host", "retries 1", "server s unix@DIR/o ssl ca-file DIR/ca verifyhost else.test",
			"backend trust", "retries 1", "server s unix@DIR/o ssl ca-file DIR/site", "backend leave", "retries 2", "option redispatch 1", "server s unix@DIR/o ssl ca-file DIR/ca verifyhost else.test", "server t unix@DIR/o ssl verify none",
			"backend stay", "retries 2", "option redispatch 1", "server s unix@DIR/o ssl ca-file DIR/ca sni str(else.test)", "server t unix@DIR/o ssl verify none"),
		logs: true, clients: []tlsClient{{name: "other name asked for", path: "/sni"}, {name: "other name", path: "/host"}, {name: "untrusted", path: "/trust"}, {name: "elsewhere", path: "/leave"}, {name: "elsewhere, but for a name", path: "/stay"}},
	},
	{
		name: "to servers, parts of names", bind: "crt DIR/site", frontend: "use_backend %[path,word(1,/)]",
		backend: partsBackends(), clients: partsClients(),
	},
	{name: "hello captured", global: "tune.ssl.capture-buffer-size 400", bind: "crt DIR/site alpn http/1.1", frontend: captureSamples, clients: []tlsClient{
		{name: "1.3"}, {name: "1.2", change: aes128}, {name: "alpn", change: offering("http/1.1")}, {name: "one group", change: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }}, {name: "no name", change: asking("")}, {name: "again", change: aes128, resumes: true},
	}},
	{name: "hello captured, as far as there is place", global: "tune.ssl.capture-cipherlist-size 47", bind: "crt DIR/site", frontend: captureSamples, clients: []tlsClient{{name: "1.3"}, {name: "1.2", change: aes128}, {name: "all suites", change: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }}}},
	{name: "hello captured, little place", global: "tune.ssl.capture-buffer-size 3", bind: "crt DIR/site", frontend: captureSamples, clients: []tlsClient{{name: "1.3"}, {name: "1.2", change: aes128}}},
	{name: "hello not captured", bind: "crt DIR/site", frontend: captureSamples, clients: []tlsClient{{name: "1.3"}}},
	{name: "hello captured, asked again", global: "tune.ssl.capture-buffer-size 400", bind: "crt DIR/site curves P-384", frontend: captureSamples, clients: []tlsClient{{name: "1.3"}}},
	{name: "what identifies a connection", bind: "crt DIR/site", frontend: identitySamples, clients: []tlsClient{{name: "1.2", change: aes128}, {name: "1.2, again", change: aes128, resumes: true}}},
	{name: "what identifies a connection, 1.3", bind: "crt DIR/site", frontend: `http-request return status 200 content-type text/plain lf-string "cr=%[ssl_fc_client_random,hex,length] sr=%[ssl_fc_server_random,hex,length]\n"`, clients: []tlsClient{{name: "1.3"}, {name: "again", resumes: true}}},
	{name: "key of a session", bind: "crt DIR/site", frontend: `http-request return status 200 content-type text/plain lf-string "key=%[ssl_fc_session_key,hex,length]\n"`, clients: []tlsClient{{name: "1.2", change: aes128}}},
	{name: "secrets", global: "tune.ssl.keylog on", bind: "crt DIR/site", frontend: secretSamples, clients: []tlsClient{{name: "1.3"}, {name: "again", resumes: true}, {name: "1.2", change: aes128}}},
	{name: "secrets not kept", bind: "crt DIR/site", frontend: strings.Replace(secretSamples, "ch=", "ex=%[ssl_fc_exporter_secret] ch=", 1), clients: []tlsClient{{name: "1.3"}}},
	{name: "what identifies a connection to a server", bind: "crt DIR/site", frontend: "default_backend b", backend: lines(serverIdentity, secureBackend("ssl verify none ssl-max-ver TLSv1.2 no-ssl-reuse ciphers ECDHE-ECDSA-AES128-GCM-SHA256")), clients: []tlsClient{{name: "x"}}},
	{name: "timestamps", bind: "crt DIR/stamped", frontend: tlsSamples, files: map[string]string{"stamped.sctl": "\x00\x0b\x00\x05first\x00\x02no"}, clients: []tlsClient{{name: "1.2", change: aes128}}},
	{name: "records of at most", global: "tune.ssl.hard-maxrecord 5", bind: "crt DIR/site npn http/1.1", frontend: tlsSamples, clients: []tlsClient{{name: "1.2", change: aes128}}},
	{name: "mode tcp", bind: "crt DIR/site", frontend: "mode tcp\n    default_backend b", backend: "mode tcp\n" + secureBackend("ssl verify none"), clients: []tlsClient{{name: "x", change: aes128}}},
}

// beyondLimits show certificates by authorities that may not issue them, and others that are for
// something else.
var beyondLimits = []tlsClient{
	{name: "authority too deep", cert: "too-deep-chain", change: aes128},
	{name: "unknown critical extension", cert: "critical", change: aes128},
	{name: "key that only signs lists", cert: "signs-lists", change: aes128},
	{name: "for servers, in the way of Netscape", cert: "netscape-server", change: aes128},
	{name: "for clients, in the way of Netscape", cert: "netscape-client", change: aes128},
	{name: "authority of servers", cert: "of-servers-chain", change: aes128},
	{name: "name not permitted", cert: "not-permitted-chain", change: aes128},
	{name: "issued by a client", cert: "of-client-chain", change: aes128},
}

// secureBackend has a server at which this proxy itself listens.
func secureBackend(options string) string {
	return lines("server s1 unix@DIR/o "+options, "frontend inner", "mode http", "bind unix@DIR/o ssl crt DIR/inner ca-file DIR/ca verify optional",
		`http-request return status 200 content-type text/plain lf-string "inner sni=%[ssl_fc_sni] used=%[ssl_c_used] dn=%[ssl_c_s_dn]\n"`)
}

// makeFiles writes certificates to dir.
func makeFiles(t *testing.T, dir string) {
	t.Helper()
	ca, caKey := makeCert(t, dir, "ca", nil, nil, nil)
	for file, names := range map[string][]string{
		"stamped": {"stamped.test"}, "site": {"site.test", "*.wild.test"}, "inner": {"inner.test"}, "dual.ecdsa": {"dual.test"}, "client": nil, "dir/a": {"a.test"}, "dir/z": {"z.test"},
	} {
		makeCert(t, dir, file, names, ca, caKey)
	}
	revoked, _ := makeCert(t, dir, "revoked", nil, ca, caKey)
	makeCert(t, dir, "foreign", nil, nil, nil)
	for to, from := range map[string]string{"rsa": "rsa.pem", "dual.rsa": "rsa.pem"} {
		text, err := os.ReadFile("../config/testdata/tls/" + from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, to, text)
	}
	forgiven, _ := makeCert(t, dir, "forgiven", nil, ca, caKey)
	crl := func(from, to time.Duration, of *x509.Certificate) []byte {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: time.Now().Add(from), NextUpdate: time.Now().Add(to),
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: of.SerialNumber, RevocationTime: time.Now().Add(from)}},
		}, ca, caKey)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	now, old := crl(-time.Hour, time.Hour, revoked), crl(-3*time.Hour, -2*time.Hour, revoked)
	writeFile(t, dir, "crl", now)
	writeFile(t, dir, "crl-old", old)
	writeFile(t, dir, "crl-both", append(crl(-3*time.Hour, time.Hour, forgiven), now...))
	top, topKey := makeCert(t, dir, "top", nil, nil, nil)
	mid, midKey := makeChild(t, dir, "mid", top, topKey, func(c *x509.Certificate) { c.IsCA = true })
	makeCert(t, dir, "deep", nil, mid, midKey)
	makeCert(t, dir, "mid-client", nil, top, topKey)
	var chain []byte
	for _, name := range []string{"deep", "mid", "top"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, text...)
	}
	writeFile(t, dir, "deep-chain", chain)
	makeChild(t, dir, "expired", ca, caKey, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	makeChild(t, dir, "server-only", ca, caKey, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	makeBeyondLimits(t, dir, ca, caKey)
	makeParts(t, dir, ca, caKey)
	makeOddNames(t, dir, ca, caKey)
}

// makeBeyondLimits writes what clients in beyondLimits show.
func makeBeyondLimits(t *testing.T, dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	t.Helper()
	leaf := func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }
	chain := func(name string, names ...string) {
		var all []byte
		for _, n := range names {
			text, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		writeFile(t, dir, name+"-chain", all)
	}
	shallow, shallowKey := makeChild(t, dir, "shallow", ca, caKey, func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = true, true })
	below, belowKey := makeChild(t, dir, "below", shallow, shallowKey, func(c *x509.Certificate) { c.IsCA = true })
	makeChild(t, dir, "too-deep", below, belowKey, leaf)
	chain("too-deep", "too-deep", "below", "shallow")
	makeChild(t, dir, "critical", ca, caKey, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	})
	for name, types := range map[string]byte{"netscape-server": 0x40, "netscape-client": 0x80} {
		makeChild(t, dir, name, ca, caKey, func(c *x509.Certificate) {
			leaf(c)
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 1}, Value: []byte{3, 2, 6, types}}}
		})
	}
	makeChild(t, dir, "zero", ca, caKey, func(c *x509.Certificate) { c.SerialNumber = new(big.Int) })
	makeChild(t, dir, "signs-lists", ca, caKey, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	servers, serversKey := makeChild(t, dir, "servers", ca, caKey, func(c *x509.Certificate) {
		c.IsCA, c.ExtKeyUsage = true, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	makeChild(t, dir, "of-servers", servers, serversKey, leaf)
	chain("of-servers", "of-servers", "servers")
	named, namedKey := makeChild(t, dir, "named", ca, caKey, func(c *x509.Certificate) {
		c.IsCA, c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, true, []string{"good.test"}
	})
	makeChild(t, dir, "not-permitted", named, namedKey, func(c *x509.Certificate) { leaf(c); c.DNSNames = []string{"bad.test"} })
	chain("not-permitted", "not-permitted", "named")
	plain, plainKey := makeChild(t, dir, "plain", ca, caKey, func(*x509.Certificate) {})
	makeChild(t, dir, "of-client", plain, plainKey, leaf)
	chain("of-client", "of-client", "plain")
}

// nameEntry is an entry of a name in DER, and nameSET those that stand together.
type (
	nameEntry struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	nameSET []nameEntry
)

// oddSubjects are names of owners of certificates, as lists of lists of "OID TAG VALUE".
var oddSubjects = [][][]string{
	{{"2.5.4.3 12 \u00e4\u20ac"}, {"2.5.4.3 12 b"}},
	{{"2.5.4.3 12 a\r\nx: y\tz"}},
	{{"2.5.4.3 12 \"a\\b\", <c>; d+e=f "}},
	{{"2.5.4.3 30 \x00a\x00\xe4"}},
	{{"2.5.4.3 20 a\xe4"}},
	{{"2.5.4.3 12 [a] %41 \x7f"}},
	{{"2.5.4.15 19 Private"}, {"2.5.4.17 19 75001"}, {"1.3.6.1.4.1.311.60.2.1.3 19 FR"}, {"1.2.840.113549.1.9.1 22 a@b.test"}, {"2.5.4.97 12 ID-1"}, {"2.5.4.65 12 me"}},
	{{"1.2.3.4 12 own"}, {"2.5.4.3 12 x"}},
	{{"2.5.4.11 12 one", "2.5.4.3 12 two"}, {"2.5.4.10 12 three"}},
	{},
}

func oddNames() (list []tlsClient) {
	for i := range oddSubjects {
		list = append(list, tlsClient{name: fmt.Sprint(i), cert: fmt.Sprintf("odd-%d", i), change: aes128})
	}
	return list
}

// makeOddNames writes what these clients show.
func makeOddNames(t *testing.T, dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	t.Helper()
	for i, subject := range oddSubjects {
		name := []nameSET{}
		for _, set := range subject {
			var list nameSET
			for _, text := range set {
				part := strings.SplitN(text, " ", 3)
				var e nameEntry
				for arc := range strings.SplitSeq(part[0], ".") {
					n, _ := strconv.Atoi(arc)
					e.Type = append(e.Type, n)
				}
				e.Value.Tag, _ = strconv.Atoi(part[1])
				e.Value.Bytes = []byte(part[2])
				list = append(list, e)
			}
			name = append(name, list)
		}
		raw, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		makeChild(t, dir, fmt.Sprintf("odd-%d", i), ca, caKey, func(c *x509.Certificate) { c.RawSubject = raw })
	}
}

func writeFile(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func makeCert(t *testing.T, dir, name string, names []string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	return makeChild(t, dir, name, ca, caKey, func(c *x509.Certificate) { c.DNSNames = names })
}

// makeChild is makeCert of a certificate that is not as usual.
func makeChild(t *testing.T, dir, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey, change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Country: []string{"FR"}, Organization: []string{"Test"}, OrganizationalUnit: []string{"one", "two"}, CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), BasicConstraintsValid: true, IsCA: ca == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(tmpl)
	parent, signer := ca, caKey
	if ca == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, name, append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...))
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// run plays the case through a proxy and returns what came of it.
func (c *tlsCase) run(s *subject, certs string) (string, error) {
	own, err := os.MkdirTemp("", "tls") // without the test's name, in which commas would part addresses
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(own)
	backend := c.backend
	if backend == "" {
		backend = "server none 127.0.0.1:1"
	}
	conf := "global\n    nbthread 1\n    log stdout format raw local0\n    " + c.global + "\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 2s\n    timeout server 2s\n    retries 0\nfrontend ready\n    bind fd@4\n    monitor-uri /ready\nfrontend fe\n    log global\n    bind fd@3 ssl " + c.bind + "\n    " + c.frontend + "\nbackend b\n    " + backend + "\n"
	conf = strings.ReplaceAll(conf, "DIR/o ", own+"/o ")
	conf = strings.ReplaceAll(conf, "DIR", certs)
	r, err := s.start(own, conf, 0)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, conf)
	}
	var out strings.Builder
	var session tls.ClientSessionCache
	for _, cl := range c.clients {
		if !cl.resumes {
			session = tls.NewLRUClientSessionCache(1)
		}
		time.Sleep(cl.pause)
		fmt.Fprintf(&out, "%s: %s\n", cl.name, c.told(cl.play(r.addr, certs, session)))
	}
	if c.logs {
		r.output.settle()
	}
	if err := r.stop(); err != nil {
		return "", err
	}
	if c.logs {
		for line := range strings.SplitSeq(r.output.String(), "\n") {
			if strings.HasPrefix(line, "127.0.0.1:") {
				out.WriteString(maskTLS(line) + "\n")
			}
		}
	}
	return out.String(), nil
}

// settle waits for lines of logs that are on their way: for the first one, and until no more
// come.
func (t *transcript) settle() {
	for end, seen, quiet := time.Now().Add(3*time.Second), 0, 0; quiet < 10 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		n := strings.Count("\n"+t.String(), "\n127.0.0.1:")
		if quiet++; n == 0 || n > seen {
			quiet, seen = 0, n
		}
	}
}

// told is what a client sees, without a choice of alerts that the engine does not have.
func (c *tlsCase) told(text string) string {
	if c.oneAlert {
		for _, alert := range []string{"unknown certificate authority", "unsupported certificate", "expired certificate", "unknown certificate"} {
			text = strings.ReplaceAll(text, "refused: tls: "+alert, "refused: tls: bad certificate")
		}
	}
	return text
}

// maskTLS takes out of a line what differs between two runs: ports, times, bytes, counts.
func maskTLS(line string) string {
	f := strings.Split(line, " ")
	for _, i := range []int{0, 1, 4, 6, 10} {
		if len(f) > 12 || i < 2 { // a failure has the first two only
			f[i] = "*"
		}
	}
	return strings.Join(f, " ")
}

// play is what the client sees.
func (c *tlsClient) play(addr, certs string, sessions tls.ClientSessionCache) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	_, _ = io.WriteString(conn, c.before)
	if c.raw != "" {
		if c.raw != "-" {
			_, _ = io.WriteString(conn, c.raw)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(conn)
		return fmt.Sprintf("%x", got)
	}
	cfg := &tls.Config{ServerName: "site.test", InsecureSkipVerify: true, ClientSessionCache: sessions} //nolint:gosec // it is the test's own
	if c.change != nil {
		c.change(cfg)
	}
	if c.cert != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(certs, c.cert), filepath.Join(certs, c.cert))
		if err != nil {
			return err.Error()
		}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	named := ""
	if show := cfg.GetClientCertificate; c.told {
		cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			named = fmt.Sprintf("named %d authorities, ", len(info.AcceptableCAs))
			if show == nil {
				return new(tls.Certificate), nil
			}
			return show(info)
		}
	}
	s := tls.Client(conn, cfg)
	if err := s.Handshake(); err != nil {
		return named + refusal(err)
	}
	if _, err := io.WriteString(s, "GET "+cmp.Or(c.path, "/")+" HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n"); err != nil {
		return refusal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return refusal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		body = nil // in words of its own
	}
	st := s.ConnectionState()
	if n := len(st.SignedCertificateTimestamps); n > 0 {
		named += fmt.Sprintf("%d timestamps, ", n)
	}
	return named + fmt.Sprintf("%s alpn=%q from %s resumed %v: %d %q %v", tlsio.VersionName(st.Version), st.NegotiatedProtocol, st.PeerCertificates[0].Subject.CommonName, st.DidResume, resp.StatusCode, body, err)
}

// refusal is the alert of a handshake that has failed, or how it ended.
func refusal(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if err.Error() == "tls: revoked certificate" { // crypto/tls has one alert for what the engine itself finds wrong
		return "refused: tls: bad certificate"
	}
	return "refused: " + err.Error()
}

// TestTLS compares what clients in TLS see, and what is logged about them.
func TestTLS(t *testing.T) {
	wanted := regexp.MustCompile(*only)
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	certs := t.TempDir()
	makeFiles(t, certs)
	type result struct {
		want, got    string
		theirs, ours error
		done         chan struct{}
	}
	// As with exchanges, they are under way before the first is looked at.
	results := map[string]*result{}
	places := make(chan struct{}, concurrent)
	var running sync.WaitGroup
	defer running.Wait()
	for i := range tlsCases {
		c := &tlsCases[i]
		if !wanted.MatchString(c.name) {
			continue
		}
		r := &result{done: make(chan struct{})}
		results[c.name] = r
		for name, text := range c.files {
			writeFile(t, certs, name, []byte(strings.ReplaceAll(text, "DIR", certs)))
		}
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			defer close(r.done)
			var both sync.WaitGroup
			both.Go(func() { r.want, r.theirs = c.run(reference, certs) })
			both.Go(func() { r.got, r.ours = c.run(engine, certs) })
			both.Wait()
		})
	}
	for i := range tlsCases {
		r := results[tlsCases[i].name]
		if r == nil {
			continue
		}
		t.Run(tlsCases[i].name, func(t *testing.T) {
			<-r.done
			switch {
			case r.theirs != nil || r.ours != nil:
				t.Fatalf("haproxy: %v\nbuiltin: %v", r.theirs, r.ours)
			case r.want != r.got:
				t.Errorf("--- haproxy\n%s--- builtin\n%s", r.want, r.got)
			}
		})
	}
}
