package conn

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// draws chooses a share of connections, in (0, 1] and 0 for all, by seed and ends.
func draws(seed uint64, share float64, a, b any) bool {
	if share == 0 || share == 1 {
		return true
	}
	sum := sha256.Sum256(fmt.Append(nil, seed, a, b))
	return float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < share
}
