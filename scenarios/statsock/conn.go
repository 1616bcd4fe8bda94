// Package statsock is a small client of HAProxy's runtime API (management
// manual, section 9.3): one connection in interactive mode, which keeps
// speaking to the process that accepted it also after a reload.
package statsock

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAnswer bounds the answer to a command.
const maxAnswer = 64 << 20

// prompt ends every answer of the interactive mode.
var prompt = []byte("\n> ")

// Conn is a connection to one proxy process. It is safe for use by several
// goroutines; commands follow one another.
type Conn struct {
	mu      sync.Mutex
	conn    net.Conn
	buf     []byte
	timeout time.Duration
	err     error // of an earlier command: nothing more can be read
}

// Dial connects to the stats socket at path. The timeout bounds it and every
// command.
func Dial(path string, timeout time.Duration) (*Conn, error) {
	conn, err := net.DialTimeout("unix", path, timeout)
	if err != nil {
		return nil, err
	}
	return Over(conn, timeout)
}

// Over is Dial on a connection that is there already, and closed if it is no use.
func Over(conn net.Conn, timeout time.Duration) (*Conn, error) {
	c := &Conn{conn: conn, timeout: timeout}
	if _, err := c.Do("prompt"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

var errOneLine = errors.New("a command of the stats socket is one line")

// Do sends a command and returns its answer without the empty line at its end.
func (c *Conn) Do(command string) (string, error) {
	if strings.ContainsAny(command, "\n") {
		return "", errOneLine
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ask(command)
}

// ask is Do with the lock held.
func (c *Conn) ask(command string) (string, error) {
	if c.err != nil {
		return "", c.err
	}
	answer, err := c.do(command)
	if err != nil {
		c.err = fmt.Errorf("stats socket: %s: %w", command, err)
		return "", c.err
	}
	return answer, nil
}

// refusal finds the words of a refusal in an answer with numbered severities.
var refusal = regexp.MustCompile(`(?m)^(?:\[[0-3]\]: (.*)|(?:\[[0-7]\]: )?(Unknown command)\b.*)$`)

// severities begin the messages of an answer.
var severities = regexp.MustCompile(`(?m)^\[[0-7]\]: `)

// Order is Do for a command that changes something: one that the proxy refuses is an
// error.
func (c *Conn) Order(command string) (string, error) {
	if strings.ContainsAny(command, "\n") {
		return "", errOneLine
	}
	return c.order(command)
}

var errPayload = errors.New("a payload of the stats socket ends with a line, and has no empty one")

// OrderWith is Order for a command with a payload.
func (c *Conn) OrderWith(command, payload string) (string, error) {
	if strings.ContainsAny(command, "\n") {
		return "", errOneLine
	}
	if !strings.HasSuffix(payload, "\n") || strings.HasPrefix(payload, "\n") || strings.Contains(payload, "\n\n") {
		return "", errPayload
	}
	return c.order(command + " <<\n" + payload)
}

func (c *Conn) order(command string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := ""
	for _, step := range []string{"set severity-output number", command, "set severity-output none"} {
		text, err := c.ask(step)
		if err != nil {
			return "", err
		}
		if step == command {
			answer = text
		}
	}
	if why := refusal.FindStringSubmatch(answer); why != nil {
		return "", fmt.Errorf("the proxy refuses %q: %s", command, strings.TrimSpace(why[1]+why[2]))
	}
	return strings.TrimSpace(severities.ReplaceAllString(answer, "")), nil
}

func (c *Conn) do(command string) (string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return "", err
	}
	if _, err := c.conn.Write([]byte(command + "\n")); err != nil {
		return "", err
	}
	c.buf = c.buf[:0]
	for {
		if cap(c.buf)-len(c.buf) < 4096 {
			c.buf = append(c.buf, make([]byte, max(64<<10, len(c.buf)))...)[:len(c.buf)]
		}
		n, err := c.conn.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if bytes.HasSuffix(c.buf, prompt) {
			return strings.TrimSuffix(string(c.buf[:len(c.buf)-len(prompt)]), "\n"), nil
		}
		if err != nil {
			return "", err
		}
		if len(c.buf) > maxAnswer {
			return "", fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		}
	}
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Info is the answer to "show info" by field name.
type Info map[string]string

// Info asks for "show info".
func (c *Conn) Info() (Info, error) {
	answer, err := c.Do("show info")
	if err != nil {
		return nil, err
	}
	info := Info{}
	for line := range strings.SplitSeq(answer, "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			info[key] = strings.TrimSpace(value)
		}
	}
	if info["Pid"] == "" {
		return nil, fmt.Errorf("stats socket: show info has no line Pid: %.80q", answer)
	}
	return info, nil
}

// Number is a field as a whole number, and whether it is one.
func (i Info) Number(field string) (uint64, bool) {
	n, err := strconv.ParseUint(i[field], 10, 64)
	return n, err == nil
}

// Row is one line of "show stat".
type Row struct {
	Proxy, Server string // pxname and svname
	columns       map[string]int
	fields        []string
}

// Text is a column's text, "" if there is no such column.
func (r *Row) Text(column string) string {
	if i, ok := r.columns[column]; ok && i < len(r.fields) {
		return r.fields[i]
	}
	return ""
}

// Number is a column's value, and whether it has one: an empty column has none.
func (r *Row) Number(column string) (uint64, bool) {
	n, err := strconv.ParseUint(r.Text(column), 10, 64)
	return n, err == nil
}

// Stat asks for "show stat".
func (c *Conn) Stat() ([]Row, error) {
	answer, err := c.Do("show stat")
	if err != nil {
		return nil, err
	}
	return parseStat(answer)
}

// parseStat reads the CSV of "show stat" by the names of its header.
func parseStat(text string) ([]Row, error) {
	header, rest, _ := strings.Cut(text, "\n")
	names, ok := strings.CutPrefix(header, "# ")
	if !ok {
		return nil, fmt.Errorf("stats socket: show stat does not begin with a header: %.80q", header)
	}
	columns := map[string]int{}
	for i, name := range strings.Split(names, ",") {
		if name != "" {
			columns[name] = i
		}
	}
	for _, need := range []string{"pxname", "svname", "status"} {
		if _, ok := columns[need]; !ok {
			return nil, fmt.Errorf("stats socket: show stat has no column %s", need)
		}
	}
	var rows []Row
	for line := range strings.SplitSeq(rest, "\n") {
		if line == "" {
			continue
		}
		r := Row{columns: columns, fields: splitCSV(line)}
		r.Proxy, r.Server = r.Text("pxname"), r.Text("svname")
		rows = append(rows, r)
	}
	return rows, nil
}

// splitCSV splits a line at its commas; a field may be quoted, with quotes in
// it doubled.
func splitCSV(line string) []string {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, ",")
	}
	var fields []string
	var field strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' && quoted && i+1 < len(line) && line[i+1] == '"':
			field.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			fields = append(fields, field.String())
			field.Reset()
		default:
			field.WriteByte(c)
		}
	}
	return append(fields, field.String())
}
