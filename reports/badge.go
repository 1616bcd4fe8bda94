package reports

import (
	"fmt"
	"html/template"
	"io"

	"bench/internal/result"
	"bench/reports/internal/tty"
	"bench/reports/series"
)

// Colours of a badge: white text on them has a contrast of at least 4.5.
const (
	badgeName   = "#3b4450"
	badgePass   = "#0e492a"
	badgeFail   = "#911f99"
	badgeUnsure = "#8a4e08"
)

// badgeColour is the ground of a verdict.
func badgeColour(verdict string) string {
	switch verdict {
	case result.Pass:
		return badgePass
	case result.Fail:
		return badgeFail
	}
	return badgeUnsure
}

// writeBadge writes a small picture with the verdict: for a page about the project.
func writeBadge(w io.Writer, r *Report) error {
	run := r.Data.Run
	name, verdict := tty.Fit(series.OneLine(run.Scenario), 40), series.OneLine(run.Verdict)
	if verdict == "" {
		verdict = result.Unclear
	}
	// The texts are stretched to these widths, whatever font there is.
	const letter, margin = 7, 8
	left, right := letter*max(tty.Width(name), 1), letter*tty.Width(verdict)+4
	whole := left + right + 4*margin
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" viewBox="0 0 %[1]d 20" role="img" aria-label="%[2]s: %[3]s">
<title>%[2]s: %[3]s</title>
<rect width="%[1]d" height="20" rx="3" fill="%[4]s"/>
<path d="M%[5]d 0h%[6]da3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-%[6]dz" fill="%[7]s"/>
<g fill="#fff" font-family="Verdana,'DejaVu Sans',sans-serif" font-size="11" text-anchor="middle"><text x="%[8]d" y="14" textLength="%[9]d" lengthAdjust="spacingAndGlyphs">%[2]s</text><text x="%[10]d" y="14" textLength="%[11]d" lengthAdjust="spacingAndGlyphs" font-weight="700">%[3]s</text></g>
</svg>
`, whole, template.HTMLEscapeString(name), template.HTMLEscapeString(verdict), badgeName, left+2*margin, right+2*margin-3, badgeColour(verdict),
		left/2+margin, left, left+3*margin+right/2, right)
	return err
}
