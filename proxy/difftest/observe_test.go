package difftest

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// observed are the ways traffic may count for the health of a server.
func observed() (kinds []checkKind) {
	for _, layer := range []string{"layer4", "layer7"} {
		for _, then := range []string{"fastinter", "fail-check", "sudden-death", "mark-down"} {
			for _, manner := range []string{"well", "wrong", "junk", "closes", "resets", "silent", "refuses", "twice"} {
				kinds = append(kinds, checkKind{name: strings.Join([]string{layer, then, manner}, "."), server: fmt.Sprintf("observe %s error-limit 3 on-error %s", layer, then)})
			}
		}
	}
	return kinds
}

// observedServers are what those servers do with requests.
func observedServers() map[string][]step {
	return map[string][]step{
		"well":   {await("\r\n\r\n"), send(ok), closeNow()},
		"wrong":  {await("\r\n\r\n"), send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), closeNow()},
		"junk":   {await("\r\n\r\n"), send("what?\r\n\r\n"), shut()},
		"closes": {await("\r\n\r\n"), closeNow()},
		"resets": {await("\r\n\r\n"), reset()},
		"silent": {await("never")},
		"twice":  {await("\r\n\r\n"), send("HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"), closeNow()},
	}
}

// TestObserve compares what both proxies make of the errors of traffic.
func TestObserve(t *testing.T) {
	if tried(t) {
		return
	}
	kinds := observed()
	servers := map[string]*origin{}
	for name, script := range observedServers() {
		o, err := newOrigin([][]step{script}, awaitLimit, func() *cutter { return nil })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.stop() })
		servers[name] = o
	}
	checked, err := newOrigin([][]step{{closeNow()}}, awaitLimit, func() *cutter { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checked.stop() })
	both := []*checkedBy{newCheckedBy(t), newCheckedBy(t)}
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		c := both[i]
		c.counts = true
		conf := fmt.Sprintf(checksConf, c.port())
		conf = strings.Replace(conf, "defaults\n", "    max-spread-checks 1ms\ndefaults\n", 1)
		conf += "frontend fe\n    bind unix@DIR/fe\n    use_backend %[path,field(2,/)]\n"
		for _, k := range kinds {
			manner := k.name[strings.LastIndex(k.name, ".")+1:]
			// The next check is far away.
			conf += fmt.Sprintf("backend %s\n    retries 0\n    timeout server 1s\n    timeout check 20s\n    timeout connect 20s\n    server s1 127.0.0.1:%d check port %d inter 1h fall 3 %s\n", k.name, servers[manner].port(), checked.port(), k.server)
			c.origins[k.name+"/s1"] = nil
		}
		c.start(t, s, conf)
	}
	sameFound(t, kinds, both[0], both[1]) // all servers have been checked
	var asking sync.WaitGroup
	for _, c := range both {
		front := strings.TrimSuffix(c.socket, "stats") + "fe"
		for _, k := range kinds {
			requests := 4
			if strings.HasSuffix(k.name, "twice") {
				requests = 2
			}
			asking.Go(func() {
				for range requests {
					ask(t, front, k.name)
				}
			})
		}
	}
	asking.Wait()
	sameFound(t, kinds, both[0], both[1])
	down := 0
	for _, found := range both[0].known {
		if strings.Contains(found, `status="DOWN"`) {
			down++
		}
	}
	if down == 0 {
		t.Error("nothing has put a server down")
	}
}

// ask makes a request and takes the answer, whatever it is.
func ask(t *testing.T, front, backend string) {
	t.Helper()
	conn, err := net.Dial("unix", front)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(awaitLimit))
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", backend)
	buf := make([]byte, 4096)
	for err == nil {
		_, err = conn.Read(buf)
	}
}
