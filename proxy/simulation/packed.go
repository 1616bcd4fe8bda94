package simulation

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// packed is the content of an answer that is compressed, as it comes; nil is content that
// is not.
type packed struct{ b []byte }

// unpack looks whether the fields of an answer say so.
func unpack(all []field) *packed {
	if value(all, "content-encoding") == "gzip" {
		return &packed{}
	}
	return nil
}

// take keeps a piece of it.
func (z *packed) take(p []byte) bool {
	if z != nil {
		z.b = append(z.b, p...)
	}
	return z != nil
}

// unpacked holds compressed content against what the origin sends, once all has come. What
// the end of an origin's connection has cut off goes on to look whole where only the end
// would have told.
func (c *client) unpacked(e, of *entry, z *packed, got *int) error {
	switch {
	case z == nil:
		return nil
	case !e.Gzip:
		return fmt.Errorf("request %d: compressed for a client that does not take it", e.ID)
	case e.Method == "HEAD" || len(z.b) == 0 && of.Answer.Size == 0:
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(z.b))
	if err != nil {
		return fmt.Errorf("request %d: %w at the beginning of %d compressed bytes", e.ID, err, len(z.b))
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("request %d: %w in %d compressed bytes", e.ID, err, len(z.b))
	}
	c.check(of, got, b)
	return nil
}
