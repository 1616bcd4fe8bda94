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

// A virtual user keeps its cookies over the connections it opens in turn, and
// sends its own only.
func TestCookiesBelongToTheUser(t *testing.T) {
	users := map[string]string{} // cookie by X-User; the origin's loop alone uses it
	wrong := 0
	o := startOrigin(t, &testOrigin{respond: func(head []byte, _, nth int) ([]byte, action) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			return nil, closeAfter
		}
		user, cookie := r.Header.Get("X-User"), r.Header.Get("Cookie")
		want, known := users[user]
		if known && cookie != want || !known && cookie != "" {
			wrong++
		}
		a := action(keep)
		if r.Close {
			a = closeAfter
		}
		if known {
			return []byte(okAnswer), a
		}
		users[user] = "id=" + strconv.Itoa(nth)
		return []byte("HTTP/1.1 200 OK\r\nSet-Cookie: id=" + strconv.Itoa(nth) + "; Path=/\r\nContent-Length: 2\r\n\r\nok"), a
	}}, "")
	spec := steady(o.addr, 0, 10_000_000)
	spec.Arrival, spec.ThinkUs, spec.Connections, spec.MaxRequests = workload.Closed, 3000, workload.Connections{Pool: 5, RequestsPerConnection: 3}, 100
	spec.HTTP = http1.Spec{Cookies: true, Requests: []http1.Request{{Headers: []http1.Header{{Name: "X-User", Value: "{{user}}"}}}}}
	got, _ := load(t, spec)
	var n int
	o.loop.Call(func() { n = len(users) })
	if got.Failed != 0 || got.ConnsOpened < 20 || n != 5 || wrong != 0 {
		t.Errorf("%d connections, %d users, %d requests with another cookie than their user's, failures %v", got.ConnsOpened, n, wrong, got.FailuresByCause)
	}
}
