package objective

import (
	"testing"

	"bench/internal/result"
)

// TestIntegrity judges limits on what the check of contents came to.
func TestIntegrity(t *testing.T) {
	checked := func(checked, requests, answers uint64) *result.Integrity {
		return &result.Integrity{Checked: checked, Requests: requests, Answers: answers, Unchecked: 5}
	}
	for _, c := range []struct {
		name, expr string
		loads      []result.Load
		unreported uint64
		want       string
	}{
		{"nothing differs", "integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 0, 0)}}, 0, result.Pass},
		{"a request differs", "integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 1, 0)}}, 0, result.Fail},
		{"an answer differs", "integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 0, 1)}}, 0, result.Fail},
		{"origins alone know", "integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 0, 0)}}, 1, result.Fail},
		{"nothing was checked", "integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(0, 0, 0)}}, 0, result.Unclear},
		{"the check was off", "integrity.mismatch == 0", []result.Load{{Name: "a"}}, 0, result.Unclear},
		{"one direction", "integrity.mismatch.request == 0", []result.Load{{Name: "a", Integrity: checked(9, 0, 1)}}, 0, result.Pass},
		{"the other direction", "integrity.mismatch.answer == 0", []result.Load{{Name: "a", Integrity: checked(9, 0, 1)}}, 0, result.Fail},
		{"one load", "b.integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 1, 0)}, {Name: "b", Integrity: checked(9, 0, 0)}}, 3, result.Pass},
		{"one load of which nothing was checked", "b.integrity.mismatch == 0", []result.Load{{Name: "a", Integrity: checked(9, 1, 0)}, {Name: "b"}}, 0, result.Unclear},
		{"all loads", "integrity.checked == 18", []result.Load{{Name: "a", Integrity: checked(9, 1, 0)}, {Name: "b", Integrity: checked(9, 0, 0)}}, 0, result.Pass},
		{"unchecked", "integrity.unchecked < 5", []result.Load{{Name: "a", Integrity: checked(9, 0, 0)}}, 0, result.Fail},
	} {
		e, err := Parse(c.expr, Names{Loads: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if o := Evaluate(e, nil, &Data{Loads: c.loads, Unreported: c.unreported}); o.Verdict != c.want {
			t.Errorf("%s: %s, got %v (%s), want %s", c.name, o.Verdict, o.Got, o.Reason, c.want)
		}
	}
}
