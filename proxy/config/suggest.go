package config

import "strings"

// nearest returns the choice most like w, "" if none is near enough to have
// been meant. Only a third of the letters may differ.
func nearest(w string, choices []string) string {
	best, bestDist := "", len(w)/3+1
	if len(w) > 64 {
		return ""
	}
	for _, c := range choices {
		if d := distance(strings.ToLower(w), c); d < bestDist || d == bestDist && best == "" && d < len(w) {
			best, bestDist = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with the next
// one to make b of a.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
