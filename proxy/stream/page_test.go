package stream

import (
	"encoding/base64"
	"testing"

	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/spec"
)

// Only a name with its own password sees the page, however it is written.
func TestAccountsOfThePage(t *testing.T) {
	th := &Thread{Shared: &Shared{Stats: &service.Service{}}}
	p := th.pageOf(&spec.Proxy{Mode: spec.ModeHTTP, StatsPage: &spec.StatsPage{Accounts: []spec.Account{{Name: "u", Password: "p"}, {Name: "v", Password: "q:r"}}}})
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for value, want := range map[string]bool{
		basic("u:p"): true, basic("v:q:r"): true, "bASIC  " + basic("u:p")[6:]: true,
		basic("u:"): false, basic("u:q:r"): false, basic("v:q"): false, basic(":p"): false, basic("u:pp"): false, basic("u"): false, basic(""): false,
		"": false, "Basic": false, "Basic ???": false, "Bearer " + basic("u:p")[6:]: false, basic("u:p")[6:]: false,
	} {
		req := &message.Request{}
		if value != "" {
			req.AddID(message.Authorization, []byte(value))
		}
		if got := p.knows(req); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
