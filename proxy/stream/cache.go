package stream

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"

	"bench/proxy/cache"
	"bench/proxy/compress"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/stats"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// caching is what a request and its response have to do with caches.
type caching struct {
	asked  cache.Request
	secret bool         // the response is not to be kept
	hit    *cache.Entry // the response to be given
	from   string       // the cache that has it
	fill   *cache.Filling
	rest   []byte // of the content of hit, what was not sent yet
	inner  transport.Coder
}

// Code implements transport.Coder: it keeps the content that passes.
func (k *caching) Code(dst, content []byte, last bool) []byte {
	if k.fill != nil && !k.fill.Add(content) {
		k.drop()
	}
	if k.fill != nil && last {
		k.fill.Keep()
		k.fill = nil
	}
	if k.inner != nil {
		return k.inner.Code(dst, content, last)
	}
	return append(dst, content...)
}

// drop gives up what was to be kept.
func (k *caching) drop() {
	if k.fill != nil {
		k.fill.Drop()
		k.fill = nil
	}
}

// UseCache implements txn.Stream. There are no requests before there are streams.
func (c *client) UseCache(int) {}

// StoreCache implements txn.Stream.
func (c *client) StoreCache(int) {}

// UseCache implements txn.Stream.
func (s *stream) UseCache(index int) {
	k, c := &s.caching, s.t.Shared.Caches[index]
	if s.req == nil || k.hit != nil {
		return
	}
	h := &s.req.Header
	declines, secret := wishesOf(h)
	declines = declines || s.version < message.HTTP11 || s.method != message.MethodGet && s.method != message.MethodHead
	k.secret = k.secret || secret
	k.asked.Key = s.cacheKey()
	if c.Spec.Vary {
		k.asked.Encodings, k.asked.Referer = codings(h), string(h.Get("referer"))
	}
	if k.asked.Key == "" || declines {
		return
	}
	counts := s.cacheCounts()
	counts.Lookups++
	if k.hit = c.Find(&k.asked, s.seconds()); k.hit != nil {
		k.from = c.Spec.Name
		counts.Hits++
	}
}

// cacheCounts are those of the side whose rules ask a cache.
func (s *stream) cacheCounts() *stats.Cache {
	if s.be != nil {
		return &s.be.C.Cache
	}
	return &s.fe.C.Cache
}

// seconds is the time since 1970.
func (s *stream) seconds() int64 { return s.t.wall.at(s.t.Loop.Now()).Unix() }

// cacheKey is the address that a request is for, without the scheme, which only HTTP/2 and
// requests to proxies say; "" if it is not known.
func (s *stream) cacheKey() string {
	if s.req.Form == message.AbsoluteForm {
		_, address, _ := bytes.Cut(s.req.Target, []byte("://"))
		return string(address)
	}
	host := s.req.GetID(message.Host)
	if host == nil || bytes.IndexByte(host, '/') >= 0 { // then it could not be told from a path
		return ""
	}
	return string(host) + string(s.req.Target)
}

// wishesOf tells whether a client declines responses that were kept, and whether the one
// that it gets is to be kept.
func wishesOf(h *message.Header) (declines, secret bool) {
	secret = h.Get("authorization") != nil
	declines = secret || !h.Has(message.CacheControl) && equalFold(bytes.TrimSpace(h.GetID(message.Pragma)), "no-cache")
	for i := h.First(message.CacheControl); i >= 0; i = h.Next(i) {
		for part := range bytes.SplitSeq(h.At(i).Value, []byte(",")) {
			part = bytes.TrimSpace(part)
			for _, word := range []string{"max-age", "no-cache", "max-stale", "min-fresh", "no-store"} {
				declines = declines || hasPrefixFold(part, word)
			}
			secret = secret || hasPrefixFold(part, "no-store")
		}
	}
	return declines, secret
}

// codings are those that a client takes.
func codings(h *message.Header) string {
	var all []string
	for i := h.First(message.AcceptEncoding); i >= 0; i = h.Next(i) {
		for part := range strings.SplitSeq(strings.ToLower(string(h.At(i).Value)), ",") {
			name, q, _ := strings.Cut(part, ";")
			if strings.Trim(strings.TrimPrefix(strings.ReplaceAll(q, " ", ""), "q="), "0.") == "" && q != "" {
				continue // not taken
			}
			if name = strings.TrimSpace(name); name != "" && name != "identity" {
				all = append(all, name)
			}
		}
	}
	return strings.Join(all, ",")
}

// StoreCache implements txn.Stream.
func (s *stream) StoreCache(index int) {
	k, c, res := &s.caching, s.t.Shared.Caches[index], s.res
	if res == nil || k.asked.Key == "" || k.from != "" || k.fill != nil || s.version < message.HTTP11 {
		return
	}
	if s.method != message.MethodGet {
		safe := s.method == message.MethodHead || s.method == message.MethodOptions || s.method == message.MethodTrace
		if !safe && res.Status >= 200 && res.Status < 400 {
			c.Forget(k.asked.Key) // it has changed (RFC 9111 section 4.4)
		}
		return
	}
	vary, known := variesBy(&res.Header)
	framed := res.Body.Kind == message.BodyLength || res.Body.Kind == message.BodyChunked
	if k.secret || res.Status != 200 || !framed || !known || vary != 0 && !c.Spec.Vary || !s.cacheable() {
		return
	}
	if res.Body.Kind == message.BodyLength && res.Body.Length > uint64(c.Spec.Object) {
		return
	}
	now := s.seconds()
	fresh, announced := lifetime(&res.Header, now, int64(c.Spec.MaxAge))
	e := &cache.Entry{Vary: vary, Stored: now, Expires: now + fresh}
	if age := res.Get("age"); age != nil {
		n, err := strconv.ParseInt(string(bytes.TrimSpace(age)), 10, 64)
		if err != nil || n <= 0 || n > announced {
			return // nobody knows how old it is, or it is older than it may become
		}
		e.Age = min(n, math.MaxInt32)
		res.Remove(message.LookupString("age"), []byte("age"))
	}
	e.ETag, e.Encoding = string(res.GetID(message.ETag)), strings.ToLower(string(res.GetID(message.ContentEncoding)))
	if t, err := parseDate(string(res.Get("last-modified"))); err == nil {
		e.Modified = t.Unix()
	}
	res.CopyTo(&e.Response, make([]byte, res.TextLen()))
	k.fill = c.Fill(&k.asked, e, now)
}

// variesBy are the fields that a response depends on, and whether they are understood.
func variesBy(h *message.Header) (v cache.Vary, known bool) {
	for i := h.First(message.Vary); i >= 0; i = h.Next(i) {
		for part := range bytes.SplitSeq(h.At(i).Value, []byte(",")) {
			switch part = bytes.TrimSpace(part); {
			case equalFold(part, "accept-encoding"):
				v |= cache.ByEncoding
			case equalFold(part, "referer"):
				v |= cache.ByReferer
			default:
				return 0, false
			}
		}
	}
	return v, true
}

// lifetime is how long a response stays fresh, in seconds, at most as long as a cache keeps
// any, and how long its head says that it does; 0: it says nothing.
func lifetime(h *message.Header, now, most int64) (fresh, announced int64) {
	shared, private := int64(-1), int64(-1)
	for i := h.First(message.CacheControl); i >= 0; i = h.Next(i) {
		for part := range strings.SplitSeq(strings.ToLower(string(h.At(i).Value)), ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
			switch {
			case err != nil:
			case name == "s-maxage":
				shared = n
			case name == "max-age":
				private = n
			}
		}
	}
	switch expires := h.Get("expires"); {
	case shared > 0:
		return min(shared, most), shared
	case private > 0:
		return min(private, most), private
	case shared < 0 && private < 0 && expires != nil:
		t, err := parseDate(string(expires))
		if err != nil {
			return 0, 0
		}
		left := max(t.Unix()-now, 0)
		return min(left, most), left
	}
	return most, 0
}

// keepContent puts what keeps the content of a response between it and what encodes it.
func (s *stream) keepContent() txn.Verdict {
	if k := &s.caching; k.fill != nil {
		k.inner, s.coder = s.coder, k
	}
	return txn.Next
}

// hitService stands for caches where rules and logs see what answers.
var hitService = &service.Service{Name: "<CACHE>"}

// serveCached answers with what a cache has.
func (s *stream) serveCached() txn.Verdict {
	k := &s.caching
	if k.hit == nil {
		return txn.Next
	}
	t, now, e := s.t, s.t.Loop.Now(), k.hit
	same := unmodified(&s.req.Header, e)
	s.setFlags('L', 'R')
	s.gotReq, s.gotSrv, s.connected, s.gotRes = now, now, now, now
	s.by = hitService.Name
	if !s.up.Ended || t.Shared.Stopping.Load() || s.fe.Stopped.Load() {
		s.keepCli = false
	}
	s.abandon()
	s.up.Release(&t.Kit)
	s.forget()
	msg := &t.res
	e.Response.ShareTo(msg)
	msg.KeepAlive = true
	age := max(s.seconds()-e.Stored, 0) + e.Age
	msg.Add([]byte("age"), strconv.AppendInt(msg.Arena.Alloc(20)[:0], age, 10))
	k.rest = e.Content
	if same {
		k.rest = nil
		notModified(msg)
	}
	s.status, s.res = int32(msg.Status), msg
	s.judgeResponse()
	s.transaction().Cached = k.from
	if s.serviceRules(hitService.Plain) == txn.Answered {
		k.rest = nil
		s.ruled(s.txn)
		return txn.Answered
	}
	s.lastRules(nil, false)
	s.encodeResponse()
	s.pushCached()
	return txn.Answered
}

// notModified makes a response one that says that the client has what it asks for
// (RFC 9110 section 15.4.5).
func notModified(msg *message.Response) {
	msg.Status, msg.Reason, msg.Body = 304, []byte("Not Modified"), message.Body{}
	msg.DelID(message.TransferEncoding)
}

// pushCached sends the head of a response that was kept, and begins with its content.
func (s *stream) pushCached() {
	t, k, msg, f := s.t, &s.caching, s.res, &s.down
	s.res = nil
	s.status, s.headOut = int32(msg.Status), true
	switch {
	case s.bodiless(msg.Status):
		k.rest = nil
	case msg.Body.Kind == message.BodyNone: // rules have made another status of 304
		msg.SetID(message.ContentLength, noContent)
	case msg.Body.Kind == message.BodyChunked:
		if s.coder == nil {
			s.encoding = encoding{Encoder: t.encoders.Get(compress.Identity)}
			s.coder = &s.encoding
		}
		f.Chunks.Start(h1.ChunkStrip, 0) // there is no trailer
		f.Chunks.Coder = s.coder
		f.Frame = s.c.lane() == nil
	}
	if msg.Status == 204 {
		unframe(&msg.Header)
	}
	if l := s.c.lane(); l != nil {
		l.sendHead(msg)
	} else {
		f.Out = t.Bufs.Append(f.Out, s.appendResponse(msg))
	}
	s.exp, s.srvExp = never, never
	s.afterCached(s.pumpCached())
}

// cachedPiece is how much of a content is handed over at a time, in bytes.
const cachedPiece = 64 << 10

// pumpCached sends content for as long as the client takes it.
func (s *stream) pumpCached() transport.FlowState {
	k, f := &s.caching, &s.down
	for {
		piece := k.rest[:min(len(k.rest), cachedPiece)]
		k.rest = k.rest[len(piece):]
		f.Ended = len(k.rest) == 0
		var st transport.FlowState
		if f.Out != nil && f.Chunks.Coder == nil {
			f.Store(&s.t.Kit, piece)
			st = f.Flush(&s.t.Kit, &s.c.Endpoint)
		} else {
			st = f.Push(&s.t.Kit, &s.c.Endpoint, piece, nil)
		}
		if st != transport.FlowWait || f.Ended {
			return st
		}
	}
}

func (s *stream) afterCached(st transport.FlowState) {
	switch st {
	case transport.FlowBlocked:
		s.state = stateFlush
		s.touchClient()
		s.arm()
	case transport.FlowDstErr:
		s.countClientAbort()
		s.abort('C', 'D')
	default:
		s.end(true)
	}
}

// unmodified tells whether a client has what is kept (RFC 9110 section 13.1).
func unmodified(h *message.Header, e *cache.Entry) bool {
	found := false
	for i := h.Index("if-none-match", -1); i >= 0; i = h.Index("if-none-match", i) {
		found = true
		for tag := range bytes.SplitSeq(h.At(i).Value, []byte(",")) {
			tag = bytes.TrimSpace(tag)
			if string(tag) == "*" || e.ETag != "" && string(bytes.TrimPrefix(tag, []byte("W/"))) == strings.TrimPrefix(e.ETag, "W/") {
				return true
			}
		}
	}
	if found || e.Modified == 0 {
		return false
	}
	since, err := parseDate(string(h.Get("if-modified-since")))
	return err == nil && !since.Before(time.Unix(e.Modified, 0))
}

// parseDate reads a date in any of the forms of RFC 9110, section 5.6.7.
func parseDate(text string) (t time.Time, err error) {
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err = time.Parse(layout, text); err == nil {
			break
		}
	}
	return t, err
}
