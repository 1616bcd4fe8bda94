package poller

import "fmt"

// RingVariants are io_uring in each of the ways to set it up, as on older kernels,
// with queues so small that both of them overflow.
func RingVariants() []Mechanism {
	var all []Mechanism
	for i, flags := range ringFlags {
		all = append(all, Mechanism{Name: fmt.Sprintf("io_uring, small, flags %d", i), New: func(maxFD int) (Poller, error) {
			r, err := setupRing(flags, 2, 4)
			if err != nil {
				return nil, err
			}
			return ringPoller(r, maxFD, 4), nil
		}})
	}
	return all
}

// Refusal is how a failed set-up of io_uring is explained.
var Refusal = refusal
