package hub

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/wire"
)

// notes gathers what a hub says.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) take(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, line)
}

// wait waits until something was said that has the text in it.
func (n *notes) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		n.mu.Lock()
		said := strings.Join(n.all, "\n")
		n.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t.Errorf("nothing was said about %q: %q", text, n.all)
}

func start(t *testing.T, dir string) (*Hub, *notes) {
	t.Helper()
	n := &notes{}
	h, err := Start(Options{Listen: "127.0.0.1:0", Store: dir, Note: n.take})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h, n
}

func connect(t *testing.T, a *wire.Address, name string) *nats.Conn {
	t.Helper()
	nc, err := wire.Connect(a, wire.Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestWhoIsLetIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, said := start(t, dir)
	join, run := h.JoinAddress(h.Listens()), h.RunAddress(h.Listens())
	connect(t, join, wire.ClientOfHost("gen1"))
	connect(t, run, wire.ClientOfRun("r1"))

	other, err := newKey(purposeJoin, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, wrongPin, past := *join, *join, *join
	stranger.Seed = other.Seed
	wrongPin.Pin = strings.Repeat("A", 43)
	past.Expiry = time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name    string
		address *wire.Address
		client  string
		want    string // of the error
		hub     string // what the hub says, if it comes that far
	}{
		{"another hub's token", &stranger, wire.ClientOfHost("gen1"), "refuses the token", "its token is not of this hub"},
		{"another hub's key", &wrongPin, wire.ClientOfHost("gen1"), "not the hub that made the token", ""},
		{"an expired token", &past, wire.ClientOfHost("gen1"), "the token has expired", ""},
		{"a host that would be a run", join, wire.ClientOfRun("r1"), "refuses the token", `its token is for "join"`},
		{"a run that would be a host", run, wire.ClientOfHost("gen1"), "refuses the token", `its token is for "run"`},
		{"a name of several words", join, "host-gen1.x", "refuses the token", "is no name of a host"},
	} {
		nc, err := wire.Connect(c.address, wire.Options{Name: c.client})
		if err == nil {
			nc.Close()
			t.Errorf("%s is let in", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.hub != "" {
			said.wait(t, c.hub)
		}
	}
	// What has no token is taken for somebody else's NATS server, and says what is missing.
	if nc, err := wire.Connect(&wire.Address{URL: "nats://" + h.Listens()}, wire.Options{Name: wire.ClientOfHost("gen1")}); err == nil {
		nc.Close()
		t.Error("somebody without a token is let in")
	} else if !strings.Contains(err.Error(), "the token is missing") {
		t.Error(err)
	}
	if nc, err := nats.Connect("nats://"+h.Listens(), nats.Secure(&tls.Config{InsecureSkipVerify: true}), nats.TLSHandshakeFirst()); err == nil {
		nc.Close()
		t.Error("somebody without a token is let in")
	}
	said.wait(t, "it has no token")
}

// A token that has expired is refused by the hub, too, whatever the client says of it.
func TestExpiredKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, said := start(t, dir)
	a := h.JoinAddress(h.Listens())
	h.id.mu.Lock()
	for _, k := range h.id.keys {
		k.Expires = time.Now().Add(-time.Second)
	}
	h.id.mu.Unlock()
	a.Expiry = time.Time{}
	if nc, err := wire.Connect(a, wire.Options{Name: wire.ClientOfHost("gen1")}); err == nil {
		nc.Close()
		t.Error("let in")
	}
	said.wait(t, "its token has expired")
}

func TestKeysAreKeptUntilTheyExpire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, _ := start(t, dir)
	first := h.JoinAddress("h:1").String()
	if _, err := Start(Options{Listen: "127.0.0.1:0", Store: dir}); err == nil || !strings.Contains(err.Error(), "another hub uses") {
		t.Errorf("a second hub in the same directory: %v", err)
	}
	if _, err := Start(Options{Listen: h.Listens(), Store: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second hub on the same port: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h, _ = start(t, dir)
	if again := h.JoinAddress("h:1").String(); again != first {
		t.Errorf("another token after a restart: %s, %s", first, again)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileKeys, fileCertificate} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	path := filepath.Join(dir, fileKeys)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var keys []*key
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		k.Expires = time.Now().Add(-time.Hour)
	}
	if text, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	h, _ = start(t, dir)
	if again := h.JoinAddress("h:1").String(); again == first {
		t.Error("an expired token is still given out")
	}
}

// Everybody is held to the subjects of its own host or run.
func TestSubjectsOutsideTheOwn(t *testing.T) {
	t.Parallel()
	h, _ := start(t, t.TempDir())
	violated := make(chan string, 64)
	open := func(a *wire.Address, client string) *nats.Conn {
		nc, err := wire.Connect(a, wire.Options{Name: client, Refused: func(err error) { violated <- err.Error() }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	host := open(h.JoinAddress(h.Listens()), wire.ClientOfHost("gen1"))
	run := open(h.RunAddress(h.Listens()), wire.ClientOfRun("r1"))
	expect := func(what string) {
		t.Helper()
		select {
		case <-violated:
		case <-time.After(20 * time.Second):
			t.Errorf("not refused: %s", what)
		}
	}
	for _, subject := range []string{
		wire.Beat("gen2"), wire.HelloOf("gen2"), wire.Full, wire.Output("r1", "gen2", "p1"), wire.Orders("gen2", "r1", "run"), wire.Orders("gen1", "r1", "run"),
		wire.RunBeat("r1"), "$JS.API.STREAM.DELETE." + wire.Stream("r1"), "other",
	} {
		if err := host.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
		expect("a host publishes " + subject)
	}
	for _, subject := range []string{wire.AnyOrders("gen2"), wire.Inbox(wire.ClientOfHost("gen2")) + ".>", wire.AnyOutput("r1"), ">"} {
		if _, err := host.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		expect("a host listens to " + subject)
	}
	for _, subject := range []string{
		wire.Orders("gen1", "r2", "run"), wire.RunBeat("r2"), wire.Beat("gen1"), wire.HelloOf("gen1"), wire.Full, "$JS.API.STREAM.DELETE." + wire.Stream("r2"),
		"$JS.API.CONSUMER.CREATE." + wire.Stream("r2") + ".c", "$SYS.REQ.SERVER.PING",
	} {
		if err := run.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
		expect("a run publishes " + subject)
	}
	for _, subject := range []string{wire.AnyOrders("gen1"), wire.Inbox(wire.ClientOfRun("r2")) + ".>"} {
		if _, err := run.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		expect("a run listens to " + subject)
	}
	// What is its own, a run may.
	js, err := jetstream.New(run)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: wire.Stream("r1"), Subjects: []string{wire.AnyOutput("r1")}}); err != nil {
		t.Error(err)
	}
	if ack, err := host.RequestMsgWithContext(ctx, &nats.Msg{Subject: wire.Output("r1", "gen1", "p1"), Data: []byte("x")}); err != nil || !strings.Contains(string(ack.Data), `"seq":1`) {
		t.Errorf("output of a host: %v, %v", ack, err)
	}
	c, err := js.OrderedConsumer(ctx, wire.Stream("r1"), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second)); err != nil || string(m.Data()) != "x" {
		t.Errorf("what a run reads: %v, %v", m, err)
	}
	if err := js.DeleteStream(ctx, wire.Stream("r1")); err != nil {
		t.Error(err)
	}
}

// Whoever talks nonsense, or too much, is cut off, and nobody else notices.
func TestNonsense(t *testing.T) {
	t.Parallel()
	h, _ := start(t, t.TempDir())
	good := connect(t, h.JoinAddress(h.Listens()), wire.ClientOfHost("gen1"))
	raw, err := net.Dial("tcp", h.Listens())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _ = raw.Write([]byte(strings.Repeat("\x00\xffgarbage\r\n", 1000)))
	secure := func() *tls.Conn {
		c, err := tls.Dial("tcp", h.Listens(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for name, text := range map[string]string{
		"garbage":                    strings.Repeat("\x01\x02 no protocol \r\n", 1000),
		"a message of 100 MB":        "CONNECT {}\r\nPUB b.who 104857600\r\n" + strings.Repeat("x", 1<<20),
		"a line without an end":      strings.Repeat("x", 1<<20),
		"a command before a welcome": "SUB > 1\r\n",
	} {
		c := secure()
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection stays", name)
		}
	}
	if err := good.Publish(wire.Beat("gen1"), make([]byte, 2<<20)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("a message over the limit: %v", err)
	}
	if err := good.FlushTimeout(20 * time.Second); err != nil {
		t.Errorf("others notice: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	h, _ := start(t, t.TempDir())
	a := h.JoinAddress("10.0.0.5:4222")
	a.Expiry = time.Unix(1_900_000_000, 0)
	got, err := wire.ParseAddress(a.String())
	if err != nil || *got != *a {
		t.Errorf("%+v, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "hub")
	if err := os.WriteFile(file, []byte(a.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := wire.ParseAddress("@" + file); err != nil || *got != *a {
		t.Errorf("of a file: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "10.0.0.5:4222", "nats://h:1#x", "nats://h:1#" + a.Seed, "nats://h:1#" + a.Seed + "." + a.Pin, a.String() + "z", "@/no/such/file"} {
		if _, err := wire.ParseAddress(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if got, err := wire.ParseAddress("nats://user:pass@cluster:4222"); err != nil || got.Seed != "" {
		t.Errorf("a cluster of somebody else: %+v, %v", got, err)
	}
}
