package engine_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const certsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe ssl crt %[2]s/stapled.pem crt %[2]s/dir crt-list %[2]s/list tls-ticket-keys %[2]s/tickets.txt ca-file %[2]s/ca.pem crl-file %[2]s/crl.pem verify optional
    http-request return status 200 content-type text/plain lf-string "%%[ssl_f_s_dn]"
`

// certFiles puts certificates and what belongs to them into a directory.
func certFiles(t *testing.T) (dir string, read func(name string) string) {
	t.Helper()
	dir = t.TempDir()
	for _, from := range []string{"../config/testdata/tls/site.pem", "../config/testdata/tls/rsa.pem", "../config/testdata/tls/ca.pem", "../config/testdata/tls/crl.pem", "../config/testdata/tls/tickets.txt", "../certs/testdata/stapled.pem", "../certs/testdata/stapled.pem.ocsp", "../certs/testdata/stapled.pem.issuer", "../certs/testdata/revoked.ocsp"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read = func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`\n\n+`).ReplaceAllString(string(text), "\n")
	}
	for name, text := range map[string]string{"dir/a.pem": read("site.pem"), "list": dir + "/site.pem [ssl-min-ver TLSv1.2] a.test !b.test\n" + dir + "/rsa.pem\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, read
}

// block is the first block of a kind of a text in PEM.
func block(text, kind string) string {
	return regexp.MustCompile(`(?s)-----BEGIN ` + kind + `-----.*?-----END ` + kind + "-----\n").FindString(text)
}

// certsDialogue are commands whose answers are compared. DIR is that of the files.
func certsDialogue(read func(string) string) []string {
	with := func(command, payload string) string { return command + " <<\n" + payload }
	site, stapled := read("site.pem"), read("stapled.pem")
	cert := block(site, "CERTIFICATE")
	key := site[strings.Index(site, "-----BEGIN PRIVATE"):]
	revoked := base64.StdEncoding.EncodeToString([]byte(read("revoked.ocsp")))
	list := []string{
		"show ssl cert", "show ssl cert DIR/stapled.pem", "show ssl cert DIR/rsa.pem", "show ssl cert none", "show ssl cert *DIR/rsa.pem",
		"new ssl cert", "new ssl cert DIR/rsa.pem", "new ssl cert new.pem", "show ssl cert", "show ssl cert new.pem",
		"set ssl cert", "set ssl cert new.pem", with("set ssl cert absent.pem", site), with("set ssl cert new.pem", "nothing\n"), with("set ssl cert new.pem.key", "nothing\n"),
		with("set ssl cert new.pem", cert), "commit ssl cert new.pem", with("set ssl cert new.pem.key", key), "show ssl cert", "show ssl cert *new.pem",
		"abort ssl cert", "abort ssl cert DIR/site.pem", "commit ssl cert", "commit ssl cert DIR/site.pem", "del ssl cert new.pem",
		"commit ssl cert new.pem", "commit ssl cert new.pem", "abort ssl cert new.pem", "show ssl cert", "show ssl cert new.pem",
		"show ssl crt-list", "show ssl crt-list DIR/list", "show ssl crt-list -n DIR/list", "show ssl crt-list DIR/dir", "show ssl crt-list none", "show ssl crt-list -n",
		"add ssl crt-list", "add ssl crt-list DIR/list", "add ssl crt-list none new.pem", "add ssl crt-list DIR/list absent.pem", "add ssl crt-list DIR/list new.pem",
		"show ssl crt-list -n DIR/list", with("add ssl crt-list DIR/list", "new.pem [ssl-min-ver TLSv1.3] c.test\n"), "show ssl crt-list -n DIR/list", "add ssl crt-list DIR/dir new.pem",
		"show ssl cert new.pem", "del ssl cert new.pem", "del ssl crt-list DIR/list", "del ssl crt-list DIR/list absent.pem", "del ssl crt-list DIR/list new.pem",
		"del ssl crt-list DIR/list new.pem:9", "del ssl crt-list DIR/list new.pem:3", "del ssl crt-list DIR/list new.pem", "del ssl crt-list none new.pem", "del ssl crt-list DIR/list DIR/site.pem",
		"show ssl crt-list -n DIR/list", "del ssl cert new.pem", "del ssl cert new.pem", "del ssl cert DIR/site.pem", "del ssl cert", "del ssl cert DIR/rsa.pem",
		"show ssl ca-file DIR/ca.pem", "show ssl ca-file DIR/ca.pem:1", "show ssl ca-file DIR/ca.pem:7", "show ssl ca-file none",
		"show ssl crl-file", "show ssl crl-file DIR/crl.pem", "show ssl crl-file DIR/crl.pem:1", "show ssl crl-file none",
		"show tls-keys", "show tls-keys *", "show tls-keys #0", "show tls-keys DIR/tickets.txt", "show tls-keys #9", "show tls-keys #x",
		"set ssl tls-key", "set ssl tls-key #0", "set ssl tls-key none AAAA", "set ssl tls-key #0 ????", "set ssl tls-key #0 AAAA",
		"set ssl tls-key DIR/tickets.txt AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v", "show tls-keys *",
		"show ssl ocsp-response", "show ssl ocsp-response 30", "set ssl ocsp-response", "set ssl ocsp-response ????", "set ssl ocsp-response AAAA",
		"set ssl ocsp-response " + revoked, with("set ssl ocsp-response", revoked+"\n"),
		with("set ssl cert DIR/stapled.pem", stapled), with("set ssl cert DIR/stapled.pem.issuer", read("stapled.pem.issuer")), "commit ssl cert DIR/stapled.pem",
	}
	for _, k := range []struct{ word, file, good string }{{"ca-file", "DIR/ca.pem", cert}, {"crl-file", "DIR/crl.pem", read("crl.pem")}} {
		list = append(list,
			"new ssl "+k.word, "new ssl "+k.word+" "+k.file, "new ssl "+k.word+" x.pem", "set ssl "+k.word, with("set ssl "+k.word+" none", k.good), with("set ssl "+k.word+" x.pem", "nothing\n"),
			with("set ssl "+k.word+" x.pem", k.good), with("set ssl "+k.word+" "+k.file, k.good), with("set ssl "+k.word+" x.pem", k.good), "show ssl "+k.word+" *x.pem",
			"commit ssl "+k.word, "commit ssl "+k.word+" "+k.file, "commit ssl "+k.word+" x.pem", "commit ssl "+k.word+" x.pem", "abort ssl "+k.word+" x.pem", "abort ssl "+k.word,
			with("set ssl "+k.word+" "+k.file, k.good), "abort ssl "+k.word+" "+k.file, "del ssl "+k.word+" "+k.file, "del ssl "+k.word+" x.pem", "del ssl "+k.word+" x.pem", "del ssl "+k.word,
		)
	}
	return append(list, "del ssl crl-file DIR/ca.pem", "show ssl crl-file")
}

// Each answer is that of the reference.
func TestCertificatesAtRunTimeAsTheReference(t *testing.T) {
	dir, read := certFiles(t)
	p := startPair(t, certsConfig, dir)
	// There each line is a step of its own, which shows as a dot.
	dots := regexp.MustCompile(`(?m)^((?:Committing|Inserting) .*?)\.+$`)
	for _, command := range certsDialogue(read) {
		command = strings.ReplaceAll(command, "DIR", dir)
		theirs, ours := p.both(t, "stats", command)
		if theirs, ours = dots.ReplaceAllString(theirs, "$1"), dots.ReplaceAllString(ours, "$1"); ours != theirs {
			t.Errorf("%s\ngot  %q\nwant %q", command, ours, theirs)
		}
	}
}

// A certificate is exchanged, again and again, while clients shake hands and others use
// connections that they have: nothing fails, and who comes after the answer gets the new one.
func TestCertificatesAreExchangedUnderLoad(t *testing.T) {
	files, read := certFiles(t)
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(certsConfig, dir, files))
	dial := func() *tls.Conn {
		raw, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			t.Error(err)
			return nil
		}
		return tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "a.test"}) //nolint:gosec // the certificate is looked at by the test
	}
	get := func(c *tls.Conn) string {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Error(err)
			return ""
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return string(body)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			c := dial()
			for c != nil && !stop.Load() && !t.Failed() {
				get(c)
				if i > 0 { // the first one keeps its connection
					c.Close()
					c = dial()
				}
			}
			if c != nil {
				c.Close()
			}
		})
	}
	names := map[string]string{"site.pem": "/CN=site.example", "rsa.pem": "/CN=rsa.example"}
	for range 10 {
		for file, want := range names {
			target := files + "/site.pem"
			for _, command := range []string{"set ssl cert " + target + " <<\n" + read(file), "commit ssl cert " + target} {
				if answer := ask(t, filepath.Join(dir, "stats"), command); !strings.Contains(answer, "created") && !strings.Contains(answer, "Success!") {
					t.Fatal(answer)
				}
			}
			if c := dial(); c != nil {
				if got := get(c); got != want {
					t.Errorf("the certificate is %s, want %s", got, want)
				}
				c.Close()
			}
		}
	}
	stop.Store(true)
	wg.Wait()
}
