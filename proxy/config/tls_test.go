package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files that a configuration names relative to another directory are found again when the
// engine is made, wherever the process is then.
func TestCertificatesUnderDefaultPath(t *testing.T) {
	text, err := os.ReadFile("testdata/tls/site.pem")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "site.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	env := testEnv()
	env.Chdir = os.Chdir
	cfg, diags := Load([]Source{{Name: filepath.Join(dir, "t.cfg"), Text: []byte("global\ndefault-path config\nlisten l\nmode http\nbind 127.0.0.1:8443 ssl crt site.pem\nserver s 127.0.0.1:1 ssl verify none crt site.pem\n")}}, env)
	if cfg == nil {
		t.Fatal(printed(diags))
	}
	px := cfg.Proxies[0]
	for _, path := range []string{px.Binds[0].TLS.Certs[0], px.Servers[0].TLS.Cert} {
		if path != filepath.Join(dir, "site.pem") {
			t.Errorf("the certificate is looked for at %s", path)
		}
	}
}

// A line with a certificate and without "ssl" is served in clear, as by the reference, which says
// nothing about it.
func TestCertificateWithoutSSL(t *testing.T) {
	for bind, want := range map[string]int{"crt testdata/tls/site.pem": 1, "ssl crt testdata/tls/site.pem": 0, "": 0} {
		cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte("listen l\nmode http\nbind 127.0.0.1:8443 " + bind + "\nserver s 127.0.0.1:1\n")}}, testEnv())
		if cfg == nil {
			t.Fatal(printed(diags))
		}
		if got := strings.Count(printed(diags), "its clients are served in clear"); got != want || (cfg.Proxies[0].Binds[0].TLS != nil) != strings.HasPrefix(bind, "ssl") {
			t.Errorf("%q: %s", bind, printed(diags))
		}
	}
}
