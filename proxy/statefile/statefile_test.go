package statefile

import (
	"errors"
	"strings"
	"testing"
)

const good = "4 be 1 s1 127.0.0.1 2 4 5 10 15 6 3 4 6 0 0 1 a.example 18090 - 1 77 127.0.0.3 - 0\n"

// What is written is read back as it was.
func TestRoundTrip(t *testing.T) {
	want := Line{
		BackendID: 4, Backend: "be", ID: 1, Server: "s1", Addr: "127.0.0.1", Op: Running, Admin: ConfiguredMaint, Weight: 5, InitialWeight: 10,
		Since: 15, CheckStatus: 6, CheckResult: ResultPassed, CheckHealth: 4, CheckState: CheckConfigured | CheckEnabled, ServerForced: true,
		Host: "a.example", Port: 18090, Service: None, TLS: true, CheckPort: 77, CheckAddr: "127.0.0.3", AgentAddr: None,
	}
	var b strings.Builder
	if err := want.Write(&b); err != nil || b.String() != good {
		t.Errorf("%v %q", err, b.String())
	}
	f, err := Parse(Header + b.String())
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := f.Of("be", "s1"); got != want || !ok || err != nil {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	if _, ok, err := f.Of("be", "s2"); ok || err != nil {
		t.Errorf("a server that is not there: %v %v", ok, err)
	}
}

// A text without a version that is known is none of ours.
func TestVersions(t *testing.T) {
	for text, known := range map[string]bool{"1\n": true, "1": false, "": false, "2\n": false, "1 \n": false, "x\n": false, "\n1\n": false} {
		if _, err := Parse(text); (err == nil) != known {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A text with a line that was cut short is not used, wherever the cut is.
func TestLinesCutShort(t *testing.T) {
	first := strings.Replace(good, "s1", "s0", 1)
	for n := 1; n < len(good); n++ {
		_, err := Parse(Header + first + good[:n])
		if e, ok := errors.AsType[*CorruptError](err); !ok || e.Line != 3 || e.Error() != "line 3 was cut short" {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for fields, known := range map[int]bool{19: false, 20: true, 25: true, 30: true} {
		words := strings.Fields(good + " a b c d e")
		f, err := Parse(Header + strings.Join(words[:fields], " ") + "\n")
		if !known {
			if err == nil {
				t.Errorf("%d fields are enough", fields)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := f.Of("be", "s1"); !ok || err != nil {
			t.Errorf("%d fields: %v %v", fields, ok, err)
		}
	}
}

// Of two lines for one server the first one counts; comments and empty lines do not.
func TestLinesTwice(t *testing.T) {
	f, err := Parse("1\n#x\n\n \n" + good + strings.Replace(good, " 5 10 ", " 6 10 ", 1))
	if err != nil {
		t.Fatal(err)
	}
	if l, _, _ := f.Of("be", "s1"); l.Weight != 5 {
		t.Errorf("%+v", l)
	}
	if list := f.Servers("be"); len(list) != 1 || list[0].Server != "s1" || list[0].BackendID != 4 {
		t.Errorf("%+v", list)
	}
}

// A line with one bad field says which, and is not used.
func TestBadFields(t *testing.T) {
	for i, name := range map[int]string{
		5: "srv_op_state", 6: "srv_admin_state", 7: "srv_uweight", 8: "srv_iweight", 9: "srv_time_since_last_change", 10: "srv_check_status",
		11: "srv_check_result", 12: "srv_check_health", 13: "srv_check_state", 14: "srv_agent_state", 15: "bk_f_forced_id", 16: "srv_f_forced_id", 18: "srv_port",
	} {
		for _, value := range []string{"x", "-1", "99999999999"} {
			words := strings.Fields(good)
			words[i] = value
			f, err := Parse(Header + strings.Join(words, " ") + "\n")
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := f.Of("be", "s1"); !ok || err == nil || err.Error() != ", invalid "+name+" value '"+value+"'" {
				t.Errorf("%s %s: %v %v", name, value, ok, err)
			}
		}
	}
	for value, fine := range map[string]bool{"0": true, "1": true, "4": true, "5": true, "8": true, "12": true, "9": false, "32": true, "2": true, "33": true, "128": false} {
		words := strings.Fields(good)
		words[6] = value
		f, _ := Parse(Header + strings.Join(words, " ") + "\n")
		if _, _, err := f.Of("be", "s1"); (err == nil) != fine {
			t.Errorf("administrative state %s: %v", value, err)
		}
	}
}

func TestStatuses(t *testing.T) {
	for n := range statuses + 1 {
		if name := StatusName(n); name != "" && StatusNumber(name) != n {
			t.Errorf("%d is %s, which is %d", n, name, StatusNumber(name))
		}
	}
	if StatusNumber("") != 1 || StatusNumber("what") != 0 || StatusName(-1) != "" {
		t.Error("results that are none")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Header + good)
	f.Add("1\n" + good[:30])
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse(text)
		if err != nil {
			return
		}
		for key := range file.lines {
			l, ok, err := file.Of(key[0], key[1])
			if !ok {
				t.Fatalf("%q was read and is not there", key)
			}
			if err == nil && (l.Weight < 0 || l.Weight > maxWeight || l.Port < 0 || l.Port > 65535 || l.Op < Stopped || l.Op > Stopping) {
				t.Fatalf("%+v", l)
			}
		}
	})
}
