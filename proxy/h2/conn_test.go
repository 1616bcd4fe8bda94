package h2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

func TestGreeting(t *testing.T) {
	set := testSettings()
	s := newServer(t, set)
	s.flush()
	s.expect("at first", "SETTINGS [MAX_CONCURRENT_STREAMS = 100] [MAX_HEADER_LIST_SIZE = 15360]", "0 WINDOW_UPDATE 983041")
	s.in.WriteString(Preface)
	s.must(s.framer.WriteSettings())
	s.turn()
	s.expect("after the client's", "SETTINGS ack")

	set.TableSize, set.Window, set.MaxFrame, set.MaxStreams, set.ConnWindow = 8192, 1<<20, 1<<15, 7, 65535
	s = newServer(t, set)
	s.flush()
	s.expect("with all settings", "SETTINGS [HEADER_TABLE_SIZE = 8192] [MAX_CONCURRENT_STREAMS = 7] [INITIAL_WINDOW_SIZE = 1048576] [MAX_FRAME_SIZE = 32768] [MAX_HEADER_LIST_SIZE = 15360]")
}

func TestExchange(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, with(get, "user-agent=me", "cookie=a=1", "accept=*/*", "cookie=b=2")...)
	s.turn()
	ts := s.streams[1]
	if want := "GET /x?y HTTP/1.1\r\nhost: a.example\r\nuser-agent: me\r\ncookie: a=1; b=2\r\naccept: */*\r\n\r\n"; ts == nil || ts.head != want {
		t.Fatalf("request %q, want %q", ts.head, want)
	}
	if !ts.Ended() || s.conn.Streams() != 1 {
		t.Errorf("ended: %v, streams: %d", ts.Ended(), s.conn.Streams())
	}
	ts.answer(200, "hello")
	s.flush()
	s.expect("response", "1 HEADERS :status=200 server=test", "1 DATA hello END")
	if s.conn.Streams() != 0 {
		t.Errorf("%d streams left", s.conn.Streams())
	}
}

// A response without content ends with its head; one whose last frame has gone needs
// another one.
func TestEnd(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.writeHead(3, true, get...)
	s.turn()
	s.streams[1].answer(204, "")
	s.streams[3].keep = true
	s.streams[3].answer(200, "")
	s.flush()
	s.expect("both", "1 HEADERS :status=204 server=test END", "3 HEADERS :status=200 server=test END")

	s.writeHead(5, true, get...)
	s.onHead = func(ts *testStream) { ts.hold = true }
	s.turn()
	ts := s.streams[5]
	ts.SendHead(response(200))
	ts.Send([]byte("x"))
	s.flush()
	ts.finish()
	s.flush()
	s.expect("late end", "5 HEADERS :status=200", "5 DATA x", "5 DATA  END")
}

func TestInterimAndTrailer(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.turn()
	ts := s.streams[1]
	ts.SendHead(response(103))
	ts.SendHead(response(200))
	ts.Send([]byte("x"))
	ts.Stream.End([]byte("a: b\r\nc: d e\r\n"))
	ts.Close(Cancel)
	s.flush()
	s.expect("response", "1 HEADERS :status=103", "1 HEADERS :status=200", "1 DATA x", "1 HEADERS a=b c=d e END")
}

// Content comes at any cut, and so do frames.
func TestEveryCut(t *testing.T) {
	for n := 1; n < 40; n++ {
		s := newServer(t, testSettings())
		s.in.WriteString(Preface)
		s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
		s.writeHead(1, false, with(get, "content-length=10")...)
		s.must(s.framer.WriteDataPadded(1, false, []byte("01234"), make([]byte, 3)))
		s.must(s.framer.WritePing(false, [8]byte{1}))
		s.must(s.framer.WriteData(1, true, []byte("56789")))
		block := s.encode(with(get, "x-long="+strings.Repeat("y", 100))...)
		s.must(s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block[:3], PadLength: 2}))
		s.must(s.framer.WriteContinuation(3, false, block[3:20]))
		s.must(s.framer.WriteContinuation(3, true, block[20:]))
		s.must(s.framer.WriteData(3, false, []byte("abc")))
		s.writeHead(3, true, "x-trailer=z")
		s.pieces(n)
		one, three := s.streams[1], s.streams[3]
		if one == nil || three == nil {
			t.Fatalf("pieces of %d: requests are missing; %q", n, s.frames())
		}
		if string(one.body) != "0123456789" || !one.ended || string(three.body) != "abc" || three.trailer != "x-trailer: z\r\n" || !three.ended {
			t.Errorf("pieces of %d: %q, %v; %q, %q, %v", n, one.body, one.ended, three.body, three.trailer, three.ended)
		}
		if !strings.Contains(three.head, "x-long: yyy") || !strings.Contains(three.head, "transfer-encoding: chunked\r\n") || strings.Contains(one.head, "transfer-encoding") {
			t.Errorf("pieces of %d: %q, %q", n, one.head, three.head)
		}
		if one.sendWin != 1000 {
			t.Errorf("window of %d", one.sendWin)
		}
	}
}

// What a client has taken back in the same breath costs nothing.
func TestTakenBack(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.must(s.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	s.writeHead(3, true, get...)
	s.turn()
	if len(s.order) != 1 || s.order[0].ID() != 3 || !s.opened[0].dropped || s.conn.Streams() != 1 {
		t.Errorf("%d requests, the first dropped: %v", len(s.order), s.opened[0].dropped)
	}
	s.must(s.framer.WriteRSTStream(3, http2.ErrCodeCancel))
	s.turn()
	if !s.order[0].aborted || s.order[0].code != Cancel || s.conn.Streams() != 0 {
		t.Errorf("aborted: %v by %v", s.order[0].aborted, s.order[0].code)
	}
	s.expect("nothing")
}

func TestWindows(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10}))
	s.writeHead(1, true, get...)
	s.turn()
	s.frames()
	ts := s.streams[1]
	ts.answer(200, strings.Repeat("x", 25))
	s.flush()
	s.expect("ten bytes", "1 HEADERS :status=200 server=test", "1 DATA xxxxxxxxxx")
	// Smaller: the window is negative now.
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5}))
	s.must(s.framer.WriteWindowUpdate(1, 5))
	s.turn()
	s.expect("none", "SETTINGS ack")
	s.must(s.framer.WriteWindowUpdate(1, 3))
	s.must(s.framer.WriteWindowUpdate(1, 4))
	s.turn()
	s.expect("updates add up", "1 DATA xxxxxxx")
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	s.turn()
	s.expect("the rest", "SETTINGS ack", "1 DATA xxxxxxxx END")
}

// Of several windows in one frame the last one counts: what they come to on the way is nobody's
// fault, and streams are looked at once.
func TestWindowsInOneFrame(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.turn()
	s.frames()
	s.must(s.framer.WriteWindowUpdate(1, 100))
	window := func(n uint32) http2.Setting { return http2.Setting{ID: http2.SettingInitialWindowSize, Val: n} }
	s.must(s.framer.WriteSettings(window(maxWindow), window(0), window(maxWindow), window(10)))
	s.turn()
	s.expect("known", "SETTINGS ack")
	if got := s.streams[1].sendWin; got != 110 {
		t.Errorf("window of %d", got)
	}
	s.must(s.framer.WriteSettings(window(10), window(maxWindow)))
	s.turn()
	s.expect("too far", "GOAWAY 1 FLOW_CONTROL_ERROR")
}

// A client that had made its table smaller is told that there is none, also if it has made it
// large again.
func TestTableMadeSmallAndLarge(t *testing.T) {
	s := greeted(t, testSettings())
	for _, n := range []uint32{0, 4096} {
		s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: n}))
	}
	s.writeHead(1, true, get...)
	s.writeHead(3, true, get...)
	s.turn()
	for i, id := range []uint32{1, 3} {
		s.flush()
		s.streams[id].answer(204, "")
		if told := s.conn.tx[HeaderLen] == 0x20; told != (i == 0) {
			t.Errorf("block %d begins with %#x", i, s.conn.tx[HeaderLen])
		}
	}
}

// The window of the connection, and the socket, are shared in turn.
func TestShares(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	for id := uint32(1); id < 6; id += 2 {
		s.writeHead(id, true, get...)
	}
	s.turn()
	s.frames()
	for _, ts := range s.order {
		ts.answer(200, strings.Repeat("x", 50000))
	}
	s.flush()
	got := map[uint32]int{}
	count := func() {
		t.Helper()
		for _, f := range s.frames() {
			var id uint32
			var n int
			if _, err := fmt.Sscanf(f, "%d DATA %d bytes", &id, &n); err == nil {
				got[id] += n
			}
		}
	}
	count()
	if got[1] != 50000 || got[3] != 15535 || got[5] != 0 {
		t.Errorf("within the first window: %v", got)
	}
	s.must(s.framer.WriteWindowUpdate(0, 40000))
	s.turn()
	count()
	if got[3]+got[5] != 55535 || got[3] != 50000 && got[5] == 0 {
		t.Errorf("then: %v", got)
	}
	s.must(s.framer.WriteWindowUpdate(0, 1<<20))
	s.turn()
	count()
	if got[3] != 50000 || got[5] != 50000 {
		t.Errorf("at last: %v", got)
	}
}

// A client that takes nothing bounds what is kept for it.
func TestSlowClient(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
	s.must(s.framer.WriteWindowUpdate(0, 1<<30))
	s.writeHead(1, true, get...)
	s.writeHead(3, true, get...)
	s.turn()
	s.limit = 0
	s.frames()
	for _, ts := range s.order {
		ts.answer(200, strings.Repeat("x", 1<<20))
	}
	s.flush()
	if n := len(s.conn.tx); n > txSize+txReserve || !s.order[1].Full() {
		t.Errorf("%d bytes kept", n)
	}
	total := 0
	for range 10000 {
		s.limit = 1000
		s.conn.Writable()
		if total += s.out.Len(); s.out.Len() == 0 {
			break
		}
		s.out.Reset()
		if n := len(s.conn.tx); n > txSize+txReserve {
			t.Fatalf("%d bytes kept", n)
		}
	}
	if total < 2<<20 || s.conn.Streams() != 0 {
		t.Errorf("%d bytes sent, %d streams left", total, s.conn.Streams())
	}
}

// The windows for requests open again when content was passed on, and not before.
func TestCredit(t *testing.T) {
	s := greeted(t, testSettings())
	s.onHead = func(ts *testStream) { ts.hold = true }
	s.writeHead(1, false, get...)
	for range 4 {
		s.must(s.framer.WriteData(1, false, make([]byte, 16000)))
	}
	s.turn()
	s.expect("held")
	ts := s.streams[1]
	ts.Consumed(10000)
	s.flush()
	s.expect("too little for a frame")
	ts.Consumed(10000)
	s.flush()
	s.expect("a quarter", "1 WINDOW_UPDATE 20000")
	s.must(s.framer.WriteData(1, false, make([]byte, 16000)))
	s.turn()
	s.expect("within the window")
	s.must(s.framer.WriteData(1, false, make([]byte, 16000)))
	s.turn()
	s.expect("beyond it", "1 RST_STREAM FLOW_CONTROL_ERROR")
	if !ts.aborted || ts.code != FlowControlError {
		t.Error("not aborted")
	}
	if held := int(s.conn.recvWin) + int(s.conn.give); held != DefaultConnWindow {
		t.Errorf("the connection's window lacks %d bytes", DefaultConnWindow-held)
	}
}

// An answer may come before the request is complete: the rest of it is no fault.
func TestEarlyAnswer(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, false, get...)
	s.must(s.framer.WriteData(1, false, []byte("abc")))
	s.turn()
	s.streams[1].answer(200, "x")
	s.must(s.framer.WriteData(1, false, []byte("abc")))
	s.must(s.framer.WriteData(1, false, []byte("abc")))
	s.writeHead(1, true, "x-trailer=y")
	s.writeHead(3, true, get...)
	s.turn()
	s.expect("answer", "1 HEADERS :status=200 server=test", "1 DATA x END", "1 RST_STREAM NO_ERROR")
	if s.streams[3] == nil {
		t.Error("the connection does not go on")
	}
	if held := int(s.conn.recvWin) + int(s.conn.give); held != DefaultConnWindow {
		t.Errorf("the connection's window lacks %d bytes", DefaultConnWindow-held)
	}
}

func TestShutdown(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.turn()
	s.conn.Shutdown()
	s.flush()
	s.expect("asked", "GOAWAY 2147483647 NO_ERROR", fmt.Sprintf("PING %x", leavePing))
	s.writeHead(3, true, get...) // on its way meanwhile
	s.turn()
	if s.streams[3] == nil {
		t.Fatal("a request on its way was lost")
	}
	s.must(s.framer.WritePing(true, [8]byte([]byte(leavePing))))
	s.writeHead(5, true, with(get, "x=y")...)
	s.turn()
	s.expect("answered", "GOAWAY 3 NO_ERROR")
	if s.streams[5] != nil || s.conn.Done() {
		t.Errorf("late request taken: %v, done: %v", s.streams[5] != nil, s.conn.Done())
	}
	s.streams[1].answer(200, "")
	s.streams[3].answer(200, "")
	if !s.conn.Done() {
		t.Error("not done")
	}
	s.conn.Release()
}

func TestFailure(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, true, get...)
	s.turn()
	s.failed = true
	s.streams[1].keep = true
	s.streams[1].answer(200, "x")
	s.flush()
	if !s.conn.Dead() || !s.streams[1].aborted || s.conn.Streams() != 0 {
		t.Errorf("dead: %v, stream aborted: %v", s.conn.Dead(), s.streams[1].aborted)
	}
	s.conn.Release()
}

// Long heads go out in several frames, and are tables apart from the peer's.
func TestLongResponse(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0}))
	s.dec.SetAllowedMaxDynamicTableSize(0)
	s.writeHead(1, true, get...)
	s.turn()
	s.frames()
	res := response(200)
	for i := range 50 {
		res.Add(fmt.Appendf(nil, "x-%d", i), []byte(strings.Repeat("v", 1000)))
	}
	s.streams[1].SendHead(res)
	s.streams[1].finish()
	s.flush()
	got := s.frames()
	if len(got) != 1 || !strings.Contains(got[0], "x-49=vvv") || !strings.HasSuffix(got[0], " END") {
		t.Errorf("%.200q", got)
	}
}

func TestManyTurnsAllocateNothing(t *testing.T) {
	s := greeted(t, testSettings())
	quiet := quietServer{}
	set := testSettings()
	quiet.conn.Init(NewWorkspace(set), set, &quiet, &quiet.stats)
	quiet.conn.Feed([]byte(Preface), 0)
	s.must(s.framer.WriteSettings())
	quiet.feed(s)
	s.writeHead(1, true, with(get, "user-agent=me", "cookie=a=b")...)
	first := s.in.Len()
	s.writeHead(3, true, with(get, "user-agent=me", "cookie=a=b")...)
	frame := append([]byte{}, s.in.Bytes()[first:]...)
	quiet.feed(s)
	id := uint32(5)
	quiet.body = make([]byte, 1000)
	if n := testing.AllocsPerRun(500, func() {
		frame[5], frame[6], frame[7], frame[8] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		id += 2
		quiet.conn.sendWin = 1 << 20
		quiet.conn.Feed(frame, 0)
		quiet.conn.Dispatch()
		quiet.conn.Flush()
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
	if quiet.answered < 500 {
		t.Errorf("%d answers", quiet.answered)
	}
}

// The window of the connection opens again when content was passed on, whatever its stream:
// a client that minds both windows can send for ever.
func TestConnectionCredit(t *testing.T) {
	s := greeted(t, testSettings())
	window := DefaultConnWindow
	for id, sent := uint32(1), 0; sent < 3*DefaultConnWindow; id += 2 {
		s.writeHead(id, false, get...)
		for range 3 {
			if window < 16000 {
				t.Fatalf("after %d bytes the window is %d", sent, window)
			}
			s.must(s.framer.WriteData(id, false, make([]byte, 16000)))
			sent += 16000
			window -= 16000
		}
		s.must(s.framer.WriteData(id, true, nil))
		s.turn()
		for _, f := range s.frames() {
			var of, n int
			if _, err := fmt.Sscanf(f, "%d WINDOW_UPDATE %d", &of, &n); err == nil && of == 0 {
				window += n
			}
		}
		if window > DefaultConnWindow {
			t.Fatalf("after %d bytes the window is %d, more than at the beginning", sent, window)
		}
		s.streams[id].answer(200, "")
		s.turn()
	}
}

// A client that does not know our settings yet may send as much as without them, and is held
// to smaller windows once it does.
func TestWindowBeforeSettingsAreKnown(t *testing.T) {
	set := testSettings()
	set.Window = 20000
	s := newServer(t, set)
	s.in.WriteString(Preface)
	s.must(s.framer.WriteSettings())
	s.turn()
	s.frames()
	send := func(id uint32, n int) {
		for ; n > 0; n -= 16000 {
			s.must(s.framer.WriteData(id, false, make([]byte, min(n, 16000))))
		}
	}
	s.onHead = func(ts *testStream) { ts.hold = true }
	s.writeHead(1, false, get...)
	s.writeHead(3, false, get...)
	send(1, 65535)
	s.turn()
	s.expect("before")
	s.must(s.framer.WriteSettingsAck())
	s.writeHead(5, false, get...)
	send(5, 20000)
	send(3, 20000)
	s.turn()
	s.expect("within smaller windows")
	send(1, 1)
	send(3, 1)
	send(5, 1)
	s.turn()
	s.expect("beyond", "1 RST_STREAM FLOW_CONTROL_ERROR", "3 RST_STREAM FLOW_CONTROL_ERROR", "5 RST_STREAM FLOW_CONTROL_ERROR")
}

// What is on its way of many requests that are answered at once is no fault of their
// client's, however often that happens.
func TestManyEarlyAnswers(t *testing.T) {
	s := greeted(t, testSettings())
	id := uint32(1)
	for range 20 {
		first := id
		for range 100 {
			s.writeHead(id, false, get...)
			id += 2
		}
		s.onHead = func(ts *testStream) { ts.answer(403, "") }
		s.turn()
		s.frames()
		for i := first; i < id; i += 2 { // sent before it knew
			s.must(s.framer.WriteData(i, false, []byte("abc")))
			s.writeHead(i, true, "x-trailer=y")
		}
		s.turn()
		if got := s.frames(); len(got) > 0 {
			t.Fatalf("up to stream %d: %q", id, got)
		}
	}
}

// What a client sends for a stream that its handler has closed, within a frame or behind
// it, is given back to the connection's window and brought to nobody.
func TestRestOfAFrameForAClosedStream(t *testing.T) {
	s := greeted(t, testSettings())
	s.onHead = func(ts *testStream) { ts.hold = true }
	s.writeHead(1, false, get...)
	s.must(s.framer.WriteData(1, false, make([]byte, 10000)))
	data := bytes.Clone(s.in.Bytes())
	s.in.Reset()
	s.conn.Feed(data[:len(data)-6000], 0)
	s.conn.Dispatch()
	ts := s.streams[1]
	if len(ts.body) != 4000 {
		t.Fatalf("%d bytes came", len(ts.body))
	}
	ts.Close(Cancel)
	s.conn.Feed(data[len(data)-6000:], 0)
	s.conn.Dispatch()
	if len(ts.body) != 4000 {
		t.Errorf("%d bytes came for a stream that is closed", len(ts.body)-4000)
	}
	if n := s.conn.recvWin + s.conn.give; n != DefaultConnWindow {
		t.Errorf("the connection's window has come to %d", n)
	}
}

// Content of requests that were taken back before anybody heard of them opens the
// connection's window again.
func TestWindowOfWhatWasTakenBack(t *testing.T) {
	s := greeted(t, testSettings())
	for i := range uint32(40) {
		s.writeHead(2*i+1, false, get...)
		s.must(s.framer.WriteDataPadded(2*i+1, false, make([]byte, 9000), make([]byte, 100)))
		s.must(s.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel))
	}
	s.turn()
	if n := s.conn.recvWin + s.conn.give; n != DefaultConnWindow {
		t.Errorf("the connection's window has come to %d", n)
	}
}

// A stream that has something to send does not overtake one that waits for room, however
// much room there is by then.
func TestNobodyOvertakes(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteWindowUpdate(0, 1<<20))
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	s.onHead = func(ts *testStream) { ts.hold, ts.keep = true, true }
	s.writeHead(1, true, get...)
	s.writeHead(3, true, get...)
	s.turn()
	s.frames()
	s.limit = 0
	one, three := s.streams[1], s.streams[3]
	one.answer(200, strings.Repeat("1", 100_000))
	three.SendHead(response(200))
	s.limit = -1
	if n := three.Send([]byte("3")); n != 0 {
		t.Error("sent before what waits")
	}
	three.send = []byte("3")
	s.conn.Writable()
	s.flush()
	got := s.frames()
	last := strings.Join(got[max(len(got)-3, 0):], "\n")
	if len(one.send) != 0 || len(three.send) != 0 || !strings.Contains(last, "3 DATA 3") {
		t.Errorf("%d and %d bytes are left, the last frames are %q", len(one.send), len(three.send), last)
	}
}

// Room comes with what has left, not only when all has.
func TestRoomComesBack(t *testing.T) {
	s := greeted(t, testSettings())
	s.onHead = func(ts *testStream) { ts.hold, ts.keep = true, true }
	s.writeHead(1, true, get...)
	s.turn()
	s.limit = 0
	s.streams[1].answer(200, strings.Repeat("1", 60_000))
	s.flush()
	before := s.conn.room()
	s.limit = 50_000
	s.conn.Writable()
	if after := s.conn.room(); after < before+50_000 {
		t.Errorf("room for %d bytes, and for %d after 50,000 have left", before, after)
	}
	s.limit = -1
	s.conn.Writable()
	s.flush()
	n := 0
	for _, f := range s.frames() {
		var k int
		if _, err := fmt.Sscanf(f, "1 DATA %d bytes", &k); err == nil {
			n += k
		}
	}
	if n != 60_000 {
		t.Errorf("%d bytes came", n)
	}
}

// What comes of streams behind the last one that is served is passed over, and costs those
// that are nothing.
func TestBehindTheLastStream(t *testing.T) {
	s := greeted(t, testSettings())
	s.onHead = func(ts *testStream) { ts.hold = true }
	s.writeHead(1, false, get...)
	s.turn()
	s.conn.Shutdown()
	s.conn.Leave()
	s.flush()
	s.frames()
	s.writeHead(3, false, get...)
	s.must(s.framer.WriteData(3, false, []byte("abc")))
	s.must(s.framer.WriteWindowUpdate(3, 10))
	s.writeHead(3, true, "x-trailer=y")
	s.writeHead(5, false, get...)
	s.must(s.framer.WriteRSTStream(5, http2.ErrCodeCancel))
	s.must(s.framer.WriteData(1, true, []byte("abc")))
	s.turn()
	s.expect("behind the last stream")
	if ts := s.streams[1]; string(ts.body) != "abc" || !ts.ended || s.conn.Dead() {
		t.Errorf("the last stream got %q, ended %v, dead %v", ts.body, ts.ended, s.conn.Dead())
	}
	if n := s.conn.recvWin + s.conn.give; n != DefaultConnWindow-3 {
		t.Errorf("the connection's window has come to %d", n)
	}
}

// A head that waits for room goes on when there is some, whatever waits before it for the window
// of the connection.
func TestHeadsNeedNoWindow(t *testing.T) {
	s := greeted(t, testSettings())
	s.must(s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	s.onHead = func(ts *testStream) { ts.hold, ts.keep = true, true }
	s.writeHead(1, true, get...)
	s.writeHead(3, true, get...)
	s.turn()
	s.limit = 0
	one, three := s.streams[1], s.streams[3]
	one.answer(200, strings.Repeat("1", 100_000))
	s.conn.sendWin = 0
	s.conn.tx = append(s.conn.tx, make([]byte, s.conn.room())...)
	if !three.Full() || !one.place.Linked() {
		t.Fatal("there is room for a head, or nothing waits for the window")
	}
	s.limit = -1
	s.conn.Writable()
	if three.place.Linked() || three.headWaits {
		t.Error("the head waits behind content that the client does not take")
	}
	if !one.place.Linked() || len(one.send) == 0 {
		t.Error("content has gone beyond the window")
	}
}

// Padding of content that nobody wants counts for the window of the connection, too.
func TestPaddingForNobody(t *testing.T) {
	s := greeted(t, testSettings())
	s.writeHead(1, false, get...)
	s.turn()
	s.streams[1].answer(200, "x")
	s.must(s.framer.WriteDataPadded(1, false, []byte("abc"), make([]byte, 200)))
	s.must(s.framer.WriteDataPadded(1, true, nil, make([]byte, 100)))
	s.turn()
	if held := int(s.conn.recvWin) + int(s.conn.give); held != DefaultConnWindow {
		t.Errorf("the connection's window lacks %d bytes", DefaultConnWindow-held)
	}
}
