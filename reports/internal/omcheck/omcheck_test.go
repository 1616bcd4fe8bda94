package omcheck

import (
	"strings"
	"testing"
)

const good = `# TYPE a gauge
# HELP a Help with \\ and \n.
a{x="\\\"\n",y=""} 1.5
a 2
# TYPE b_seconds histogram
# UNIT b_seconds seconds
b_seconds_bucket{le="0.1"} 1
b_seconds_bucket{le="+Inf"} 2
b_seconds_sum 0.3
b_seconds_count 2
# TYPE c counter
c_total 0
# TYPE d summary
d{quantile="0.5"} 1
d_sum 1
d_count 1
# EOF
`

func TestTakesWhatIsRight(t *testing.T) {
	all, err := Parse(good)
	if err != nil || len(all) != 10 {
		t.Fatalf("%d samples, %v", len(all), err)
	}
	if all[0].Labels["x"] != "\\\"\n" || all[0].Value != 1.5 {
		t.Errorf("%+v", all[0])
	}
	if _, err := Parse("# EOF\n"); err != nil {
		t.Error(err)
	}
}

func TestRefusesWhatIsWrong(t *testing.T) {
	for _, c := range [][2]string{
		{"# EOF\n", ""},
		{"# EOF\n", "# EOF\nmore\n"},
		{"a 2\n", "a 2 \n"},
		{"a 2\n", "a  2\n"},
		{"a 2\n", "a two\n"},
		{"a 2\n", "a 2\n\n"},
		{"a 2\n", "a{x=\"1\" 2\n"},
		{"a 2\n", "a{x=\"\\q\"} 2\n"},
		{"a 2\n", "a{x=\"1\",x=\"2\"} 2\n"},
		{"a 2\n", "a{x=\"\\\\\\\"\\n\",y=\"\"} 2\n"},
		{"a 2\n", "a_total 2\n"},
		{"a 2\n", "# HELP a again\na 2\n"},
		{"UNIT b_seconds seconds", "UNIT b_seconds bytes"},
		{`le="+Inf"`, `le="5"`},
		{`le="0.1"} 1`, `le="0.1"} 3`},
		{"b_seconds_count 2", "b_seconds_count 3"},
		{"c_total 0", "c_total -1"},
		{"TYPE c counter", "TYPE c counters"},
		{"TYPE c counter", "TYPE a counter"},
		{`quantile="0.5"`, `quantile="5"`},
		{"d_sum 1\n", "d_sum 1\nd_sum 1\n"},
		{"# TYPE c counter\nc_total 0\n", "# TYPE c counter\n"},
		{"c_total 0\n", "c_total 0\n# TYPE c_total gauge\nc_total 1\n"},
		{"a 2\n", "a{__x=\"1\"} 2\n"},
		{"# TYPE d summary", "# COMMENT d"},
	} {
		if text := strings.Replace(good, c[0], c[1], 1); text == good {
			t.Errorf("%q is not in the example", c[0])
		} else if _, err := Parse(text); err == nil {
			t.Errorf("%q for %q is taken", c[1], c[0])
		}
	}
}
