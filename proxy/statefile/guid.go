package statefile

import (
	"errors"
	"fmt"
	"strings"
)

// maxGUID bounds the length of an identifier.
const maxGUID = 127

// CheckGUID says what is wrong with what is to identify a proxy, a server or a listener
// in a file of counters; nil: nothing.
func CheckGUID(s string) error {
	switch {
	case s == "":
		return errors.New("an identifier must not be empty")
	case len(s) > maxGUID:
		return fmt.Errorf("an identifier has at most %d characters", maxGUID)
	}
	for _, c := range s {
		if !strings.ContainsRune("_:.-", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("invalid character '%c'", c)
		}
	}
	return nil
}
