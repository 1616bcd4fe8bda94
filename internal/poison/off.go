//go:build !race && !poison

package poison

var on bool
