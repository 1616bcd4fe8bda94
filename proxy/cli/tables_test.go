package cli

import (
	"bench/proxy/resolver"
	"bench/proxy/table"
)

func (e *fakeEngine) Tables() []*table.Table { return nil }

func (e *fakeEngine) Resolvers() []*resolver.Resolver { return nil }
