package port

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"bench/internal/proc"
)

// Serve is the helper process: it takes one order from in, as a line of JSON, carries it out
// until in ends, and says on out that it acts and what it did. link is the command of a
// userspace link, which some of them take.
func Serve(in io.Reader, out io.Writer, link []string) (err error) {
	lines, say := bufio.NewReader(in), json.NewEncoder(out)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o Order
	if err := json.Unmarshal(text, &o); err != nil {
		return say.Encode(answer{Error: "an order that cannot be understood: " + err.Error()})
	}
	group, err := proc.NewGroup(proc.Options{})
	if err != nil {
		return say.Encode(answer{Error: err.Error()})
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	f, err := o.fault(group, link)
	if err == nil {
		err = f.Begin(context.Background(), nil)
	}
	if err != nil {
		return say.Encode(answer{Error: err.Error()})
	}
	// Whoever ordered it may be gone: that it cannot be told does not keep it from ending.
	_ = say.Encode(answer{})
	_, _ = io.Copy(io.Discard, lines)
	cert, err := f.End()
	a := answer{Certificate: cert}
	if err != nil {
		a.Error = err.Error()
	}
	return say.Encode(a)
}
