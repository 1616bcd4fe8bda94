package hub

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"bench/internal/hosts/wire"
)

// greeted is a connection that has read what the hub says first, and the number that has to
// be signed.
func greeted(t *testing.T, h *Hub) (c *tls.Conn, lines *bufio.Reader, nonce string) {
	t.Helper()
	c, err := tls.Dial("tcp", h.Listens(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	lines = bufio.NewReader(c)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info struct{ Nonce string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil || info.Nonce == "" {
		t.Fatalf("%q: %v", line, err)
	}
	return c, lines, info.Nonce
}

// What somebody has said to come in is of no use to whoever has heard it: what is signed is
// another number each time.
func TestReplayedJoin(t *testing.T) {
	t.Parallel()
	h, said := start(t, t.TempDir())
	pair, err := nkeys.FromSeed([]byte(h.JoinAddress("h:1").Seed))
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	c, lines, nonce := greeted(t, h)
	signature, err := pair.Sign([]byte(nonce))
	if err != nil {
		t.Fatal(err)
	}
	join := fmt.Sprintf(`CONNECT {"verbose":true,"nkey":%q,"sig":%q,"name":%q}`+"\r\n", public, base64.RawURLEncoding.EncodeToString(signature), wire.ClientOfHost("gen1"))
	if _, err := c.Write([]byte(join)); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); err != nil || line != "+OK\r\n" {
		t.Fatalf("the first time: %q, %v", line, err)
	}
	c, lines, _ = greeted(t, h)
	if _, err := c.Write([]byte(join)); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); err == nil && !strings.HasPrefix(line, "-ERR 'Authorization") {
		t.Errorf("once more: %q", line)
	}
	said.wait(t, "it does not have the secret of its token")
	for _, bad := range []string{"", "AAAA", strings.Repeat("A", 86), "no base64!"} {
		c, lines, _ := greeted(t, h)
		text := fmt.Sprintf(`CONNECT {"verbose":true,"nkey":%q,"sig":%q,"name":%q}`+"\r\n", public, bad, wire.ClientOfHost("gen1"))
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); err == nil && !strings.HasPrefix(line, "-ERR 'Authorization") {
			t.Errorf("signature %q: %q", bad, line)
		}
	}
}
