package difftest

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ownReply is the body of a reply the proxy gives on its own: the sentences are
// each implementation's own.
var ownReply = regexp.MustCompile(`^<html><body><h1>(\d\d\d) [^<]*</h1>\n[^<]*\n</body></html>\n`)

// normal writes a stream of HTTP messages in a form that leaves out what may
// differ: the case and order of field names, the cutting into chunks, the wording
// of the proxy's own replies. heads says that the messages are responses without
// bodies.
func normal(stream []byte, heads bool) string {
	var out strings.Builder
	for len(stream) > 0 {
		end := bytes.Index(stream, []byte("\r\n\r\n"))
		if end < 0 {
			fmt.Fprintf(&out, "unfinished head %q\n", stream)
			break
		}
		lines := strings.Split(string(stream[:end]), "\r\n")
		stream = stream[end+4:]
		fields := lines[1:]
		length, chunked, isOwn := -1, false, false
		for i, f := range fields {
			name, value, _ := strings.Cut(f, ":")
			name, value = strings.ToLower(name), strings.TrimSpace(value)
			fields[i] = name + ": " + value
			switch name {
			case "content-length":
				length, _ = strconv.Atoi(value)
				if m := ownReply.Find(stream); m != nil && len(m) == length || heads && isReplyHead(lines) {
					fields[i] = "content-length: (own reply)"
					isOwn = true
				}
			case "transfer-encoding":
				chunked = strings.EqualFold(value, "chunked")
				fields[i] = strings.ToLower(fields[i])
			}
		}
		sort.Strings(fields)
		fmt.Fprintf(&out, "%s\n", lines[0])
		for _, f := range fields {
			fmt.Fprintf(&out, "  %s\n", f)
		}
		isResponse := strings.HasPrefix(lines[0], "HTTP/")
		status := ""
		if isResponse && len(lines[0]) >= 12 {
			status = lines[0][9:12]
		}
		switch {
		case heads || status == "304" || status == "204" || strings.HasPrefix(status, "1") && status != "101":
		case chunked:
			var body string
			body, stream = dechunk(stream)
			fmt.Fprintf(&out, "  %s\n", body)
		case length >= 0:
			n := min(length, len(stream))
			body := fmt.Sprintf("%q", stream[:n])
			if isOwn {
				body = "(own reply)"
			}
			if n < length {
				body += " cut short"
			}
			stream = stream[n:]
			fmt.Fprintf(&out, "  %s\n", body)
		case isResponse:
			fmt.Fprintf(&out, "  %q to the end\n", stream)
			stream = nil
		}
	}
	return out.String()
}

// verbatim is normal for a stream without messages.
func verbatim(stream []byte, _ bool) string { return fmt.Sprintf("%q\n", stream) }

// isReplyHead guesses that the head of a response to HEAD is the proxy's own.
func isReplyHead(lines []string) bool {
	for _, l := range lines {
		if strings.EqualFold(l, "cache-control: no-cache") {
			return true
		}
	}
	return false
}

// dechunk joins the chunks at the start of b and returns what follows them.
func dechunk(b []byte) (string, []byte) {
	var content []byte
	for {
		i := bytes.Index(b, []byte("\r\n"))
		if i < 0 {
			return fmt.Sprintf("chunks %q cut short", content), nil
		}
		size, err := strconv.ParseUint(string(b[:i]), 16, 32)
		if err != nil {
			return fmt.Sprintf("chunks %q broken at %q", content, b), nil
		}
		b = b[i+2:]
		if size == 0 {
			break
		}
		if uint64(len(b)) < size+2 {
			return fmt.Sprintf("chunks %q cut short", append(content, b[:min(size, uint64(len(b)))]...)), nil
		}
		content = append(content, b[:size]...)
		b = b[size+2:]
	}
	trailer := ""
	for !bytes.HasPrefix(b, []byte("\r\n")) {
		i := bytes.Index(b, []byte("\r\n"))
		if i < 0 {
			return fmt.Sprintf("chunks %q, trailer cut short at %q", content, b), nil
		}
		trailer += fmt.Sprintf(" %q", strings.ToLower(string(b[:i])))
		b = b[i+2:]
	}
	return fmt.Sprintf("chunks %q%s", content, trailer), b[2:]
}

// logLine is what is compared of a line of option httplog.
var logLine = regexp.MustCompile(`\S+ \[[^\]]+\] (\S+) (\S+) (-?\d+)/(-?\d+)/(-?\d+)/(-?\d+)/\+?(-?\d+) (-?\d+) \+?(\d+) (\S+ \S+) (\S+) \S+/(\+?\d+) (\d+/\d+) (.*)$`)

// tcpLogLine is what is compared of a line of option tcplog.
var tcpLogLine = regexp.MustCompile(`\S+ \[[^\]]+\] (\S+) (\S+) (-?\d+)/(-?\d+)/\+?(-?\d+) \+?(\d+) (\S+) \S+/(\+?\d+) \d+/\d+$`)

// logHeader is what precedes the text of a line, logPort what is each connection's own, and
// logDate what is each moment's.
var (
	logHeader = regexp.MustCompile(`^(<\d+>).*? haproxy\[\d+\]: `)
	logPort   = regexp.MustCompile(`\b127\.0\.0\.1:\d+`)
	logDate   = regexp.MustCompile(`\[\d\d/\w+/\d{4}:[\d:.]+\]`)
	logScript = regexp.MustCompile(`(runtime error: )\S+/(s\.lua:\d+): .*`)
)

// ownLog is a line in a format of its own without what is each run's own: its header, ports
// and dates, numbers between two signs @, and how the interpreter of a script words a mistake
// whose place is told.
func ownLog(line string) string {
	line = logHeader.ReplaceAllString(line, "$1")
	line = logScript.ReplaceAllString(line, "$1$2")
	line = logDate.ReplaceAllString(logPort.ReplaceAllString(line, "127.0.0.1:#"), "[#]")
	return caseVaries.ReplaceAllStringFunc(line, func(s string) string { return caseNumber.ReplaceAllString(s, "#") })
}

// rounded writes a timer of the log, rounded to the grain, when it comes to any.
func rounded(name, ms string, grain time.Duration) string {
	n, err := strconv.Atoi(ms)
	if err != nil || grain == 0 {
		return ""
	}
	if d := (time.Duration(n) * time.Millisecond).Round(grain); d > 0 {
		return fmt.Sprintf(" %s=%v", name, d)
	}
	return ""
}

// normalLog reduces a log line to the frontend, the server, which timers ran, the
// status, the flags, the retries, the places in the queues, and the request. With a
// grain it keeps the connection's and the whole time, rounded.
func normalLog(line string, grain time.Duration) string {
	m := logLine.FindStringSubmatch(line)
	if m == nil {
		if m := tcpLogLine.FindStringSubmatch(line); m != nil {
			timers := ""
			for i, name := range []string{"Tw", "Tc"} {
				if m[3+i] == "-1" {
					timers += " no-" + name
				}
			}
			timers += rounded("Tc", m[4], grain) + rounded("Tt", m[5], grain)
			return fmt.Sprintf("%s %s%s bytes=%s flags=%s retries=%s", m[1], m[2], timers, m[6], m[7], m[8])
		}
		return ownLog(line)
	}
	timers := ""
	for i, name := range []string{"TR", "Tw", "Tc", "Tr"} {
		if m[3+i] == "-1" {
			timers += " no-" + name
		}
	}
	timers += rounded("Tc", m[5], grain) + rounded("Ta", m[7], grain)
	queue, cookies := "", ""
	if m[13] != "0/0" {
		queue = " queue=" + m[13]
	}
	if m[10] != "- -" {
		cookies = " cookies=" + m[10]
	}
	return fmt.Sprintf("%s %s%s status=%s%s flags=%s retries=%s%s %s", m[1], m[2], timers, m[8], cookies, m[11], m[12], queue, m[14])
}
