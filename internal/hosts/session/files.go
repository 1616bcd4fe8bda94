package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"sync"

	"bench/internal/hosts/wire"
)

// mirror is a directory here whose files a host has, too.
type mirror struct {
	dir string

	mu   sync.Mutex
	sent map[string][32]byte // what the host has, by the name of the file
}

// Mirror makes dir the directory whose files every process of the host finds in the run's
// directory there: as they are when it starts, and with the one directory's path in
// place of the other's wherever they name it.
func (h *Host) Mirror(dir string) {
	h.files.mu.Lock()
	defer h.files.mu.Unlock()
	h.files.dir, h.files.sent = dir, map[string][32]byte{}
}

// syncFiles sends what has changed since it was last sent.
func (h *Host) syncFiles(ctx context.Context) error {
	h.files.mu.Lock()
	defer h.files.mu.Unlock()
	if h.files.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(h.files.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(h.files.dir, e.Name()))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		if h.files.sent[e.Name()] == sum {
			continue
		}
		if err := h.send(ctx, e.Name(), bytes.ReplaceAll(text, []byte(h.files.dir), []byte(h.dir))); err != nil {
			return err
		}
		h.files.sent[e.Name()] = sum
	}
	return nil
}

func (h *Host) send(ctx context.Context, name string, text []byte) error {
	for more := false; !more || len(text) > 0; more = true {
		n := min(len(text), wire.MaxChunk)
		_, err := h.orders.call(ctx, &wire.Order{Op: wire.OpFile, Path: name, Mode: 0o600, Append: more, Data: text[:n]})
		if err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}
