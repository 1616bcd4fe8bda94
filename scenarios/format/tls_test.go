package format

import (
	"reflect"
	"testing"

	"bench/loadgen/workload"
)

func TestTLSOfLoads(t *testing.T) {
	for _, c := range []struct {
		load *TLSLoad
		want *workload.TLS
	}{
		{nil, nil},
		{&TLSLoad{Name: "a.test", Sessions: "resumed"}, &workload.TLS{Name: "a.test"}},
		{&TLSLoad{Sessions: "full", Version: "1.2"}, &workload.TLS{Full: true, MinVersion: "1.2", MaxVersion: "1.2"}},
	} {
		s := Scenario{Load: []Load{{Name: "l", TLS: c.load}}}
		got := s.Spec(&s.Load[0]).TLS
		if (got == nil) != (c.want == nil) || got != nil && !reflect.DeepEqual(*got, *c.want) {
			t.Errorf("%+v: %+v, want %+v", c.load, got, c.want)
		}
	}
}
