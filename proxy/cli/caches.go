package cli

import (
	"fmt"
	"hash/fnv"
)

// cacheBlock is what caches are counted in.
const cacheBlock = 1024

func cacheCommands() []Command {
	return []Command{{Words: "show cache", Level: AdminLevel, Help: "list caches, and what they keep", Fn: showCache}}
}

// showCache lists caches and responses as the reference does. Numbers stand where it has
// addresses of memory.
func showCache(r *request) error {
	for i, c := range r.s.engine.Caches() {
		entries, used := c.List()
		fmt.Fprintf(r.w, "0x%x: %s (shctx:0x%x, available blocks:%d)\n", i+1, c.Spec.Name, i+1, (c.Spec.Total-used)/cacheBlock)
		for k, e := range entries {
			h := fnv.New32a()
			_, _ = h.Write([]byte(e.Key)) // never fails
			_, err := fmt.Fprintf(r.w, "0x%x hash:%d vary:0x%016x size:%d (%d blocks), refcount:0, expire:%d\n",
				k+1, h.Sum32(), e.Vary, e.Size, (e.Size+cacheBlock-1)/cacheBlock, e.Left)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
