package resolver

// Kept is how many answers are kept.
func (r *Resolver) Kept() int { return len(r.kept) }
