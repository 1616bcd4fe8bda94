package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

// bindOf is a bind line with one certificate.
func bindOf(file string) *spec.BindTLS {
	return &spec.BindTLS{TLS: anyVersion(spec.TLS{}), Certs: []string{file}, Extra: spec.ExtraFiles{Key: true, Issuer: true, OCSP: true, Timestamps: true}}
}

func acceptor(t *testing.T, s *Store, b *spec.BindTLS) *Acceptor {
	t.Helper()
	a, _, err := s.Acceptor(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func anyone(name string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: name} //nolint:gosec // the certificate is looked at by the test
}

// Certificates are made for names that there is none for, with the key of the first one,
// and no more of them are kept than are to be.
func TestMadeCertificates(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	b := bindOf(a.path("site"))
	b.Generate = &spec.Generate{CAFile: a.path("ca"), Cache: 3}
	b.StrictSNI = true
	acc := acceptor(t, NewStore(), b)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	for i := range 10 {
		name := fmt.Sprintf("number%d.test", i)
		for range 2 {
			_, st, err := shake(acc.Config(), &tls.Config{RootCAs: pool, ServerName: name})
			if err != nil {
				t.Fatal(err)
			}
			if got := st.PeerCertificates[0].Subject.String(); !strings.Contains(got, "CN="+name) {
				t.Errorf("%s: the certificate is for %s", name, got)
			}
		}
	}
	if n := len(acc.table.Load().maker.made); n != 3 {
		t.Errorf("%d certificates are kept, want 3", n)
	}
	if got, _, err := shake(acc.Config(), anyone("site.test")); got != "site" || err != nil {
		t.Errorf("got %q, %v for a name that there is a certificate for", got, err)
	}
	if _, _, err := shake(acc.Config(), anyone("")); err == nil {
		t.Error("a client that asks for no name is served in spite of strict-sni")
	}
	for file, want := range map[string]string{"absent": "cannot read the authority", "site.csr": "no certificate"} {
		a.write("site.csr", []byte("nothing"))
		b.Generate = &spec.Generate{CAFile: a.path(file), Cache: 3}
		if _, _, err := NewStore().Acceptor(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("signed by %s: %v", file, err)
		}
	}
}

// The key of the authority that signs may be under a password.
func TestSignerUnderPassword(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	text, err := os.ReadFile(a.path("ca"))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := strings.Cut(string(text), "-----BEGIN PRIVATE")
	a.write("locked", append([]byte(cert), encrypt(t, []byte("-----BEGIN PRIVATE"+key), "pkcs8", "-topk8")...))
	for password, want := range map[string]string{"secret": "", "other": "password", "": "password"} {
		b := bindOf(a.path("site"))
		b.Generate = &spec.Generate{CAFile: a.path("locked"), Cache: 3, Password: password}
		acc, _, err := NewStore().Acceptor(b)
		if want != "" {
			if err == nil {
				t.Errorf("password %q will do", password)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		if _, _, err := shake(acc.Config(), &tls.Config{RootCAs: pool, ServerName: "made.test"}); err != nil {
			t.Error(err)
		}
	}
}

// Lists of timestamps are sent to clients, and a list that is cut is none.
func TestTimestamps(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	list := []byte("\x00\x0b\x00\x05first\x00\x02no")
	a.write("site.sctl", list)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b := bindOf(a.path("site"))
		b.Extra.Timestamps = true
		cli := anyone("site.test")
		cli.MaxVersion = version
		_, st, err := shake(acceptor(t, NewStore(), b).Config(), cli)
		if err != nil || len(st.SignedCertificateTimestamps) != 2 || string(st.SignedCertificateTimestamps[0]) != "first" {
			t.Errorf("%04x: %q, %v", version, st.SignedCertificateTimestamps, err)
		}
	}
	for i := range list {
		if _, err := timestamps(list[:i]); err == nil {
			t.Errorf("the first %d bytes are a list", i)
		}
	}
}

// Processes with the same keys take each other's sessions, and keys are replaced one by one.
func TestTicketKeys(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	keys := func(n int, size int) string {
		var text strings.Builder
		for i := range n {
			text.WriteString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i + 1)}, size)) + "\n")
		}
		return text.String()
	}
	a.write("keys", []byte(keys(4, 48)))
	b := bindOf(a.path("site"))
	b.TicketKeys = a.path("keys")
	first, second := NewStore(), NewStore()
	one, other := acceptor(t, first, b), acceptor(t, second, b)
	cli := anyone("site.test")
	cli.ClientSessionCache, cli.MaxVersion = tls.NewLRUClientSessionCache(1), tls.VersionTLS12
	resumed := func(acc *Acceptor) bool {
		t.Helper()
		_, st, err := shake(acc.Config(), cli)
		if err != nil {
			t.Fatal(err)
		}
		return st.DidResume
	}
	if resumed(one) || !resumed(other) || !resumed(one) {
		t.Error("sessions do not go from one process to the other")
	}
	push := func(b byte) {
		t.Helper()
		if !first.PushTicketKey(0, bytes.Repeat([]byte{b}, 48)) {
			t.Fatal("a key of the right length was refused")
		}
	}
	if push(11); !resumed(one) {
		t.Error("the key is known still that sealed before")
	}
	push(12)
	push(13) // seals with 12 now; what the other has sealed with is forgotten
	if !resumed(other) || resumed(one) {
		t.Error("a key is known that was replaced")
	}
	if files, list := first.TicketFiles(); len(files) != 1 || files[0] != a.path("keys") || len(list[0]) != 3 {
		t.Errorf("%q, %q", files, list)
	}
	if first.PushTicketKey(0, make([]byte, 80)) {
		t.Error("a key of another length was taken")
	}
	for text, want := range map[string]string{keys(2, 48): "at least 3", keys(3, 47): "48 or 80 bytes", "!\n": "in base64", keys(2, 48) + keys(1, 80): "48 or 80 bytes"} {
		a.write("bad", []byte(text))
		b.TicketKeys = a.path("bad")
		if _, _, err := NewStore().Acceptor(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A response of OCSP goes to clients with the certificate that it is about, until another one
// takes its place.
func TestStapling(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good, revoked := read("stapled.pem.ocsp"), read("revoked.ocsp")
	s := NewStore()
	acc := acceptor(t, s, bindOf("testdata/stapled.pem"))
	staple := func(acc *Acceptor) []byte {
		t.Helper()
		_, st, err := shake(acc.Config(), anyone("stapled.test"))
		if err != nil {
			t.Fatal(err)
		}
		return st.OCSPResponse
	}
	if !bytes.Equal(staple(acc), good) {
		t.Error("the client does not get the response that is in the file")
	}
	if err := s.UpdateResponse(revoked); err != nil || !bytes.Equal(staple(acc), revoked) {
		t.Errorf("the client does not get the new response: %v", err)
	}
	list := s.Staples()
	if len(list) != 1 || !list[0].Response().Revoked || list[0].ID.Serial.Int64() != 0x100a || list[0].Response().RevokedAt.Year() != 2026 {
		t.Errorf("%+v", list)
	}
	if err := s.UpdateResponse([]byte("nothing")); !errors.Is(err, errUnparsable) || !bytes.Equal(staple(acc), revoked) {
		t.Errorf("what is no response is taken: %v", err)
	}
	stale := *list[0].Response()
	stale.NextUpdate = time.Now().Add(-time.Second)
	list[0].response.Store(&stale)
	if got := staple(acc); got != nil {
		t.Error("a response that is not good any more is given out")
	}

	write("alone.pem", read("stapled.pem"))
	write("alone.pem.ocsp", good)
	if _, _, err := NewStore().Acceptor(bindOf(dir + "/alone.pem")); err == nil || !strings.Contains(err.Error(), "issuer of the certificate is neither") {
		t.Errorf("without its issuer: %v", err)
	}
	without := bindOf(dir + "/alone.pem")
	without.Extra.OCSP = false
	if staple(acceptor(t, NewStore(), without)) != nil {
		t.Error("files are loaded that are not to be")
	}
	a := newAuthority(t)
	a.make("other", nil, false)
	text, _ := os.ReadFile(a.path("ca"))
	a.write("other.issuer", text)
	a.write("other.ocsp", good)
	if _, _, err := NewStore().Acceptor(bindOf(a.path("other"))); !errors.Is(err, errOtherCert) {
		t.Errorf("a response about another certificate: %v", err)
	}
	for n := range len(good) {
		if _, err := ParseResponse(good[:n]); err == nil {
			t.Fatalf("a response that ends after %d bytes was taken", n)
		}
	}
}

// What is exchanged at run time is in use at once, together, or not at all.
func TestExchange(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	a.make("client", nil, false)
	other := newAuthority(t)
	other.make("site", []string{"site.test", "new.test"}, false)
	other.make("client", nil, false)
	file := func(of *authority, name string) []byte {
		text, err := os.ReadFile(of.path(name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	b := bindOf(a.path("site"))
	b.CAFile, b.Verify = a.path("ca"), spec.VerifyRequired
	s := NewStore()
	acc := acceptor(t, s, b)
	con, _, err := s.Connector(&spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, Cert: a.path("client")})
	if err != nil {
		t.Fatal(err)
	}
	peer := con.To([]byte("x"))
	got := func() string {
		cfg := con.To([]byte("site.test")).Config().Clone()
		cfg.ClientSessionCache = nil // a session that goes on shows the certificate that it began with
		_, st, err := shake(acc.Config(), cfg)
		if err != nil {
			return "refused"
		}
		return fmt.Sprintf("%x", st.PeerCertificates[0].Signature)
	}
	before := got()
	set := func(k Kind, path string, text []byte) {
		t.Helper()
		if _, _, err := s.Set(k, path, text); err != nil {
			t.Fatal(err)
		}
	}
	site := a.path("site")
	// One part after the other, and nothing changes until all is there.
	whole := file(other, "site")
	at := bytes.Index(whole, []byte("-----BEGIN PRIVATE"))
	set(Certs, site, whole[:at])
	if _, err := s.Commit(Certs, site); !errors.Is(err, ErrIncomplete) {
		t.Errorf("without its key: %v", err)
	}
	set(Certs, site+".key", file(a, "client")[bytes.Index(file(a, "client"), []byte("-----BEGIN PRIVATE")):])
	if _, err := s.Commit(Certs, site); !errors.Is(err, ErrMismatch) {
		t.Errorf("with another one's key: %v", err)
	}
	if now := got(); now != before {
		t.Errorf("%s, before %s", now, before)
	}
	set(Certs, site+".key", whole[at:])
	if n, err := s.Commit(Certs, site); n != 1 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
	if now := got(); now == before || now == "refused" {
		t.Errorf("still %s", now)
	}
	// The authority of clients, then the certificate that a server is shown.
	set(CAs, a.path("ca"), file(other, "ca"))
	if _, err := s.Commit(CAs, a.path("ca")); err != nil || got() != "refused" {
		t.Errorf("the old authority is trusted: %v", err)
	}
	set(Certs, a.path("client"), file(other, "client"))
	if _, err := s.Commit(Certs, a.path("client")); err != nil || got() == "refused" {
		t.Errorf("the new client is refused: %v", err)
	}
	if con.To([]byte("x")) == peer {
		t.Error("connections that showed the old certificate count as good as new ones")
	}
	// What cannot be used changes nothing.
	if _, _, err := s.Set(CAs, a.path("ca"), []byte("nothing")); err == nil {
		t.Error("no certificates were taken for authorities")
	}
	if err := s.Delete(CAs, a.path("ca")); !errors.Is(err, ErrInUse) {
		t.Errorf("deleting what is in use: %v", err)
	}
	if _, err := s.Commit(CAs, a.path("ca")); !errors.Is(err, ErrNoTransaction) {
		t.Errorf("%v", err)
	}
}

// Entries come to lists and go, and only the names of the list change.
func TestListsChange(t *testing.T) {
	a := newAuthority(t)
	a.make("first", []string{"first.test"}, false)
	a.make("second", []string{"second.test"}, false)
	second, err := os.ReadFile(a.path("second"))
	if err != nil {
		t.Fatal(err)
	}
	b := bindOf(a.path("first"))
	b.Lists = []spec.CertList{{File: "list", Entries: []spec.CertEntry{{Line: 1, Cert: a.path("first"), TLS: anyVersion(spec.TLS{}), Names: []string{"listed.test"}}}}}
	s := NewStore()
	acc := acceptor(t, s, b)
	read := func(b *spec.BindTLS) (spec.CertEntry, error) {
		return spec.CertEntry{Cert: "new", TLS: b.TLS, Names: []string{"added.test"}}, nil
	}
	if _, err := s.AddEntry("list", "new", read); !errors.Is(err, ErrIncomplete) {
		t.Errorf("a certificate that there is not: %v", err)
	}
	if err := s.New(Certs, "new"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Set(Certs, "new", second); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Commit(Certs, "new"); n != 0 || err != nil {
		t.Fatalf("%d lines, %v", n, err)
	}
	if n, err := s.AddEntry("list", "new", read); n != 1 || err != nil {
		t.Fatalf("%d lines, %v", n, err)
	}
	for name, want := range map[string]string{"added.test": "second", "second.test": "first", "listed.test": "first"} {
		if got, _, err := shake(acc.Config(), anyone(name)); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if err := s.Delete(Certs, "new"); !errors.Is(err, ErrInUse) {
		t.Errorf("%v", err)
	}
	// One that cannot be used leaves the list as it was.
	if n, err := s.AddEntry("list", "new", func(*spec.BindTLS) (spec.CertEntry, error) {
		return spec.CertEntry{Cert: "new", TLS: anyVersion(spec.TLS{Verify: spec.VerifyRequired, CAFile: "absent"})}, nil
	}); n != 0 || err == nil {
		t.Errorf("%d lines take an entry whose authorities there are not: %v", n, err)
	}
	entries, _ := s.List("list")
	if len(entries) != 2 || Entry(&entries[1], true, "2") != "new:2 added.test" || entries[1].Line != 2 {
		t.Errorf("%+v", entries)
	}
	if n, err := s.DeleteEntry("list", 2); n != 1 || err != nil {
		t.Fatalf("%d lines, %v", n, err)
	}
	if got, _, _ := shake(acc.Config(), anyone("added.test")); got != "first" {
		t.Errorf("the name of an entry that is gone is for %s", got)
	}
	if err := s.Delete(Certs, "new"); err != nil {
		t.Error(err)
	}
}

// Handshakes go on while certificates are exchanged, each with one or the other.
func TestExchangeUnderHandshakes(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	s := NewStore()
	acc := acceptor(t, s, bindOf(a.path("site")))
	text, err := os.ReadFile(a.path("site"))
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, _, err := shake(acc.Config(), anyone("site.test")); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 100 {
		if _, _, err := s.Set(Certs, a.path("site"), text); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(Certs, a.path("site")); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// refusing is a user of files that cannot do with what is new.
type refusing struct{}

func (refusing) refersTo(string) bool { return true }

func (refusing) remake(*Store) (use func(), err error) { return nil, errNoCertificate }

// What one of the lines cannot use is used by none, and the transaction goes on.
func TestExchangeThatFails(t *testing.T) {
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	a.make("new", []string{"new.test"}, false)
	s := NewStore()
	acc, _, err := s.Acceptor(&spec.BindTLS{TLS: anyVersion(spec.TLS{}), Certs: []string{a.path("site")}})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := s.Certificate(a.path("site"), false)
	table := acc.table.Load()
	s.users = append(s.users, refusing{})
	text, err := os.ReadFile(a.path("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Set(Certs, a.path("site"), text); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(Certs, a.path("site")); err == nil {
		t.Fatal("what a line cannot use was put into use")
	}
	if after, _ := s.Certificate(a.path("site"), false); after != before || acc.table.Load() != table {
		t.Error("something of it is in use")
	}
	if s.Pending(Certs) != a.path("site") {
		t.Error("the transaction is gone")
	}
	s.users = s.users[:1]
	if _, err := s.Commit(Certs, a.path("site")); err != nil {
		t.Errorf("where all can use it: %v", err)
	}
	if after, _ := s.Certificate(a.path("site"), false); after == before || acc.table.Load() == table {
		t.Error("it is not in use")
	}
}
