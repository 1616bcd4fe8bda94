package impair

// Remembered is the number of flows that are remembered.
func (e *Engine) Remembered() int { return len(e.flows.now.at) + len(e.flows.before.at) }
