// Package mysql is the MySQL client/server protocol 4.1, the client's side: what a load of
// it is made of, and its codec. What is on the wire belongs in internal/mysqlwire.
package mysql

import (
	"encoding/binary"
	"strconv"
	"strings"

	"bench/internal/mysqlwire"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/template"
)

// client is the MySQL client/server protocol 4.1, the client's side.
type client struct {
	seed     uint64
	user     string
	password string
	database string
	secured  bool // in TLS, which is asked for
	// attributes are what a connection speaks of itself, as it is sent.
	attributes []byte
	// setUp are the packets of the commands that a connection begins with, one
	// answered before the next: the statements of connect, then the preparation
	// of others.
	setUp     [][]byte
	params    []int // how many parameters each prepared statement is given
	connects  int   // of setUp: the statements of connect
	requests  []request
	classes   []codec.Class
	details   codec.Details
	rollback  []byte
	quit, one []byte // a farewell, and a ping
}

// request is one kind of request, prepared: its steps, or its parameters.
type request struct {
	steps  []template.Template // of commands: statements, BEGIN and COMMIT among them
	bound  bool                // a transaction: an error is followed by ROLLBACK
	ping   bool
	params []param
	place  int // of a prepared statement, in the connection's list; -1 without one
	expect ExpectResult
}

// param is a parameter of a prepared statement.
type param struct {
	text   template.Template
	number bool
}

// New prepares the statements of a load, whose connections are secured by TLS or not.
func New(l *codec.Load, m *Spec, secured bool) (codec.Codec, error) {
	c := &client{
		seed: l.Seed, secured: secured, user: m.User, password: m.Password, database: m.Database, details: codec.Details{},
		rollback: mysqlwire.AppendCommand(nil, mysqlwire.ComQuery, []byte("ROLLBACK")),
		quit:     mysqlwire.AppendCommand(nil, mysqlwire.ComQuit, nil),
		one:      mysqlwire.AppendCommand(nil, mysqlwire.ComPing, nil),
	}
	if c.user == "" {
		c.user = "root"
	}
	for _, s := range m.Connect {
		c.setUp = append(c.setUp, mysqlwire.AppendCommand(nil, mysqlwire.ComQuery, []byte(s)))
	}
	c.connects = len(c.setUp)
	whole := false
	for _, s := range m.statements() {
		q := request{place: -1, expect: s.Expect, ping: s.ping(), bound: len(s.Transaction) > 0}
		if s.Prepared {
			q.place = len(c.params)
			c.params = append(c.params, len(s.Params))
			c.setUp = append(c.setUp, mysqlwire.AppendCommand(nil, mysqlwire.ComStmtPrepare, []byte(s.Query)))
		}
		for _, text := range s.texts() {
			t, err := template.Parse(text)
			if err != nil {
				return nil, err
			}
			q.steps = append(q.steps, t)
		}
		for _, text := range s.Params {
			t, err := template.Parse(text)
			if err != nil {
				return nil, err
			}
			q.params = append(q.params, param{t, t.WholeNumber()})
		}
		c.requests = append(c.requests, q)
		whole = whole || q.bound
		c.classes = append(c.classes, codec.Class{Name: s.Name, Weight: max(1, s.Weight), Repeatable: s.repeatable()})
	}
	c.attributes = m.attributes(len(c.setUp), whole)
	return c, nil
}

// attributes tell a server who connects, and a mock origin what to count in the
// name of the load.
func (m *Spec) attributes(setUp int, whole bool) []byte {
	var l mysqlwire.Login
	l.SetAttribute("program_name", "bench")
	if m.Client != "" {
		l.SetAttribute(mysqlwire.AttributeLoad, m.Client)
		l.SetAttribute(mysqlwire.AttributeSetUp, strconv.Itoa(setUp))
		if whole {
			l.SetAttribute(mysqlwire.AttributeTransactions, mysqlwire.TransactionsWhole)
		}
	}
	return l.Attributes
}

// statements are the kinds of requests, the default one included.
func (m *Spec) statements() []Statement {
	if len(m.Statements) == 0 {
		return []Statement{{}}
	}
	return m.Statements
}

func (s *Statement) ping() bool { return s.Query == "" && len(s.Transaction) == 0 }

// texts are the statements that are sent as text, in turn.
func (s *Statement) texts() []string {
	switch {
	case len(s.Transaction) > 0:
		return append(append([]string{"BEGIN"}, s.Transaction...), "COMMIT")
	case s.Query != "" && !s.Prepared:
		return []string{s.Query}
	}
	return nil
}

// repeatable reports whether a request may be carried out twice: if it only reads.
func (s *Statement) repeatable() bool {
	word, _, _ := strings.Cut(strings.TrimSpace(s.Query), " ")
	switch strings.ToUpper(word) {
	case "SELECT", "SHOW", "EXPLAIN", "DESCRIBE":
		return true
	}
	return s.ping()
}

// Classes implements Codec.
func (c *client) Classes() []codec.Class { return c.classes }

// Session implements Codec.
func (c *client) Session(user int) codec.Session {
	return &session{codec: c, user: user, statements: make([]uint32, len(c.params))}
}

// state is what a connection waits for.
type state uint8

const (
	stateGreeting state = iota
	stateSecuring       // the handshake of TLS
	stateLogin          // the outcome of the login, or what it takes beside
	stateKey            // the server's public key
	stateCommands       // the answer to a command of the set-up
	stateRequests       // the answer to a step of a request
	stateRollback       // the answer to the ROLLBACK after an error
)

// session is a virtual user.
type session struct {
	codec      *client
	user       int
	statements []uint32 // the numbers of the prepared statements
	text, word []byte   // for what differs from request to request
	reader     mysqlwire.AnswerReader
	state      state
	salt       [mysqlwire.SaltSize]byte
	said       []byte // what Say is to say: a packet of the login
	due        []byte // the login, while TLS is asked for
	at         int    // of the commands of the set-up, or of the steps of a request

	request        *request
	order          codec.Order
	rows, affected int64
	answer         codec.Answer
}

// Open implements Session: the server speaks first.
func (s *session) Open() codec.State {
	s.state, s.at = stateGreeting, 0
	s.answer = codec.Answer{KeepAlive: true}
	s.reader.Begin(mysqlwire.OnePacket, 0)
	return codec.More
}

// Say implements Session.
func (s *session) Say(dst []byte) []byte {
	switch s.state {
	case stateCommands:
		return append(dst, s.codec.setUp[s.at]...)
	case stateRequests:
		return s.step(dst, &s.order, s.at)
	case stateRollback:
		return append(dst, s.codec.rollback...)
	case stateGreeting, stateSecuring, stateLogin, stateKey:
	}
	return append(dst, s.said...)
}

// Request implements Session.
func (s *session) Request(dst []byte, o *codec.Order) (out, body []byte) {
	return s.step(dst, o, 0), nil
}

// step appends the packet of a step of a request.
func (s *session) step(dst []byte, o *codec.Order, at int) []byte {
	q := &s.codec.requests[o.Class]
	if q.ping {
		return append(dst, s.codec.one...)
	}
	v := template.Values{Seq: o.Seq, User: s.user, Draws: draw.New(s.codec.seed^draw.OfText, o.Seq+uint64(at)<<40)}
	if q.place >= 0 {
		return s.execute(dst, q, &v)
	}
	s.text = q.steps[at].Append(s.text[:0], &v)
	return mysqlwire.AppendCommand(dst, mysqlwire.ComQuery, s.text)
}

// execute appends the packet that executes a prepared statement.
func (s *session) execute(dst []byte, q *request, v *template.Values) []byte {
	const noCursor, once = 0, 1
	p := binary.LittleEndian.AppendUint32(s.text[:0], s.statements[q.place])
	p = append(p, noCursor)
	p = binary.LittleEndian.AppendUint32(p, once)
	if n := len(q.params); n > 0 {
		for range (n + 7) / 8 { // none is NULL
			p = append(p, 0)
		}
		p = append(p, 1) // their types follow
		for i := range q.params {
			t := mysqlwire.Text
			if q.params[i].number {
				t = mysqlwire.Int
			}
			p = append(p, byte(t), 0)
		}
		for i := range q.params {
			s.word = q.params[i].text.Append(s.word[:0], v)
			if !q.params[i].number {
				p = mysqlwire.AppendString(p, s.word)
				continue
			}
			n, _ := parseNumber(s.word) // it is one
			p = binary.LittleEndian.AppendUint64(p, uint64(n))
		}
	}
	s.text = p
	return mysqlwire.AppendCommand(dst, mysqlwire.ComStmtExecute, p)
}

// parseNumber reads a signed whole number without allocating.
func parseNumber(p []byte) (n int64, ok bool) {
	digits, negative := p, false
	if len(p) > 0 && (p[0] == '-' || p[0] == '+') {
		digits, negative = p[1:], p[0] == '-'
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, len(digits) > 0
}

// Await implements Session.
func (s *session) Await(o *codec.Order) {
	s.request, s.order, s.at = &s.codec.requests[o.Class], *o, 0
	s.state = stateRequests
	s.rows, s.affected = 0, 0
	s.answer = codec.Answer{KeepAlive: true}
	s.reader.Begin(mysqlwire.AnyResult, 1)
}

// Feed implements Session.
func (s *session) Feed(p []byte) (n int, st codec.State) {
	for n < len(p) && st == codec.More {
		used, done, err := s.reader.Feed(p[n:])
		n += used
		switch {
		case err != nil:
			return n, s.fail(err.Error())
		case !done:
			return n, codec.More
		}
		st = s.complete()
	}
	return n, st
}

// complete takes a complete answer, or a packet of the handshake.
func (s *session) complete() codec.State {
	switch s.state {
	case stateGreeting, stateLogin, stateKey:
		return s.handshake(s.reader.First)
	case stateCommands:
		return s.prepared()
	case stateRequests:
		return s.answered()
	case stateSecuring, stateRollback:
	}
	return codec.Done // the answer is the error before
}

// prepared takes the answer to a command of the set-up.
func (s *session) prepared() codec.State {
	if s.reader.Failed {
		return s.fail(s.serverError())
	}
	if i := s.at - s.codec.connects; i >= 0 {
		if s.reader.Params != s.codec.params[i] {
			return s.fail("a prepared statement was given a wrong number of parameters")
		}
		s.statements[i] = s.reader.StatementID
	}
	s.at++
	return s.next()
}

// next is what the set-up goes on with.
func (s *session) next() codec.State {
	if s.at == len(s.codec.setUp) {
		return codec.Done
	}
	s.state = stateCommands
	kind := mysqlwire.AnyResult
	if s.at >= s.codec.connects {
		kind = mysqlwire.PreparedResult
	}
	s.reader.Begin(kind, 1)
	return codec.Reply
}

// answered takes the answer to a step of a request.
func (s *session) answered() codec.State {
	r, q := &s.reader, s.request
	s.rows += r.Rows
	s.affected += r.Affected
	s.answer.Bytes += r.Bytes
	if r.Failed {
		s.failed(&q.expect)
		if !q.bound {
			return codec.Done
		}
		s.state = stateRollback
		r.Begin(mysqlwire.AnyResult, 1)
		return codec.Reply
	}
	if s.at++; s.at < len(q.steps) {
		r.Begin(mysqlwire.AnyResult, 1)
		return codec.Reply
	}
	x, fault := &q.expect, ""
	switch {
	case x.Error != 0:
		fault = "a result in place of the expected error"
	case x.Rows != nil && s.rows != *x.Rows:
		fault = "another number of rows than expected"
	case x.Affected != nil && s.affected != *x.Affected:
		fault = "another number of affected rows than expected"
	}
	if fault != "" {
		s.answer.Fault, s.answer.Detail = codec.CauseBody, fault
	}
	return codec.Done
}

// failed puts a server's error into the answer.
func (s *session) failed(x *ExpectResult) {
	if e := mysqlwire.ParseServerError(s.reader.First); e.Code != x.Error {
		s.answer.Fault, s.answer.Detail = causeOf(e.Code), s.serverError()
	}
}

// serverError is the error of the answer, for a message.
func (s *session) serverError() string {
	e := mysqlwire.ParseServerError(s.reader.First)
	s.text = strconv.AppendInt(append(s.text[:0], "error "...), int64(e.Code), 10)
	if len(e.State) > 0 {
		s.text = append(append(append(s.text, " ("...), e.State...), ')')
	}
	s.text = append(append(s.text, ' '), e.Message...)
	return s.codec.details.Text(s.text, "an error")
}

func (s *session) fail(why string) codec.State {
	s.answer.Detail, s.answer.KeepAlive = why, false
	return codec.Broken
}

// End implements Session.
func (s *session) End() codec.State { return s.fail("the connection ended within the answer") }

// Leave implements Session.
func (s *session) Leave(dst []byte) (out []byte, hangUp bool) {
	return append(dst, s.codec.quit...), false
}

// Answer implements Session.
func (s *session) Answer() *codec.Answer { return &s.answer }

// causeOf sorts an error by its number.
func causeOf(code int) codec.Cause {
	switch code {
	case 1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698:
		return codec.CauseDenied
	case 1290, 1792, 1836:
		return codec.CauseReadOnly
	case 1037, 1040, 1041, 1053, 1129, 1203, 1226:
		return codec.CauseUnavailable
	case 1205, 1213, 1614, 3572:
		return codec.CauseConflict
	}
	return codec.CauseError
}
