package resolver

import "time"

// Kept is how many answers are kept.
func (r *Resolver) Kept() int { return len(r.kept) }

// Age makes the answer that is kept to a question so old, and the next look at all of them due.
func (r *Resolver) Age(q Question, by time.Duration) {
	k := r.kept[key(q)]
	k.at = r.l.Now() - int64(by)
	r.kept[key(q)], r.swept = k, r.l.Now()-int64(r.Spec.Hold.Valid)
}

// Keep is what becomes of an answer to a question.
func (r *Resolver) Keep(q Question, a Answer) { r.keep(key(q), a) }
