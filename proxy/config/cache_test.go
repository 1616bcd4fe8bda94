package config

import (
	"strings"
	"testing"
)

const cacheBase = "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind 127.0.0.1:8080\n default_backend b\n http-request cache-use c\n http-response cache-store c\nbackend b\n server s 127.0.0.1:80\n"

func TestCacheSections(t *testing.T) {
	cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte("cache d\n total-max-size 1\n max-object-size 5000\n max-age 7\n process-vary on\n max-secondary-entries 3\ncache c\n total-max-size 4\n" + cacheBase)}}, SystemEnv("2.6.12"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	d, c := cfg.Caches[0], cfg.Caches[1]
	if d.Total != 1<<20 || d.Object != 5000 || d.MaxAge != 7 || !d.Vary || d.Secondary != 3 {
		t.Errorf("%+v", d)
	}
	if c.Total != 4<<20 || c.Object != 16384 || c.MaxAge != 60 || c.Vary || c.Secondary != 10 {
		t.Errorf("%+v", c)
	}
	for section, want := range map[string]string{
		"":                           "there is no section 'cache c'",
		"cache d\n total-max-size 1": "there is no section 'cache c'",
		"cache c":                    "'cache c' needs 'total-max-size'",
		"cache c\n total-max-size 1\n max-object-size 600000": "'max-object-size' of 'cache c' is more than half of its size, which is 524288",
		"cache c\n total-max-size 5000":                       "expects an integer between 1 and 4095",
		"cache c\n process-vary x":                            "expects 'on' or 'off', not 'x'",
		"cache c\n total-max-size 1\ncache c":                 "has the same name as the one at",
		"cache c\n nope 5":                                    "nope",
	} {
		_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(section + "\n" + cacheBase)}}, SystemEnv("2.6.12"))
		found := false
		for i := range diags {
			found = found || strings.Contains(diags[i].Msg, want)
		}
		if !found || !diags.HasErrors() {
			t.Errorf("%q: %v, want %q", section, diags, want)
		}
	}
}
