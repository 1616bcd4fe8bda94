package httporigin

import "testing"

func TestNamesDigest(t *testing.T) {
	for input, want := range map[string]bool{
		"":                                       false,
		"X-Bench-Integrit":                       false,
		"X-Bench-Integrity":                      true,
		"GET / HTTP/1.1\r\nx-bENCH-integrity: 0": true,
		"xxX-Bench-IntegrityX":                   true,
		"X-Bench_Integrity X-Bench-Id: x-x-x-x":  false,
	} {
		if got := namesDigest([]byte(input)); got != want {
			t.Errorf("%q: %v", input, got)
		}
	}
	input := []byte("GET /x HTTP/1.1\r\nHost: xyz\r\nX-Bench-Id: x.1\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { namesDigest(input) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
