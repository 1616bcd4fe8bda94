package mysqlorigin

import (
	"bytes"

	"bench/backends/origin"
	"bench/backends/tally"
	"bench/internal/mysqlwire"
)

// phase is where a session stands.
type phase uint8

const (
	loggingIn phase = iota // the login is due
	switching              // the answer to a change of plugins is due
	proving                // the password is due, or a wish for the key to encrypt it with
	serving
)

// session is one client.
type session struct {
	r          *replica
	id         uint32
	phase      phase
	noEOF      bool // capability DeprecateEOF
	status     uint16
	salt       [mysqlwire.SaltSize]byte
	user       []byte
	database   []byte
	statements map[uint32]*statement
	named      map[string]*statement // prepared in SQL
	lastStmt   uint32
	insertID   uint64
	counting   counting
}

// statement is one that is prepared, or carried out at once.
type statement struct {
	text   []byte // normalized
	said   []byte
	answer *answer
}

// maxStatements is MySQL's default of max_prepared_stmt_count.
const maxStatements = 16382

// idMarker begins the id of a request in a comment at the beginning of a
// statement: /* X-Bench-Id: NAME.SEQ */
var idMarker = []byte("X-Bench-Id:")

// requestID finds the id in a statement's first comment.
func requestID(text []byte) []byte {
	if len(text) < 2 || text[0] != '/' || text[1] != '*' {
		return nil
	}
	comment := text[2:skip(text)]
	comment = bytes.TrimSuffix(comment, []byte("*/"))
	comment, ok := bytes.CutPrefix(bytes.TrimLeft(comment, " "), idMarker)
	if !ok {
		return nil
	}
	return bytes.TrimSpace(comment)
}

// Consume implements origin.Session.
func (s *session) Consume(c *origin.Conn, in []byte) (n int) {
	for n < len(in) {
		payload, seq, size, err := mysqlwire.ParsePacket(in[n:])
		if err != nil {
			return s.malformed(c, len(in), seq+1)
		}
		if size == 0 {
			return n
		}
		if s.phase != serving {
			n += size
			if s.phase == loggingIn && s.r.cfg.TLS != nil && !c.Secure() && mysqlwire.WantsTLS(payload) {
				c.Upgrade(in[n:])
				return len(in)
			}
			if !s.login(c, payload, seq+1) {
				c.Finish()
				return len(in)
			}
			continue
		}
		if len(payload) == 0 {
			return s.malformed(c, len(in), 1)
		}
		if silent(payload[0]) {
			n += size
			if payload[0] == mysqlwire.ComQuit {
				c.Finish()
				return len(in)
			}
			s.hear(payload)
			continue
		}
		var id []byte
		if payload[0] == mysqlwire.ComQuery {
			id = requestID(payload[1:])
		}
		s.counting.next(c, payload)
		if !c.Take(id) {
			return n
		}
		n += size
		status := 0
		if !s.answer(c, payload) {
			status = tally.Failed
		}
		c.Done(status)
	}
	return n
}

// Closed implements origin.Session.
func (*session) Closed(*origin.Conn) {}

func (s *session) malformed(c *origin.Conn, n int, seq byte) int {
	c.Server().Tally().Malformed++
	c.SetOutput(mysqlwire.AppendError(c.Output(), seq, 1835, anyState, "Malformed communication packet"))
	c.Finish()
	return n
}

// silent are the commands that have no answer.
func silent(command byte) bool {
	return command == mysqlwire.ComQuit || command == mysqlwire.ComStmtClose || command == mysqlwire.ComStmtLongData
}

func (s *session) hear(payload []byte) {
	if payload[0] == mysqlwire.ComStmtClose {
		if id, err := mysqlwire.StatementID(payload); err == nil {
			delete(s.statements, id)
		}
	}
}

// answer carries out a command; false is an error.
func (s *session) answer(c *origin.Conn, payload []byte) bool {
	s.r.questions++
	if code, hit := c.Failing(); hit {
		return s.fail(c, &Error{Code: code, Message: "an error was ordered by the test"})
	}
	rest := payload[1:]
	switch payload[0] {
	case mysqlwire.ComPing, mysqlwire.ComSetOption:
		return s.ok(c, 0, 0)
	case mysqlwire.ComInitDB:
		s.database = append(s.database[:0], rest...)
		return s.ok(c, 0, 0)
	case mysqlwire.ComResetConnection:
		clear(s.statements)
		s.named = nil
		s.status = mysqlwire.StatusAutocommit
		return s.ok(c, 0, 0)
	case mysqlwire.ComFieldList:
		c.SetOutput(mysqlwire.AppendEOF(c.Output(), 1, s.status))
		return true
	case mysqlwire.ComStatistics:
		out, at := mysqlwire.Begin(c.Output(), 1)
		c.SetOutput(mysqlwire.End(append(out, s.r.statistics()...), at))
		return true
	case mysqlwire.ComQuery:
		st := &s.r.present
		st.text, st.said = normalize(st.text[:0], rest), rest
		st.answer = s.r.cfg.find(st.text)
		if st.answer == nil {
			switch named, e := s.executes(st.text); {
			case e != nil:
				return s.fail(c, e)
			case named != nil:
				st = named
			}
		}
		return s.query(c, st, false)
	case mysqlwire.ComStmtPrepare:
		return s.prepare(c, rest)
	case mysqlwire.ComStmtExecute, mysqlwire.ComStmtReset:
		id, err := mysqlwire.StatementID(payload)
		st := s.statements[id]
		switch {
		case err != nil || st == nil:
			return s.fail(c, &Error{Code: 1243, Message: "Unknown prepared statement handler given"})
		case payload[0] == mysqlwire.ComStmtReset:
			return s.ok(c, 0, 0)
		}
		return s.query(c, st, true)
	}
	return s.fail(c, &Error{Code: 1047, State: "08S01", Message: "Unknown command"})
}

func (s *session) ok(c *origin.Conn, affected, insertID uint64) bool {
	c.SetOutput(mysqlwire.AppendOK(c.Output(), 1, affected, insertID, s.status))
	return true
}

func (s *session) fail(c *origin.Conn, e *Error) bool {
	state := e.State
	if state == "" {
		state = anyState
	}
	c.SetOutput(mysqlwire.AppendError(c.Output(), 1, e.Code, state, e.Message))
	return false
}

// query answers a statement, from the table or by itself.
func (s *session) query(c *origin.Conn, st *statement, binary bool) bool {
	a := st.answer
	if s.r.readOnly() && isWrite(st.text) {
		return s.fail(c, &Error{Code: 1290, Message: "The MySQL server is running with the --read-only option so it cannot execute this statement"})
	}
	switch {
	case a == nil:
		return s.own(c, st, binary)
	case a.Error.Code != 0:
		return s.fail(c, &a.Error)
	case len(a.Columns) == 0:
		s.insertID = a.InsertID
		return s.ok(c, a.Affected, a.InsertID)
	}
	if s.status != mysqlwire.StatusAutocommit { // not what is ready says
		return s.result(c, a.Columns, a.Rows, binary)
	}
	c.Append(a.packets[formatIndex(binary, s.noEOF)])
	return true
}

// prepare answers a statement that is to be carried out later.
func (s *session) prepare(c *origin.Conn, text []byte) bool {
	if len(s.statements) >= maxStatements {
		return s.fail(c, &Error{Code: 1461, State: "42000", Message: "Can't create more than max_prepared_stmt_count statements"})
	}
	st := &statement{text: normalize(nil, text), said: bytes.Clone(text)}
	st.answer = s.r.cfg.find(st.text)
	var columns []mysqlwire.Column
	if st.answer != nil {
		columns = st.answer.Columns
	} else {
		o, e := s.builtin(st)
		if e != nil {
			return s.fail(c, e)
		}
		columns = o.columns
	}
	s.lastStmt++
	s.statements[s.lastStmt] = st
	f := mysqlwire.Format{NoEOF: s.noEOF, Status: s.status}
	c.SetOutput(mysqlwire.AppendPrepared(c.Output(), s.lastStmt, params(st.text), columns, f))
	return true
}

// own answers a statement that is not in the table.
func (s *session) own(c *origin.Conn, st *statement, binary bool) bool {
	o, e := s.builtin(st)
	if e != nil {
		return s.fail(c, e)
	}
	if o.effect != nil {
		o.effect(s)
	}
	if len(o.columns) == 0 {
		return s.ok(c, o.affected, 0)
	}
	return s.result(c, o.columns, o.rows, binary)
}

// result answers with rows.
func (s *session) result(c *origin.Conn, columns []mysqlwire.Column, rows [][]mysqlwire.Value, binary bool) bool {
	f := mysqlwire.Format{Binary: binary, NoEOF: s.noEOF, Status: s.status}
	begin := len(c.Output())
	out, err := mysqlwire.AppendResult(c.Output(), columns, rows, f)
	if err != nil {
		c.SetOutput(out[:begin])
		return s.fail(c, &Error{Code: 1105, Message: err.Error()})
	}
	c.SetOutput(out)
	return true
}
