package netns

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Held is a network that a process of its own keeps, for use by hand. It is known
// by a name; the process answers questions on an abstract socket of that name, so
// that no file speaks of a network that is gone.
type Held struct {
	Name       string            `json:"name"`
	PID        int               `json:"pid"` // of the process that keeps it
	Topology   Topology          `json:"topology"`
	Namespaces map[string]string `json:"namespaces"` // nodes and wires by name: a path for Join
}

// The questions a keeper answers, and the prefix of its socket.
const (
	askWhat    = "what"
	askDown    = "down"
	heldPrefix = "bench-network-"
)

// answerTime bounds a question and its answer.
const answerTime = 5 * time.Second

// Hold lays a network and keeps it until ctx ends or somebody takes it down; what
// then still runs in it is ended. ready is called when it lies.
func Hold(ctx context.Context, name string, t Topology, ready func(*Held)) (err error) {
	l, err := net.Listen("unix", "@"+heldPrefix+name)
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("there is a network %q already", name)
	}
	if err != nil {
		return err
	}
	defer l.Close()
	n, err := Lay(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	h := &Held{Name: name, PID: os.Getpid(), Topology: t, Namespaces: map[string]string{}}
	for _, all := range []map[string]*Namespace{n.wires, n.nodes} { // a node goes before a wire of its name
		for name, ns := range all {
			h.Namespaces[name] = ns.Path()
		}
	}
	ctx, down := context.WithCancel(ctx)
	defer down()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.answer(c.(*net.UnixConn), down)
		}
	}()
	ready(h)
	<-ctx.Done()
	return h.evict()
}

// answer answers one question of the same user, or root.
func (h *Held) answer(c *net.UnixConn, down func()) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(answerTime))
	if !trusted(c) {
		return
	}
	question, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return
	}
	switch strings.TrimSpace(question) {
	case askWhat:
		_ = json.NewEncoder(c).Encode(h) // who does not wait for the answer does not get it
	case askDown:
		down()
	}
}

// trusted reports whether the peer is of this user, or root.
func trusted(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	err = raw.Control(func(fd uintptr) {
		u, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		ok = err == nil && (u.Uid == 0 || int(u.Uid) == os.Geteuid())
	})
	return err == nil && ok
}

// leaveTime is what processes have to end by themselves.
const leaveTime = 2 * time.Second

// evict ends the processes that run in the namespaces.
func (h *Held) evict() error {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for deadline := time.Now().Add(leaveTime); ; time.Sleep(10 * time.Millisecond) {
			inside, err := h.Inside()
			if err != nil {
				return err
			}
			if len(inside) == 0 {
				return nil
			}
			for _, pid := range inside {
				_ = syscall.Kill(pid, s) // it may have ended meanwhile
			}
			if time.Now().After(deadline) {
				break
			}
		}
	}
	return fmt.Errorf("processes in network %q did not end", h.Name)
}

// Inside are the processes that run in the network, without the one that keeps it.
func (h *Held) Inside() ([]int, error) {
	own := map[uint64]bool{}
	for _, path := range h.Namespaces {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return nil, err
		}
		own[st.Ino] = true
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var inside []int
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil || pid == h.PID {
			continue
		}
		var st unix.Stat_t
		if unix.Stat("/proc/"+e.Name()+"/ns/net", &st) == nil && own[st.Ino] {
			inside = append(inside, pid)
		}
	}
	return inside, nil
}

// ask puts a question to the keeper of a network.
func ask(name, question string) (*bufio.Reader, error) {
	c, err := net.DialTimeout("unix", "@"+heldPrefix+name, answerTime)
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("there is no network %q", name)
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(answerTime))
	if _, err := c.Write([]byte(question + "\n")); err != nil {
		return nil, err
	}
	var text strings.Builder
	if _, err := bufio.NewReader(c).WriteTo(&text); err != nil {
		return nil, err
	}
	return bufio.NewReader(strings.NewReader(text.String())), nil
}

// Find returns the network of a name.
func Find(name string) (*Held, error) {
	r, err := ask(name, askWhat)
	if err != nil {
		return nil, err
	}
	var h Held
	if err := json.NewDecoder(r).Decode(&h); err != nil {
		return nil, fmt.Errorf("network %q belongs to another user", name)
	}
	return &h, nil
}

// All are the networks of this user that are kept at the moment.
func All() ([]*Held, error) {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil, err
	}
	var all []*Held
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		name, found := strings.CutPrefix(f[len(f)-1], "@"+heldPrefix)
		if !found || seen[name] {
			continue
		}
		seen[name] = true
		if h, err := Find(name); err == nil { // others' and those that end just now are none
			all = append(all, h)
		}
	}
	return all, nil
}

// Down ends the network, with what runs in it, and waits until it is gone.
func (h *Held) Down() error {
	if _, err := ask(h.Name, askDown); err != nil {
		return err
	}
	for deadline := time.Now().Add(3 * leaveTime); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
			return nil
		}
	}
	return fmt.Errorf("network %q did not end: its process is %d", h.Name, h.PID)
}
