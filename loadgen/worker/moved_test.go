package worker

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"testing"

	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

// Each time that a virtual user is answered by another origin than before is counted, over
// the connections it opens in turn; nothing is where cookies are not kept.
func TestMovedUsersAreCounted(t *testing.T) {
	for _, cookies := range []bool{true, false} {
		requests := map[string]int{} // by X-User; the origin's loop alone uses it
		var moves uint64
		o := startOrigin(t, &testOrigin{respond: func(head []byte, _, _ int) ([]byte, action) {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
			if err != nil {
				return nil, closeAfter
			}
			user := r.Header.Get("X-User")
			n := requests[user]
			requests[user]++
			if n > 0 && n%4 == 0 {
				moves++
			}
			a := action(keep)
			if r.Close {
				a = closeAfter
			}
			return []byte("HTTP/1.1 200 OK\r\nX-Bench-Origin: web." + strconv.Itoa(n/4) + "\r\nContent-Length: 2\r\n\r\nok"), a
		}}, "")
		spec := steady(o.addr, 0, 10_000_000)
		spec.Arrival, spec.ThinkUs, spec.Connections, spec.MaxRequests = workload.Closed, 3000, workload.Connections{Pool: 5, RequestsPerConnection: 3}, 100
		spec.HTTP = http1.Spec{Cookies: cookies, Requests: []http1.Request{{Headers: []http1.Header{{Name: "X-User", Value: "{{user}}"}}}}}
		got, l := load(t, spec)
		var want, sum uint64
		o.loop.Call(func() { want = moves })
		if !cookies {
			want = 0
		}
		for _, i := range l.intervals {
			sum += i.Moved
		}
		if got.Failed != 0 || got.Moved != want || sum != want || cookies && want < 10 {
			t.Errorf("cookies %v: %d users moved, %d by the timeline, want %d; failures %v", cookies, got.Moved, sum, want, got.FailuresByCause)
		}
	}
}
