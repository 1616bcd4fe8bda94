package sidebyside

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"bench/internal/proc"
)

// openers is how many connections are opened at a time. A poller that goes through
// all connections at each event then finds several ready.
const openers = 64

// Hold opens n connections, of which each makes one request and then idles, says so
// with a line on out, and keeps them until in or ctx ends. It fails, if at all,
// before that.
func Hold(ctx context.Context, addr string, n int, in io.Reader, out io.Writer) error {
	groups := make([]idlers, min(openers, max(n, 1)))
	failed := make([]error, len(groups))
	var all sync.WaitGroup
	for i := range groups {
		l := &groups[i]
		l.addr = addr
		defer l.close()
		share := (n + i) / len(groups) // the shares add up to n
		all.Go(func() { failed[i] = l.grow(ctx, share) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, n); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(ended)
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
	return nil
}

// holdLimit bounds the opening of idle connections.
const holdLimit = time.Minute

// hold starts a process that holds idle connections: each proxy's are in one of
// their own, because descriptors are limited by process.
func (b *bed) hold(ctx context.Context, addr string, n int) error {
	if n == 0 {
		return nil
	}
	ready, w := io.Pipe()
	p, err := b.group.Start(proc.Spec{
		Name: "idle clients", CPUs: []int{b.o.LoadCPU}, Stdout: w, StdinPipe: true,
		Args: []string{b.o.Self, "agent", "hold", addr, strconv.Itoa(n)},
	})
	if err != nil {
		return err
	}
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(ready).ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	defer func() { _ = ready.Close() }()
	ctx, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	select {
	case text := <-line:
		if text == strconv.Itoa(n) {
			return nil
		}
		return fmt.Errorf("holding %d idle connections: %q", n, text)
	case <-p.Done():
		return fmt.Errorf("holding %d idle connections: %s: %s", n, p.State(), p.Output())
	case <-ctx.Done():
		return fmt.Errorf("holding %d idle connections: %w", n, ctx.Err())
	}
}
