package loop

import (
	"testing"

	"bench/internal/owned"
)

// What belongs to a loop is not touched from elsewhere while it runs.
func TestOwn(t *testing.T) {
	l, err := New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	refused := func() (yes bool) {
		defer func() { yes = recover() != nil }()
		l.StopTimer(&Timer{})
		return
	}
	if refused() {
		t.Error("refused before the loop runs")
	}
	ended := make(chan error)
	go func() { ended <- l.Run() }()
	inside := true
	l.Call(func() { inside = refused() })
	if inside {
		t.Error("refused on the loop")
	}
	if refused() != owned.On {
		t.Errorf("refused elsewhere: %v", !owned.On)
	}
	l.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if refused() {
		t.Error("refused after the end")
	}
}
