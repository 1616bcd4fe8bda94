package difftest

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

var turnsOf = flag.Int("turns", 20, "requests, ends and commands in each backend of TestTurns")

var turnsFarms = flag.Int("turns-farms", 12, "backends of TestTurns")

var turnsSeed = flag.Uint64("turns-seed", 1, "what happens in TestTurns")

// A farm is played with: requests come and stay, end, and servers are changed, one thing
// after the other. What is compared is which server got which request, and when: those
// that waited come in the order in which the queue lets them in.
type farmPlay struct {
	name, lines string
	ops         []farmOp
}

// farmOp is one thing that happens.
type farmOp struct {
	open    string // fields of a request that comes
	end     int    // this one of those that are being served ends
	command string // for the runtime API
	// kills is a server of which the command ends what it serves.
	kills string
	pause time.Duration // nothing is done meanwhile
}

// drawFarmPlay makes a backend and what happens to it. Half of them have limits: there
// requests wait.
func drawFarmPlay(i int, n int) farmPlay {
	r := rand.New(rand.NewPCG(*turnsSeed, uint64(i)))
	balance := []string{"roundrobin", "leastconn", "roundrobin", "static-rr", "first", "leastconn"}[i%6]
	p := farmPlay{name: fmt.Sprintf("be%d", i)}
	lines := []string{
		"balance " + balance, "cookie SRV", "timeout queue 1m",
		"http-request set-priority-class req.hdr(x-class) if { req.hdr(x-class) -m found }",
		"http-request set-priority-offset req.hdr(x-offset) if { req.hdr(x-offset) -m found }",
	}
	if r.IntN(3) == 0 {
		lines = append(lines, "option allbackups")
	}
	limited := (i+i/6)%2 == 1
	servers := 2 + r.IntN(5)
	weights := []int{1, 2, 3, 10, 50, 100, 256}
	if limited {
		weights = weights[3:] // a percentage of less may be none, which empties a farm
	}
	for s := range servers {
		line := fmt.Sprintf("server s%d ADDR cookie s%d weight %d", s, s, weights[r.IntN(len(weights))])
		if limited {
			line += fmt.Sprintf(" maxconn %d", 1+r.IntN(3))
			if balance != "leastconn" && r.IntN(5) == 0 { // there requests overtake others into its queue
				line += " maxqueue 1"
			}
		}
		switch {
		case s > 1 && !limited && r.IntN(4) == 0:
			line += " backup"
		case r.IntN(8) == 0:
			line += " disabled"
		}
		lines = append(lines, line)
	}
	if limited && r.IntN(3) == 0 {
		lines = append(lines, "option redispatch")
	}
	p.lines = strings.Join(lines, "\n ")
	changed := map[string]bool{} // since the last choice: a second change would hide the first
	for range n {
		server := fmt.Sprintf("%s/s%d", p.name, r.IntN(servers))
		switch k := r.IntN(20); {
		case k < 9:
			fields := ""
			if limited && r.IntN(3) == 0 {
				fields += fmt.Sprintf("X-Class: %d\r\n", r.IntN(5)-2)
			}
			if limited && r.IntN(3) == 0 {
				fields += fmt.Sprintf("X-Offset: %d\r\n", (r.IntN(3)-1)*400000)
			}
			if limited && r.IntN(5) == 0 {
				fields += fmt.Sprintf("Cookie: SRV=s%d\r\n", r.IntN(servers))
			} else {
				clear(changed)
			}
			p.ops = append(p.ops, farmOp{open: fields + "X-Backend: " + p.name + "\r\n"})
		case k < 17:
			p.ops = append(p.ops, farmOp{end: r.IntN(1000)})
		case changed[server]:
		case k < 18:
			changed[server] = true
			state := "maint"
			if !limited && r.IntN(2) == 0 { // who waits is let in here when a server is ready again
				state = "drain"
			}
			p.ops = append(p.ops, farmOp{command: fmt.Sprintf("set server %s state %s", server, state)})
		case k < 19:
			changed[server] = true
			p.ops = append(p.ops, farmOp{command: fmt.Sprintf("set server %s state ready", server)})
		default:
			changed[server] = true
			p.ops = append(p.ops, farmOp{command: fmt.Sprintf("set server %s weight %d%%", server, []int{10, 30, 60, 100}[r.IntN(4)])})
		}
	}
	return p
}

// farmPlayer plays one backend of one proxy.
type farmPlayer struct {
	t        *testing.T
	name     string // of the proxy
	addr     string
	ready    string
	socket   string
	talking  *sync.Mutex // the runtime API has a short queue
	play     farmPlay
	arrived  chan arrival
	live     []arrival // that are being served
	sent     int
	waiting  int
	ending   int // requests whose servers have answered, and clients do not have it yet
	finished chan response
}

// arrival is a request at a server, which answers when it is let go.
type arrival struct {
	number int
	server string
	letGo  chan struct{}
}

// response is what became of a request.
type response struct {
	number, status int
}

// settle waits until the proxy has done what follows from the last step, and tells who
// has come to which server. What its counters say must be so before and after a request
// has gone through the proxy's only thread.
func (p *farmPlayer) settle() string {
	var came []string
	agreed := 0
	for began := time.Now(); agreed < 2; {
		if time.Since(began) > 20*time.Second {
			p.t.Errorf("%s: %s: served %d, waiting %d, and counters do not come to say so: %v", p.name, p.play.name, len(p.live), p.waiting, p.counters())
			return "stuck"
		}
		news := true
		for news {
			select {
			case a := <-p.arrived:
				p.live = append(p.live, a)
				came = append(came, fmt.Sprintf("%d at %s", a.number, a.server))
				p.waiting--
				agreed = 0
			case f := <-p.finished:
				if f.status == http.StatusOK {
					p.ending--
				} else {
					p.waiting--
					came = append(came, fmt.Sprintf("%d gets %d", f.number, f.status))
				}
				agreed = 0
			default:
				news = false
			}
		}
		if p.ending > 0 || p.counters() != [2]int{len(p.live), p.waiting} {
			agreed = 0
			time.Sleep(time.Millisecond)
			continue
		}
		agreed++
		if err := ready(p.ready); err != nil {
			p.t.Error(err)
			return "gone"
		}
	}
	slices.SortFunc(p.live, func(a, b arrival) int { return cmp.Compare(a.number, b.number) })
	slices.Sort(came) // who comes together comes in any order
	return strings.Join(came, ", ")
}

// counters are the requests that are being served and those that wait.
func (p *farmPlayer) counters() (n [2]int) {
	for line := range strings.Lines(p.command("show stat " + p.play.name + " 6 -1")) {
		f := strings.Split(line, ",")
		if len(f) < 5 || strings.HasPrefix(line, "#") {
			continue
		}
		queued, _ := strconv.Atoi(f[2])
		current, _ := strconv.Atoi(f[4])
		n[1] += queued
		if f[1] != "BACKEND" {
			n[0] += current
		}
	}
	return n
}

func (p *farmPlayer) command(line string) string {
	p.talking.Lock()
	defer p.talking.Unlock()
	c, err := net.Dial("unix", p.socket)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	defer c.Close()
	_, _ = io.WriteString(c, line+"\n")
	out, _ := io.ReadAll(c)
	return string(out)
}

// open sends a request on a connection of its own.
func (p *farmPlayer) open(fields string) {
	time.Sleep(3 * time.Millisecond) // or nobody could tell who came first
	number := p.sent
	p.sent++
	p.waiting++
	c, err := net.Dial("tcp4", p.addr)
	if err != nil {
		p.t.Error(err)
		return
	}
	_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Number: %d\r\n%s\r\n", number, fields)
	go func() {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil { // as of those that still wait in the end
			res = &http.Response{}
		}
		p.finished <- response{number, res.StatusCode}
	}()
}

func (p *farmPlayer) end(i int) {
	a := p.live[i]
	p.live = slices.Delete(p.live, i, i+1)
	p.ending++
	close(a.letGo)
}

// kill notes that the requests which a server serves are ended by the proxy: their clients
// are told as those that waited for nothing.
func (p *farmPlayer) kill(server string) {
	p.live = slices.DeleteFunc(p.live, func(a arrival) bool {
		if a.server != server {
			return false
		}
		p.waiting++
		close(a.letGo)
		return true
	})
}

// run gives what happened, a line for each step.
func (p *farmPlayer) run() (lines []string) {
	for _, op := range p.play.ops {
		what := ""
		switch {
		case op.open != "":
			what = fmt.Sprintf("request %d %q", p.sent, op.open)
			p.open(op.open)
		case strings.HasSuffix(op.command, "ready") && p.waiting > 0:
			// A server that comes back takes as many as it has slots. In the reference
			// they are sometimes fewer and sometimes more, until the next one ends.
		case op.command != "":
			what = op.command + " " + strings.TrimSpace(p.command(op.command))
			p.kill(op.kills)
		case op.pause > 0:
			what = "a while"
			time.Sleep(op.pause)
		case len(p.live) > 0:
			what = fmt.Sprintf("end of %d", p.live[op.end%len(p.live)].number)
			p.end(op.end % len(p.live))
		}
		lines = append(lines, what+": "+p.settle())
		if p.t.Failed() {
			return lines
		}
	}
	// Whoever waits is let in.
	for len(p.live) > 0 && !p.t.Failed() {
		what := fmt.Sprintf("end of %d", p.live[0].number)
		p.end(0)
		lines = append(lines, what+": "+p.settle())
	}
	return lines
}

// Requests come to the servers that the reference takes for them, in its order, while
// some stay, servers are full, come and go and weigh more and less.
func TestTurns(t *testing.T) {
	var plays []farmPlay
	for i := range *turnsFarms {
		plays = append(plays, drawFarmPlay(i, *turnsOf))
	}
	playFarms(t, plays)
}

// playFarms plays with all backends of both proxies, and compares what happens.
func playFarms(t *testing.T, plays []farmPlay) {
	t.Helper()
	conf := "global\n nbthread 1\n maxconn 2000\n stats socket DIR/stats level admin\n" +
		"defaults\n mode http\n timeout connect 30s\n timeout client 2m\n timeout server 2m\n option http-server-close\n http-reuse never\n" +
		"frontend ready\n bind fd@4\n monitor-uri /ready\n" +
		"frontend fe\n bind fd@3\n use_backend %[req.hdr(x-backend)]\n"
	for _, p := range plays {
		conf += fmt.Sprintf("backend %s\n http-send-name-header X-Server\n %s\n", p.name, p.lines)
	}
	run := func(s *subject) map[string][]string {
		arrived := map[string]chan arrival{}
		for _, p := range plays {
			arrived[p.name] = make(chan arrival, 2*len(p.ops))
		}
		origin := testserver.HTTP(t, func(_ http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.Header.Get("X-Number"))
			a := arrival{n, r.Header.Get("X-Server"), make(chan struct{})}
			arrived[r.Header.Get("X-Backend")] <- a
			select {
			case <-a.letGo:
			case <-t.Context().Done():
			}
		})
		dir := t.TempDir()
		r, err := s.start(dir, strings.NewReplacer("DIR", dir, "ADDR", origin).Replace(conf), 0)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer func() {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}()
		happened := map[string][]string{}
		var mu, talking sync.Mutex
		var all sync.WaitGroup
		for _, play := range plays {
			p := &farmPlayer{t: t, name: s.name, addr: r.addr, ready: r.ready, socket: filepath.Join(dir, "stats"), talking: &talking, play: play, arrived: arrived[play.name], finished: make(chan response, len(play.ops))}
			all.Go(func() {
				lines := p.run()
				mu.Lock()
				happened[play.name] = lines
				mu.Unlock()
			})
		}
		all.Wait()
		return happened
	}
	var want, got map[string][]string
	var both sync.WaitGroup
	both.Go(func() { want = run(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}) })
	both.Go(func() { got = run(&subject{"builtin", []string{build(t), "proxy"}}) })
	both.Wait()
	for _, p := range plays {
		w, g := want[p.name], got[p.name]
		if slices.Equal(w, g) {
			continue
		}
		first := 0
		for first < min(len(w), len(g)) && w[first] == g[first] {
			first++
		}
		t.Errorf("%s from step %d on:\n %s\nhaproxy:\n%s\nbuiltin:\n%s", p.name, first, p.lines, strings.Join(w[:min(first+3, len(w))], "\n"), strings.Join(g[min(first, len(g)):min(first+3, len(g))], "\n"))
	}
}
