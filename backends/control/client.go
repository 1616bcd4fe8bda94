package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"bench/internal/loop"
)

// Client talks to the control endpoint of one origin process. It is safe for
// use by several goroutines.
type Client struct {
	addr string
	http http.Client
}

// NewClient returns a client for the endpoint at addr: "127.0.0.1:9000",
// "[::1]:9000", "/run/x.sock", "unix@/run/x.sock" or "abns@name". Nothing is
// sent yet.
func NewClient(addr string) *Client {
	network, target := dialTarget(addr)
	var d net.Dialer
	return NewClientOver(addr, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, target) })
}

// NewClientOver returns a client for an endpoint that dial reaches.
func NewClientOver(addr string, dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{addr: addr, http: http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConns:    4,
		IdleConnTimeout: time.Minute,
	}}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// WaitReady asks until the origin serves, or ctx ends.
func (c *Client) WaitReady(ctx context.Context) error {
	for {
		err := c.do(ctx, http.MethodGet, "/ready", nil, nil)
		if err == nil || !notYet(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("origin at %s is not ready: %w", c.addr, errors.Join(ctx.Err(), err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Apply orders a fault. An origin that crashes before its answer gets out has done
// what it was told; its record then lacks the id.
func (c *Client) Apply(ctx context.Context, f Fault) (*Applied, error) {
	a, err := call[Applied](ctx, c, http.MethodPost, "/faults", f)
	if f.Kind == Crash && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) {
		now := loop.Nanotime()
		return &Applied{BeginNs: now, EndNs: now}, nil
	}
	return a, err
}

// Clear ends faults before their time; the zero order ends all.
func (c *Client) Clear(ctx context.Context, o ClearOrder) (*Cleared, error) {
	return call[Cleared](ctx, c, http.MethodPost, "/clear", o)
}

// Reset begins counting afresh. Requests under way are then counted as
// received by the new count when they end, so that it stays balanced.
func (c *Client) Reset(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/reset", struct{}{}, nil)
}

// Counters reads all counters.
func (c *Client) Counters(ctx context.Context) (*Counters, error) {
	return call[Counters](ctx, c, http.MethodGet, "/counters", nil)
}

// IDs reads the exact request numbers, about 16 KiB a class and 65,536 of them
// at worst.
func (c *Client) IDs(ctx context.Context) (*IDs, error) {
	return call[IDs](ctx, c, http.MethodGet, "/ids", nil)
}

// State reads what is in force.
func (c *Client) State(ctx context.Context) (*State, error) {
	return call[State](ctx, c, http.MethodGet, "/state", nil)
}

// Events reads all faults so far, in order of their ids.
func (c *Client) Events(ctx context.Context) ([]Event, error) {
	e, err := call[[]Event](ctx, c, http.MethodGet, "/events", nil)
	if err != nil {
		return nil, err
	}
	return *e, nil
}

func call[T any](ctx context.Context, c *Client, method, path string, in any) (*T, error) {
	out := new(T)
	if err := c.do(ctx, method, path, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// statusError is an answer other than 200.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// notYet tells the errors of an endpoint that may still come up.
func notYet(err error) bool {
	if s, ok := errors.AsType[*statusError](err); ok {
		return s.status == http.StatusServiceUnavailable
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("origin control %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://origin"+path, body)
	if err != nil {
		return fmt.Errorf("origin control %s: %w", path, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("origin control at %s: %w", c.addr, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("origin control at %s: %s: %w", c.addr, path, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("origin control at %s: %s: %w", c.addr, path,
			&statusError{res.StatusCode, strings.TrimSpace(string(text))})
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("origin control at %s: %s: %w", c.addr, path, err)
	}
	return nil
}

// dialTarget turns an address as flags have it into what package net wants.
func dialTarget(addr string) (network, target string) {
	if path, ok := strings.CutPrefix(addr, "unix@"); ok {
		return "unix", path
	}
	if name, ok := strings.CutPrefix(addr, "abns@"); ok {
		return "unix", abstractName(name)
	}
	if strings.HasPrefix(addr, "/") {
		return "unix", addr
	}
	return "tcp", addr
}

// abstractName pads a name with zeroes to the length of the kernel's field, as
// package sock does when it binds one.
func abstractName(name string) string {
	const fieldSize = 108
	return "@" + name + strings.Repeat("\x00", max(0, fieldSize-1-len(name)))
}
