package reports

import (
	"bytes"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

func TestRequestKinds(t *testing.T) {
	cell := &result.Cell{Name: "run", Loads: []result.Load{{
		Name: "clients", DurationSeconds: 10,
		Phases: []result.LoadPhase{{Name: "steady", LengthUs: 10_000_000, Measured: true}},
		Classes: []result.LoadClass{
			{Name: "browse", Weight: 9, Tally: result.Tally{
				Requests: 9000, Completed: 9000, BytesIn: 7,
				Response: result.Latency{Count: 9000, P50: 200, P90: 300, P99: 1500, P999: 3000, Max: 9000},
			}},
			{Name: "buy", Weight: 1, Tally: result.Tally{
				Requests: 1000, Completed: 100, Failed: 900, FailuresByCause: map[string]uint64{"timeout": 1, "body": 899},
				Response: result.Latency{Count: 100, P50: 200, P90: 300, Max: 900},
			}},
		},
	}}}
	r := &Report{Data: &series.Data{Run: &result.Run{Cells: []*result.Cell{cell}}}, Cells: []*series.Analysis{{Cell: &series.Cell{Cell: cell}}}}
	if !r.hasRequests() {
		t.Fatal("no named requests")
	}
	var b bytes.Buffer
	if err := writeRequests(&b, r); err != nil {
		t.Fatal(err)
	}
	want := `cell,load,request,weight,requests,completed,failed,retried,bytes_in,bytes_out,p50_us,p90_us,p99_us,p99.9_us,max_us,failures
run,clients,browse,9,9000,9000,0,0,7,0,200,300,1500,,9000,
run,clients,buy,1,1000,100,900,0,0,0,,,,,900,body=899 timeout=1
`
	if b.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", b.String(), want)
	}
	text := Summary(&result.Run{Verdict: result.Pass, Scenario: "mix", Cells: []*result.Cell{cell}}, SummaryOptions{})
	for _, line := range []string{"· browse", "· buy"} {
		if !strings.Contains(text, line) {
			t.Errorf("the summary has no line %q:\n%s", line, text)
		}
	}
}
