package server

import "testing"

func TestNeedFollowsThePeakAndFades(t *testing.T) {
	var c Conns
	for range 8 {
		c.Open()
	}
	for range 6 {
		c.Leave()
	}
	if c.Used() != 2 || c.Idle() != 6 || c.Need() != 8 || c.Surplus() != 0 {
		t.Fatalf("used %d, idle %d, need %d, surplus %d", c.Used(), c.Idle(), c.Need(), c.Surplus())
	}
	var got []int64
	for range 6 {
		c.Fade()
		got = append(got, c.Need())
	}
	want := []int64{6, 5, 4, 3, 2, 2}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("need %v, want %v", got, want)
		}
	}
	if c.Surplus() != 6 {
		t.Errorf("surplus %d of 6 idle ones, want all", c.Surplus())
	}
	c.Take()
	c.Close(true)
	c.Close(false)
	if c.Used() != 2 || c.Idle() != 4 || c.Need() != 3 {
		t.Errorf("used %d, idle %d, need %d, want 2, 4 and 3", c.Used(), c.Idle(), c.Need())
	}
}
