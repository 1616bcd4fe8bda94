package difftest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/cookie"
)

// cookieBackends are ways to keep clients to servers by a cookie.
var cookieBackends = []string{
	"cookie S", "cookie S insert", "cookie S insert indirect", "cookie S insert indirect nocache", "cookie S insert nocache postonly",
	"cookie S insert indirect preserve", "cookie S insert preserve nocache", "cookie S indirect preserve", "cookie S rewrite", "cookie S prefix", "cookie S prefix indirect",
	"cookie S prefix nocache", "cookie S insert httponly secure domain .a.example domain .b.example attr SameSite=Strict attr x=y",
	"cookie S insert indirect maxidle 1h", "cookie S insert indirect maxlife 2h", "cookie S insert maxidle 10m maxlife 1h nocache", "cookie S insert indirect dynamic\n dynamic-cookie-key secret",
	"cookie S insert indirect\n option persist", "cookie S insert indirect\n option redispatch", "cookie S insert indirect\n option persist\n option redispatch",
	"cookie S insert indirect\n force-persist if { path_beg /force }", "cookie S insert indirect\n ignore-persist if { path_beg /ignore }",
	"cookie S insert indirect\n ignore-persist unless { path_beg /force }\n force-persist if { path_beg /force }",
	"cookie S insert indirect\n use-server b if { path_beg /force }\n use-server %[req.hdr(x-want)] if { path_beg /ignore }\n use-server down if { path_beg /long }\n use-server a if { path_beg /long }",
	"use-server b unless { path_beg /force }\n use-server down if { path_beg /force }", "cookie S insert indirect nocache\n balance uri\n hash-type consistent",
	"cookie S rewrite nocache\n balance first",
}

// cookieHeads are what clients send, where NOW is a date that is good for a while, AGO one three hours ago, OLD
// one thirty minutes ago and LATER one in two days.
var cookieHeads = []string{
	"", "Cookie: S=sa", "Cookie: S=sb; other=1", "Cookie: one=1; S=sa; two=2", "Cookie: one=1;S=sa", "Cookie: one=1 ;  S=sb ;  two=2", "Cookie: S=nobody", "Cookie: S=", "Cookie: S",
	"Cookie: S=sdown", "Cookie: S=sdrain", "Cookie: $Version=1; S=sa; $Path=/; two=2", "Cookie: one=1; S = sa ; two = 2", "Cookie: S=\"sa\"", "Cookie: one=1, S=sb, two=2",
	"Cookie: S=sa~value; S=sb", "Cookie: S=sb~", "Cookie: S=sa~\"a;b\"; x", "Cookie: one=1\r\nCookie: S=sa\r\nCookie: two=2", "Cookie: xS=sa; Sx=sb; s=sa", "Cookie: S=sa; S=sb; S=sa",
	"Cookie: S=sa|NOW", "Cookie: S=sb|NOW|NOW", "Cookie: S=sa|AGO", "Cookie: S=sa|OLD|OLD", "Cookie: S=sa|OLD|AGO", "Cookie: S=sa|AGO|NOW", "Cookie: S=sa|LATER", "Cookie: S=sa|junk", "Cookie: S=sb|", "Cookie: S=sa|NOW|LATER", "Cookie: S=sdown|NOW",
	"Cookie: ;;S=sa;;", "Cookie: S=sa;", "Cookie: S=shared",
	// Several of the name, which lead to different servers or to none.
	"Cookie: S=sa; S=nobody", "Cookie: S=nobody; S=sa; S=sb", "Cookie: S=sdown; S=sa", "Cookie: S=sa; S=sdown", "Cookie: S=; S=sb", "Cookie: S=sa\r\nCookie: S=sb\r\nCookie: S=nobody", "Cookie: S=nobody\r\nCookie: one=1; S=sb", "Cookie: S=sa|AGO; S=sb|NOW",
	// Names that begin or end others, and none.
	"Cookie: SS=sa; S=sb; SSS=sa", "Cookie: S1=sa; 1S=sb", "Cookie: =sa; S=sb", "Cookie: =; S=sb", "Cookie: S==sa", "Cookie: S=sa=sb", "Cookie: S=saS=sb",
	// Quotes that are not closed, or around other cookies.
	"Cookie: S=\"sa", "Cookie: S=sa\"x;y\"; two=2", "Cookie: one=\"S=sa\"; S=sb", "Cookie: one=\"; S=sa; two=2", "Cookie: one=\"\\\"; S=sa\"; S=sb", "Cookie: S=\\sa; two=2", "Cookie: S=\"\"; two=2", "Cookie: \"S\"=sa",
	// What belongs to the cookie before it, or to none.
	"Cookie: $Version=1; S=sa", "Cookie: $Version=1; S=sa; $Path=/", "Cookie: S=sa; $Path=/; $Domain=x", "Cookie: $S=sa; S=sb", "Cookie: one=1; $Path=/; S=sa; $Path=/; two=2; $Path=/", "Cookie: $Version; S=sa; one",
	// Delimiters and blanks.
	"Cookie:", "Cookie: ;", "Cookie: =", "Cookie: one,S=sa,", "Cookie: S=sa, S=sb", "Cookie: S=sa ; ; two", "Cookie: \tS\t=\tsb\t;\ttwo=2", "Cookie: one;S=sa;two;", "Cookie: one; S=sa", "Cookie: S=sa two=2", "Cookie: S=sa;S;S=;S=sb",
	// What is in front of the value of an application, and dates.
	"Cookie: S=~x", "Cookie: S=~", "Cookie: S=sa~b~c", "Cookie: S=sa ~ b", "Cookie: S=|NOW", "Cookie: S=sa|NOW|NOW|NOW", "Cookie: S=sa||NOW", "Cookie: S=sa|AAAA", "Cookie: S=sa|AAAAA|AAAAA", "Cookie: S=sa|/////|/////", "Cookie: S=sa|NOWx|NOWx", "Cookie: S=sa| NOW", "Cookie: S=sa|NOW|AAA",
	// Long ones, and bytes that are no text.
	"Cookie: one=" + strings.Repeat("x", 4000) + "; S=sa", "Cookie: S=" + strings.Repeat("s", 4000) + "; two=2", "Cookie: S=SA", "Cookie: S=s\xe4", "Cookie: s\xe4=1; S=sa; \xff",
}

// cookieTails are what the origin adds to its answer.
var cookieTails = []string{
	"", "Set-Cookie: S=app; path=/", "Set-Cookie: other=1\r\nSet-Cookie: S=\"quoted;x\"; HttpOnly\r\nSet-Cookie: S=again", "Cache-Control: max-age=60, public\r\nSet-Cookie: S = spaced ; path=/", "Cache-Control: no-store", "Pragma: no-cache",
	"Set-Cookie: S=", "Set-Cookie: S", "Cache-Control: no-cache=\"set-cookie\", max-age=1",
	"ETag: \"x\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Expires: Sun, 06 Nov 2094 08:49:37 GMT", "Cache-Control: max-age=60", "Cache-Control: private, public", "Cache-Control: max-age=0, s-maxage=60", "Cache-Control: s-maxage=0, max-age=60",
	"Cache-Control: must-revalidate\r\nETag: \"x\"", "Pragma: no-cache\r\nETag: \"x\"", "Cache-Control: public", "Cache-Control: public, no-cache", "Cache-Control: no-cache, public",
	"Set-Cookie: SS=app; S=x", "Set-Cookie: S=\"unclosed; path=/", "Set-Cookie: S=a, S=b", "Set-Cookie: $x; S=a", "Set-Cookie: ; S=a",
	"Set-Cookie2: S=app; path=/", "Set-Cookie2: S=two\r\nSet-Cookie: other=1\r\nSet-Cookie: S=one\r\nSet-Cookie2: S=again; Version=1",
}

// cookieOrigin answers with what it is told to, and says which cookies it saw.
func cookieOrigin(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body := fmt.Sprintf("%q", req.Header["Cookie"])
		status, tail := req.Header.Get("X-Status"), ""
		if n := req.Header.Get("X-Tail"); n != "" {
			tail = cookieTails[n[0]-'a']
		}
		if tail != "" {
			tail += "\r\n"
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if status != "204" && status != "304" {
			tail += fmt.Sprintf("Content-Length: %d\r\n", len(body))
			if req.Method == "HEAD" {
				body = ""
			}
		} else {
			body = ""
		}
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+" X\r\n"+tail+"\r\n"+body)
	}
}

// cookieRequests is one connection for each backend and head of a request, with every
// tail of the response.
func cookieRequests(i int, now int64) (all []string) {
	backend, lines := fmt.Sprintf("be%d", i), cookieBackends[i]
	date := func(seconds int64) string { return string(cookie.AppendDate(nil, now+seconds)) }
	dates := strings.NewReplacer("NOW", date(600), "AGO", date(-3*3600), "OLD", date(-1800), "LATER", date(2*86400))
	add := func(method, path, status string, tail int, head string) {
		if head != "" {
			head = dates.Replace(head) + "\r\n"
		}
		length := ""
		if method == "POST" || method == "PUT" {
			length = "Content-Length: 0\r\n"
		}
		all = append(all, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: a\r\nX-Backend: %s\r\nX-Want: b\r\nX-Status: %s\r\nX-Tail: %c\r\n%s%s\r\n", method, path, backend, status, 'a'+tail, head, length))
	}
	for i, head := range cookieHeads {
		add("GET", "/", "200", 0, head)
		add("GET", []string{"/force", "/ignore", "/long"}[i%3], "200", i%len(cookieTails), head)
	}
	for tail := range cookieTails {
		for i, head := range []string{"", "Cookie: S=sb", "Cookie: S=nobody~x; S=sa"} {
			add([]string{"GET", "POST", "HEAD", "PUT"}[(tail+i)%4], "/", "200", tail, head)
		}
	}
	if !strings.Contains(lines, "nocache") {
		return all
	}
	for _, status := range []string{"200", "201", "203", "204", "206", "300", "301", "302", "304", "400", "404", "405", "410", "414", "500", "501", "502"} {
		for _, method := range []string{"GET", "POST", "OPTIONS", "DELETE", "PUT", "PATCH", "PROPFIND", "HEAD"} {
			if method != "GET" && status != "200" {
				continue
			}
			add(method, "/", status, 0, "")
			add(method, "/", status, 9, "")
		}
	}
	return all
}

// Clients are kept to their servers, and cookies looked at, changed and logged, as the
// reference does it.
func TestCookies(t *testing.T) {
	origin := testserver.TCP(t, cookieOrigin)
	now := time.Now().Unix()
	play := func(s *subject) (answers, lines []string) {
		logs, err := newLogSink(usualLine)
		if err != nil {
			t.Error(err)
			return nil, nil
		}
		var conf strings.Builder
		fmt.Fprintf(&conf, "global\n nbthread 1\n maxconn 2000\n log %s local0\n"+
			"defaults\n mode http\n timeout connect 100ms\n timeout client 10s\n timeout server 10s\n retries 1\n http-reuse always\n"+
			"frontend ready\n bind fd@4\n monitor-uri /ready\nfrontend fe\n bind fd@3\n log global\n option httplog\n use_backend %%[req.hdr(x-backend)]\n", logs.conn.LocalAddr())
		for i, lines := range cookieBackends {
			fmt.Fprintf(&conf, "backend be%d\n %s\n http-response set-header x-server %%s\n"+
				" server a %[3]s cookie sa\n server b %[3]s cookie sb\n server down 127.0.0.1:1 cookie sdown disabled\n server drain %[3]s weight 0 cookie sdrain\n server s1 127.0.0.1:1 cookie shared disabled\n server s2 %[3]s cookie shared\n server none %[3]s\n", i, lines, origin)
		}
		r, err := s.start(t.TempDir(), conf.String(), 0)
		if err != nil {
			t.Error(err)
			return nil, nil
		}
		defer func() {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}()
		sent := 0
		for i := range cookieBackends {
			requests := cookieRequests(i, now)
			sent += len(requests)
			answers = append(answers, cookieAnswers(t, r.addr, requests)...)
		}
		for _, line := range logs.wait(sent, 3*time.Second) {
			m := logLine.FindStringSubmatch(line)
			lines = append(lines, fmt.Sprintf("%s %s %s retries %s", m[2], m[8], m[10], m[11]))
		}
		logs.stop()
		return answers, lines
	}
	var want, got, wantLogs, gotLogs []string
	var both sync.WaitGroup
	both.Go(func() { want, wantLogs = play(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}) })
	both.Go(func() { got, gotLogs = play(&subject{"builtin", []string{build(t), "proxy"}}) })
	both.Wait()
	var names, requests []string
	for i, lines := range cookieBackends {
		for _, r := range cookieRequests(i, now) {
			names, requests = append(names, lines), append(requests, r)
		}
	}
	if len(want) != len(requests) || len(got) != len(want) || len(wantLogs) != len(gotLogs) || len(gotLogs) != len(got) {
		t.Fatalf("%d requests, %d answers of haproxy, %d of builtin; %d and %d lines", len(requests), len(want), len(got), len(wantLogs), len(gotLogs))
	}
	wrong := 0
	for i := range want {
		if want[i] == got[i] && wantLogs[i] == gotLogs[i] {
			continue
		}
		if wrong++; wrong <= *picksShown {
			t.Errorf("%q\n%q\nhaproxy %s\n        %s\nbuiltin %s\n        %s", names[i], requests[i], want[i], wantLogs[i], got[i], gotLogs[i])
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d answers differ", wrong, len(want))
	}
}

// cookieAnswers are the answers to requests, each on a connection that goes on, with
// dates that are now taken out.
func cookieAnswers(t *testing.T, addr string, requests []string) (answers []string) {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	br := bufio.NewReader(c)
	for _, request := range requests {
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, request)
		method, _, _ := strings.Cut(request, " ")
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Errorf("after %d answers: %v\n%q", len(answers), err, request)
			return answers
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode == http.StatusServiceUnavailable {
			body = nil // said in other words
		}
		var fields []string
		for name, values := range res.Header {
			fields = append(fields, fmt.Sprintf("%s: %q", name, values))
		}
		slices.Sort(fields)
		answers = append(answers, fmt.Sprintf("%d %s %s", res.StatusCode, freshDates(strings.Join(fields, " ")), body))
		if res.Close {
			c.Close()
			if c, err = net.Dial("tcp4", addr); err != nil {
				t.Error(err)
				return answers
			}
			br = bufio.NewReader(c)
		}
	}
	return answers
}

var cookieDate = regexp.MustCompile(`\|[A-Za-z0-9+/]{5}`)

// freshDates replaces dates of the last minute.
func freshDates(s string) string {
	return cookieDate.ReplaceAllStringFunc(s, func(d string) string {
		if at := cookie.Date([]byte(d[1:])); time.Since(time.Unix(at, 0)).Abs() < time.Minute {
			return "|now"
		}
		return d
	})
}
