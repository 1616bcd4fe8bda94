package cli

import (
	"io"
	"strings"
	"testing"
	"time"
)

// FuzzConversation sends any text in pieces, as a whole dialogue: commands, payloads,
// separators and escapes, cut anywhere. Each connection comes to an end once its client
// has ended, no command fails in a way nobody thought of, and the next client is served.
func FuzzConversation(f *testing.F) {
	for _, s := range []string{
		"show info\n", "prompt\nshow stat\nquit\n", "set map a <<\nx y\n\nshow map\n", "show info;show stat -1 4 -1\n",
		"a\\;b \\\\ c\\ d\n", "user;set weight be/s1 3\n", "set server be/s1 state drain\r\n", "expert-mode on;experimental-mode on\n",
		"add map @1 m <<\nk v\n\ncommit map @1 m\n", "show sess all\nshow sess 0x1\nshow errors\n", "help show\n\n\n", "show table t key 1 data.x\n",
		strings.Repeat("x", LineSize+1) + "\n", "set ssl cert a <<\n" + strings.Repeat("y\n", 100),
	} {
		f.Add(s, byte(3))
	}
	f.Fuzz(func(t *testing.T, text string, pieces byte) {
		for _, slow := range []string{"wait", "show events", "_getsocks"} {
			if strings.Contains(text, slow) {
				return // takes as long as it is told to
			}
		}
		_, path := start(t, newFake(), Options{Timeout: 30 * time.Second}, Access{Level: AdminLevel})
		c := dial(t, path)
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		answered := make(chan string)
		go func() {
			b, _ := io.ReadAll(c) // it may be reset behind a "quit" or a line that is too long
			answered <- string(b)
		}()
		size := max(len(text)/(int(pieces)+1), 1)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := c.Write([]byte(rest[:n])); err != nil {
				break // it has said "quit"
			}
			rest = rest[n:]
		}
		_ = c.CloseWrite()
		if got := <-answered; strings.Contains(got, "Internal error") {
			t.Errorf("%q is answered with %q", text, got)
		}
		if got := ask(t, path, "show cli level"); !strings.HasPrefix(got, "admin") {
			t.Errorf("after %q the next client is answered with %q", text, got)
		}
	})
}
