// Package tcp is whatever a script says over plain connections, the client's side: what a
// load of it is made of, and its codec.
package tcp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"bench/internal/dist"
	"bench/internal/quote"
	"bench/internal/units"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/template"
)

// client is whatever a script says, the client's side.
type client struct {
	seed      uint64
	connect   []step
	early     []step // sends at the end of connect, which go with the first request
	exchanges []exchange
	classes   []codec.Class
	// block is what echoes and uploads send parts of. Echoes begin anywhere in
	// its first blockStarts bytes, so that neighbours differ.
	block []byte
	check *check // nil without the integrity check
}

// blockStarts is the number of different echoes of one length.
const blockStarts = 64 << 10

// exchange is one kind of request, prepared.
type exchange struct {
	kind  exchangeKind
	size  dist.Size
	most  int64 // that size is let draw
	steps []step
	lead  int // of steps: those that are sent at once
}

// exchangeKind is what an exchange does.
type exchangeKind uint8

const (
	exchangeSteps exchangeKind = iota
	exchangeEcho
	exchangeUpload
	exchangeDownload
)

// step is one step of a script.
type step struct {
	send   template.Template // of a send
	expect codec.Search      // of an expect
	read   int64             // of a read; 0 for the others
}

// New prepares the exchanges of a load.
func New(l *codec.Load, t *Spec) (codec.Codec, error) {
	c := &client{seed: l.Seed, check: newCheck(l.Integrity)}
	var err error
	if c.connect, err = parseSteps(t.Connect); err != nil {
		return nil, err
	}
	listens := len(c.connect)
	for listens > 0 && c.connect[listens-1].send != nil {
		listens--
	}
	c.connect, c.early = c.connect[:listens], c.connect[listens:]
	need := int64(0)
	for i := range t.Exchanges {
		x := &t.Exchanges[i]
		q := exchange{kind: x.kind()}
		class := codec.Class{Name: x.Name, Weight: max(1, x.Weight)}
		switch q.kind {
		case exchangeSteps:
			if q.steps, err = parseSteps(x.Steps); err != nil {
				return nil, err
			}
			q.lead = slices.IndexFunc(q.steps, func(s step) bool { return s.send == nil })
		case exchangeEcho:
			q.size, class.Repeatable = *x.Echo, true
			q.most = greatest(&q.size)
			need = max(need, blockStarts+q.most)
		case exchangeUpload:
			q.size, class.Ends, class.HangUp = *x.Upload, true, true
			q.most = greatest(&q.size)
			need = max(need, q.most)
		case exchangeDownload:
			q.size, class.Ends, class.Repeatable = *x.Download, true, true
			q.most = greatest(&q.size)
		}
		c.exchanges, c.classes = append(c.exchanges, q), append(c.classes, class)
	}
	c.block = make([]byte, (need+7)/8*8)
	d := draw.New(l.Seed, 0)
	for i := 0; i < len(c.block); i += 8 {
		binary.LittleEndian.PutUint64(c.block[i:], d.Next())
	}
	return c, nil
}

// greatest is the most that a distribution is let draw.
func greatest(size *dist.Size) int64 {
	if n, fixed := size.Fixed(); fixed {
		return n
	}
	return max(1, min(size.Quantile(math.Nextafter(1, 0)), draw.MaxValue))
}

// draw is a size by its distribution, within the bounds.
func (q *exchange) draw(d *draw.Draws) int64 {
	if n, fixed := q.size.Fixed(); fixed {
		return n
	}
	return max(1, min(q.size.Quantile(d.Unit()), q.most))
}

// kind is which of its fields x has.
func (x *Exchange) kind() exchangeKind {
	switch {
	case x.Echo != nil:
		return exchangeEcho
	case x.Upload != nil:
		return exchangeUpload
	case x.Download != nil:
		return exchangeDownload
	}
	return exchangeSteps
}

// parseSteps reads the steps of a script.
func parseSteps(texts []string) (steps []step, err error) {
	for i, text := range texts {
		s, err := parseStep(text)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// maxStepText bounds what one step sends or expects.
const maxStepText = 1 << 20

func parseStep(text string) (s step, err error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "send", "expect":
		data, err := quote.Unquote(rest)
		if err != nil {
			return s, fmt.Errorf("%s: %w", word, err)
		}
		if len(data) == 0 || len(data) > maxStepText {
			return s, fmt.Errorf("%s has %d bytes: want 1 to %d", word, len(data), maxStepText)
		}
		if word == "send" {
			s.send, err = template.Parse(string(data))
			return s, err
		}
		s.expect = codec.NewSearch(string(data))
		return s, nil
	case "read":
		if s.read, err = units.ParseSize(rest); err != nil || s.read < 1 {
			return s, fmt.Errorf("invalid size %q to read: want 1 byte or more, like 4KiB", rest)
		}
		return s, nil
	}
	return s, fmt.Errorf("unknown step %q: want send TEXT, expect TEXT or read SIZE", word)
}

// Classes implements Codec.
func (c *client) Classes() []codec.Class { return c.classes }

// Session implements Codec.
func (c *client) Session(user int) codec.Session { return &session{codec: c, user: user} }

// session is a virtual user.
type session struct {
	codec    *client
	user     int
	exchange *exchange // whose answer it is; nil in the set-up
	order    codec.Order
	fresh    bool   // nothing has been sent but for the set-up
	want     []byte // the rest of an echo
	left     int64  // of a download or a read
	steps    []step
	at       int // the step that is due
	matched  int // characters of what it expects
	answer   codec.Answer

	difference codec.Difference // that the integrity check has found
}

// drawsOf are the random numbers of a request.
func (s *session) drawsOf(o *codec.Order) draw.Draws {
	return draw.New(s.codec.seed^draw.OfText, o.Seq)
}

// echo is the part of the block that a request sends.
func (c *client) echo(q *exchange, d draw.Draws) []byte {
	n := q.draw(&d)
	from := int64(d.Below(blockStarts))
	return c.block[from : from+n : from+n]
}

// Open implements Session.
func (s *session) Open() codec.State {
	s.exchange, s.order, s.fresh = nil, codec.Order{Item: -1}, true
	s.answer = codec.Answer{KeepAlive: true}
	return s.begin(s.codec.connect, 0)
}

// begin starts a script at a step.
func (s *session) begin(steps []step, at int) codec.State {
	s.steps, s.at = steps, at
	return s.due()
}

// due says what the step that is due needs.
func (s *session) due() codec.State {
	if s.at == len(s.steps) {
		return codec.Done
	}
	step := &s.steps[s.at]
	s.matched, s.left = 0, step.read
	if step.send != nil {
		return codec.Reply
	}
	return codec.More
}

// Say implements Session: the steps that are sent at once.
func (s *session) Say(dst []byte) []byte {
	from := s.at
	for s.at < len(s.steps) && s.steps[s.at].send != nil {
		s.at++
	}
	dst = s.write(dst, s.steps[from:s.at], &s.order)
	s.due()
	return dst
}

// write appends what steps send in a request.
func (s *session) write(dst []byte, steps []step, o *codec.Order) []byte {
	v := template.Values{Seq: o.Seq, User: s.user, Draws: s.drawsOf(o)}
	for i := range steps {
		dst = steps[i].send.Append(dst, &v)
	}
	return dst
}

// Request implements Session.
func (s *session) Request(dst []byte, o *codec.Order) (out, body []byte) {
	q := &s.codec.exchanges[o.Class]
	if s.fresh {
		dst = s.write(dst, s.codec.early, o)
		s.fresh = false
	}
	switch q.kind {
	case exchangeSteps:
		return s.write(dst, q.steps[:q.lead], o), nil
	case exchangeEcho:
		body = s.codec.echo(q, s.drawsOf(o))
	case exchangeUpload:
		d := s.drawsOf(o)
		body = s.codec.block[:q.draw(&d)]
	case exchangeDownload:
		return dst, nil
	}
	if len(body) < codec.Apart {
		return append(dst, body...), nil
	}
	return dst, body
}

// Await implements Session.
func (s *session) Await(o *codec.Order) {
	q := &s.codec.exchanges[o.Class]
	s.exchange, s.order = q, *o
	s.answer = codec.Answer{KeepAlive: true}
	switch q.kind {
	case exchangeSteps:
		s.begin(q.steps, q.lead)
	case exchangeEcho:
		s.want = s.codec.echo(q, s.drawsOf(o))
	case exchangeDownload:
		d := s.drawsOf(o)
		s.left = q.draw(&d)
	case exchangeUpload:
	}
}

// Feed implements Session.
func (s *session) Feed(p []byte) (n int, st codec.State) {
	q := s.exchange
	if q == nil || q.kind == exchangeSteps {
		return s.follow(p)
	}
	switch q.kind {
	case exchangeEcho:
		n = min(len(p), len(s.want))
		if !bytes.Equal(p[:n], s.want[:n]) {
			if s.codec.check != nil {
				s.different("echo", s.answer.Bytes, s.want[:n], p[:n])
			}
			return n, s.fail("the echo is not what was sent")
		}
		s.answer.Bytes += int64(n)
		if s.want = s.want[n:]; len(s.want) > 0 {
			return n, codec.More
		}
		if s.codec.check != nil {
			s.answer.Check = codec.Intact
		}
		return n, codec.Done
	case exchangeDownload:
		s.downloaded(p[:min(int64(len(p)), s.left)])
		s.answer.Bytes += int64(len(p))
		if s.left -= int64(len(p)); s.left > 0 {
			return len(p), codec.More
		}
		s.answer.KeepAlive = false // what else the peer says is not wanted
		return len(p), codec.Done
	case exchangeSteps, exchangeUpload:
	}
	return 0, s.fail("data while an upload goes on")
}

// follow takes bytes as the steps say.
func (s *session) follow(p []byte) (n int, st codec.State) {
	for n < len(p) {
		step := &s.steps[s.at]
		if step.read > 0 {
			take := min(s.left, int64(len(p)-n))
			n += int(take)
			if s.left -= take; s.left > 0 {
				break
			}
		} else {
			used, found := step.expect.Through(p[n:], &s.matched)
			if n += used; !found {
				break
			}
		}
		s.at++
		if st = s.due(); st != codec.More {
			break
		}
	}
	s.answer.Bytes += int64(n)
	return n, st
}

func (s *session) fail(why string) codec.State {
	s.answer.Detail, s.answer.KeepAlive = why, false
	return codec.Broken
}

// End implements Session.
func (s *session) End() codec.State {
	if s.exchange != nil && s.exchange.kind == exchangeUpload {
		s.answer.KeepAlive = false
		return codec.Done
	}
	return s.fail("the connection ended within the exchange")
}

// Leave implements Session: peers wait for our end.
func (s *session) Leave(dst []byte) (out []byte, hangUp bool) { return dst, true }

// Answer implements Session.
func (s *session) Answer() *codec.Answer { return &s.answer }
