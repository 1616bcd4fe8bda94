package h2

import (
	"testing"

	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/stats"
)

func response(status int) *message.Response {
	return &message.Response{Version: message.HTTP11, Status: status}
}

// quietServer answers each request at once, and allocates nothing.
type quietServer struct {
	conn     Conn
	stats    stats.H2
	one      Stream
	res      message.Response
	body     []byte
	answered int
}

func (q *quietServer) feed(s *server) {
	q.conn.Feed(s.in.Bytes(), 0)
	q.conn.Dispatch()
	q.conn.Flush()
	s.in.Reset()
}

func (q *quietServer) Transmit(p []byte) (int, bool) { return len(p), true }
func (q *quietServer) Wake()                         {}

func (q *quietServer) Open() *Stream {
	q.one = Stream{Handler: q}
	return &q.one
}

var serverName, serverValue = []byte("server"), []byte("quiet")

func (q *quietServer) Head(*message.Request, *h1.Error) {
	q.res.Reset()
	q.res.Status = 200
	q.res.Append(message.Server, serverName, serverValue)
	q.one.SendHead(&q.res)
	q.one.Send(q.body)
	q.one.End(nil)
	q.one.Close(Cancel)
	q.answered++
}
func (q *quietServer) Body([]byte)  {}
func (q *quietServer) End([]byte)   {}
func (q *quietServer) Ready()       {}
func (q *quietServer) Writable()    {}
func (q *quietServer) Aborted(Code) {}
func (q *quietServer) Discard()     {}

func BenchmarkRequest(b *testing.B) {
	s := greeted(b, testSettings())
	q := quietServer{body: make([]byte, 128)}
	set := testSettings()
	q.conn.Init(NewWorkspace(set), set, &q, &q.stats)
	q.conn.Feed([]byte(Preface), 0)
	s.must(s.framer.WriteSettings())
	fields := with(get, "user-agent=Mozilla/5.0 (X11; Linux x86_64)", "accept=text/html", "cookie=session=0123456789abcdef")
	s.writeHead(1, true, fields...)
	first := s.in.Len()
	s.writeHead(3, true, fields...)
	frame := append([]byte{}, s.in.Bytes()[first:]...)
	q.feed(s)
	b.ReportAllocs()
	id := uint32(5)
	for b.Loop() {
		frame[5], frame[6], frame[7], frame[8] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		id += 2
		q.conn.sendWin = 1 << 20
		q.conn.Feed(frame, 0)
		q.conn.Dispatch()
		q.conn.Flush()
	}
}
