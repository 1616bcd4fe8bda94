package engine

import (
	"time"

	"bench/proxy/table"
)

// Tables implements cli.Engine.
func (e *Engine) Tables() []*table.Table { return e.shared.Tables }

// makeTables makes the stick tables.
func (e *Engine) makeTables() {
	for _, s := range e.cfg.Tables {
		e.shared.Tables = append(e.shared.Tables, table.New(s))
	}
}

// sweepTablesEvery is how often entries are removed that have expired. Until then they
// only take up memory: nobody finds them.
const sweepTablesEvery = 250 * time.Millisecond

// sweepTables removes entries that have expired, until the engine ends.
func (e *Engine) sweepTables() {
	expiring := false
	for _, t := range e.shared.Tables {
		expiring = expiring || t.Expire > 0
	}
	if !expiring {
		return
	}
	tick := time.NewTicker(sweepTablesEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-tick.C:
		}
		for _, t := range e.shared.Tables {
			t.Sweep(t.Now())
		}
	}
}
