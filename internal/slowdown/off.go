//go:build !slowdown

package slowdown

// Request is called for each request.
func Request() {}
