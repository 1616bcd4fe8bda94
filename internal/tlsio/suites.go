package tlsio

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// suitesText has the numbers and names of all suites that OpenSSL 3.0 knows, which are more
// than crypto/tls has: clients offer them.
//
//go:embed suites.txt
var suitesText string

var offeredNames = sync.OnceValue(func() map[uint16]string {
	names := map[uint16]string{}
	for line := range strings.Lines(suitesText) {
		number, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, err := strconv.ParseUint(number, 16, 16)
		if err != nil {
			panic("suites.txt: " + line)
		}
		names[uint16(id)] = name
	}
	return names
})

// AppendCipherName appends OpenSSL's name of a suite that a client offers.
func AppendCipherName(b []byte, id uint16) []byte {
	if name, ok := offeredNames()[id]; ok {
		return append(b, name...)
	}
	return fmt.Appendf(b, "UNKNOWN(%04X)", id)
}
