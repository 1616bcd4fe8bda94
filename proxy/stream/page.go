package stream

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"

	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// page is the statistics page of one proxy.
type page struct {
	*spec.StatsPage
	service   *service.Service
	proxy     int
	uri       []byte
	challenge []byte              // for browsers, with "stats auth"
	accounts  [][sha256.Size]byte // of "name:password"
}

// pageOf is the page of a proxy, nil if it has none.
func (t *Thread) pageOf(px *spec.Proxy) *page {
	if px.StatsPage == nil || t.Shared.Stats == nil || px.Mode != spec.ModeHTTP {
		return nil
	}
	p := &page{StatsPage: px.StatsPage, service: t.Shared.Stats, proxy: px.Index, uri: []byte(px.StatsPage.URI)}
	p.challenge = challenge(px.StatsPage.Realm)
	for _, a := range px.StatsPage.Accounts {
		p.accounts = append(p.accounts, sha256.Sum256([]byte(a.Name+":"+a.Password)))
	}
	return p
}

// challenge is what asks a browser for a name and a password (RFC 7617).
func challenge(realm string) []byte {
	b := []byte(`Basic realm="`)
	for i := range len(realm) {
		if c := realm[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, realm[i])
	}
	return append(b, '"')
}

func (s *stream) frontPage() txn.Verdict { return s.statsPage(s.fe.page) }

func (s *stream) backPage() txn.Verdict {
	if s.ownBackend() {
		return txn.Next
	}
	return s.statsPage(s.be.page)
}

// statsPage lets the statistics page answer requests for it.
func (s *stream) statsPage(p *page) txn.Verdict {
	if !p.wanted(s) {
		return txn.Next
	}
	if v := s.accessToPage(p); v != txn.Next {
		return v
	}
	admin := s.anyHolds(p)
	if admin && s.method == message.MethodPost {
		// What is to be done is in the content, which is small.
		if v := s.bufferRequest(); v != txn.Next {
			return v
		}
	}
	return s.serve(p.service, p.proxy, admin)
}

// wanted tells whether the request is for the page: the target begins with its URI.
func (p *page) wanted(s *stream) bool {
	switch s.req.MethodID {
	case message.MethodGet, message.MethodHead, message.MethodPost:
	default:
		return false
	}
	target := s.req.Target
	if p.uri[0] == '/' {
		target = s.origin()
	}
	return bytes.HasPrefix(target, p.uri)
}

// anyHolds tells whether one of the conditions for changes holds.
func (s *stream) anyHolds(p *page) bool {
	return slices.ContainsFunc(p.Admin, s.holds)
}

// accessToPage goes by the rules about who may see the page, or by its accounts.
func (s *stream) accessToPage(p *page) txn.Verdict {
	for i := range p.Access {
		a := &p.Access[i]
		if a.Cond != nil && !s.holds(a.Cond) {
			continue
		}
		switch a.Action {
		case spec.StatsAllow:
			return txn.Next
		case spec.StatsAuth:
			return s.unauthorized(challenge(a.Realm))
		case spec.StatsDeny:
			s.countDenied()
			return s.refusePage(403, nil)
		}
	}
	if len(p.accounts) > 0 && !p.knows(s.req) {
		return s.unauthorized(p.challenge)
	}
	return txn.Next
}

// knows tells whether the request has a name and a password of the page's accounts. How
// long it takes does not depend on how much of them is right.
func (p *page) knows(req *message.Request) bool {
	scheme, text, _ := bytes.Cut(req.GetID(message.Authorization), []byte(" "))
	if !bytes.EqualFold(scheme, []byte("basic")) {
		return false
	}
	given := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(given, bytes.Trim(text, " "))
	if err != nil {
		return false
	}
	sum := sha256.Sum256(given[:n])
	known := 0
	for i := range p.accounts {
		known |= subtle.ConstantTimeCompare(sum[:], p.accounts[i][:])
	}
	return known == 1
}

// unauthorized asks the client for a name and a password.
func (s *stream) unauthorized(challenge []byte) txn.Verdict {
	s.countService()
	s.setFlags('L', 'R')
	return s.refusePage(401, challenge)
}

// refusePage answers with an error; challenge is what it asks for, nil for nothing.
func (s *stream) refusePage(status int, challenge []byte) txn.Verdict {
	s.by = s.t.Shared.Stats.Name
	s.gotReq = s.t.Loop.Now()
	page, content, _ := s.standard(status)
	if challenge == nil || page == nil {
		s.answer(status, 'P', 'R')
		return txn.Answered
	}
	s.setFlags('P', 'R')
	s.status = int32(status)
	var msg message.Response
	page.ShareTo(&msg)
	msg.Add([]byte("www-authenticate"), challenge)
	s.reply(&msg, content)
	return txn.Answered
}

// serveNamed lets the service of a rule answer.
func (s *stream) serveNamed(name string) txn.Verdict {
	if strings.HasPrefix(name, script.Prefix) {
		s.waitOver()
		return s.serveScript(name)
	}
	svc := s.t.Shared.Services[name]
	proxy := s.fe.Spec.Index
	if s.be != nil {
		proxy = s.be.Spec.Index
	}
	s.waitOver()
	return s.serve(svc, proxy, false)
}
