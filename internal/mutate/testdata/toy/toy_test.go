package toy

import "testing"

func TestClamp(t *testing.T) {
	for _, c := range [][4]int{{5, 1, 9, 5}, {0, 1, 9, 1}, {10, 1, 9, 9}} {
		if got := Clamp(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%v: %d", c, got)
		}
	}
}

func TestBoth(t *testing.T) {
	if !Both(true, true) || Both(true, false) || Both(false, true) {
		t.Error("wrong")
	}
}

func TestLog(*testing.T) { Log(new([]string), "x") }
