package page

import (
	"bench/internal/result"
	"bench/reports/series"
	"bench/reports/words"
)

// integrity is what the check of contents came to; nil where it was off.
func integrity(c *result.Cell) *table {
	rows := words.IntegrityRows(c)
	if len(rows) == 0 {
		return nil
	}
	return &table{Head: words.IntegrityHead(), Rows: rows, Notes: []string{
		"Checked: the origin has compared the request, and the client its answer, with the digest that was sent along. Unchecked: the answer came from somebody else, or none came.",
	}}
}

// differences are the first messages that were not what was sent; nil without any.
func differences(a *series.Analysis) *table {
	all := words.Differences(a.Cell.Cell)
	if len(all) == 0 {
		return nil
	}
	return &table{Head: words.DifferenceHead(), Rows: words.DifferenceRows(all, a.ZeroUs)}
}
