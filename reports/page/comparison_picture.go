package page

import (
	"bytes"
	"fmt"
	"text/template"

	"bench/internal/result"
	"bench/reports/series"
	"bench/reports/words"
)

// Places in the picture of a comparison, in its own units.
const (
	changeWidth = 860
	changeLeft  = 452 // of the axis
	changeReach = 250 // its length
	changeTop   = 96
	changeRow   = 26
	// changeMost bounds the rows.
	changeMost = 30
)

// changePicture is what the template of the picture prints.
type changePicture struct {
	Title, Verdict, Scenario, Summary, Sides string
	Edge                                     string // colour of the verdict
	Table                                    comparedTable
	Lines                                    []changeLine
	More                                     string
	Bottom, Height                           int
}

// changeLine is a row of the picture: a measure, or the head of a group.
type changeLine struct {
	Y      int
	Group  string
	Row    comparedRow
	Colour string
	Fill   string
	Word   string
}

// ComparisonPicture draws the changes as an SVG document in light colours: a picture
// that is shown in another page has no style sheet of its own.
func ComparisonPicture(c *result.Comparison) ([]byte, error) {
	base, fresh := words.CompareSides(c)
	p := changePicture{
		Verdict: words.CompareHead(c), Scenario: cutText(series.OneLine(c.Scenario), 60), Table: newComparedTable(c),
		Summary: words.CompareSummary(c) + ", " + words.ComparePairs(c.Pairs),
		Sides:   cutText("base "+base, 62) + "   " + cutText("new "+fresh, 62),
		Edge:    pictureEdge(comparedVerdict(c.Verdict).Class),
	}
	p.Title = p.Verdict + " " + p.Scenario + ": " + p.Summary
	y, rows, all := changeTop, 0, 0
	for _, g := range p.Table.Groups {
		all += len(g.Rows)
		if rows >= changeMost {
			continue
		}
		if g.Name != "" {
			p.Lines = append(p.Lines, changeLine{Y: y, Group: cutText(g.Name, 70)})
			y += changeRow
		}
		for _, row := range g.Rows[:min(len(g.Rows), changeMost-rows)] {
			rows++
			line := changeLine{Y: y, Row: row, Colour: "#15181d", Fill: "#fff", Word: cutText(row.Verdict.Word, 16)}
			line.Row.Name = cutText(row.Name, 25)
			if b := row.Bar; b != nil {
				switch b.Class {
				case "filled worse":
					line.Colour = "#911f99"
				case "filled better":
					line.Colour = "#0e492a"
				}
				if b.Class != "hollow" {
					line.Fill = line.Colour
				}
			}
			p.Lines = append(p.Lines, line)
			y += changeRow
		}
	}
	p.Bottom = y
	if all > rows {
		p.More = fmt.Sprintf("and %d more measures in compare.html", all-rows)
		y += changeRow
	}
	p.Height = y + 14
	t, err := template.New("picture").Funcs(template.FuncMap{
		"text": template.HTMLEscapeString,
		"px":   func(percent float64) float64 { return round3(changeLeft + percent*changeReach/100) },
		"add":  func(a, b float64) float64 { return round3(a + b) },
		"int":  func(a, b int) int { return a + b },
	}).Parse(changeSource)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, &p)
	return out.Bytes(), err
}

// pictureEdge is the light colour of a verdict's class.
func pictureEdge(class string) string {
	switch class {
	case "pass":
		return "#0e492a"
	case "fail":
		return "#911f99"
	}
	return "#c97a18"
}

const changeSource = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {{.Height}}" width="860" height="{{.Height}}" font-family="system-ui,'Liberation Sans',Arial,sans-serif" font-size="12" role="img">
<title>{{text .Title}}</title>
<rect width="100%" height="100%" fill="#fff"/>
<rect x="16" y="14" width="6" height="24" fill="{{.Edge}}"/>
<text x="30" y="32" font-size="17" font-weight="700" fill="#15181d" xml:space="preserve">{{text .Verdict}}  <tspan font-weight="600">{{text .Scenario}}</tspan></text>
<text x="844" y="31" text-anchor="end" font-weight="600" fill="#15181d">{{text .Summary}}</text>
<text x="16" y="58" fill="#525a66" xml:space="preserve">{{text .Sides}}</text>
{{$p := .}}<g fill="#525a66"><text x="16" y="82">measure</text><text x="262" y="82" text-anchor="end">base</text><text x="338" y="82" text-anchor="end">new</text><text x="400" y="82" text-anchor="end">change</text>{{if .Table.HasBar}}{{range .Table.Ticks}}<text x="{{px .At}}" y="82" text-anchor="middle">{{text .Text}}</text>{{end}}{{end}}<text x="730" y="82">verdict</text></g>
{{if .Table.HasBar}}<rect x="{{px .Table.BandLeft}}" y="88" width="{{add (px .Table.BandWidth) -452.0}}" height="{{int .Bottom -88}}" fill="#dde2e8"/>
<path d="M{{px 50.0}} 88V{{.Bottom}}" stroke="#525a66"/>{{end}}
{{range .Lines}}<g transform="translate(0 {{.Y}})">{{if .Group}}<text x="16" y="17" font-weight="650" fill="#15181d">{{text .Group}}</text>{{else}}{{$l := .}}<text x="16" y="17" font-weight="600" fill="#15181d">{{text .Row.Name}}</text><g fill="#15181d" text-anchor="end"><text x="262" y="17">{{text .Row.Base}}</text><text x="338" y="17">{{text .Row.New}}</text><text x="400" y="17" font-weight="650">{{text .Row.Change}}</text></g>{{with .Row.Bar}}{{if .Bounds}}<path d="M{{px .Left}} 13H{{px (add .Left .Width)}}{{if not .CutLeft}}M{{px .Left}} 8v10{{end}}{{if not .CutRight}}M{{px (add .Left .Width)}} 8v10{{end}}" stroke="{{$l.Colour}}" stroke-width="2" fill="none"/>{{end}}{{if .CutLeft}}<path d="M450 8l-6 5l6 5z" fill="{{$l.Colour}}"/>{{end}}{{if .CutRight}}<path d="M704 8l6 5l-6 5z" fill="{{$l.Colour}}"/>{{end}}{{if not .Beyond}}<circle cx="{{px .Dot}}" cy="13" r="4.5" fill="{{$l.Fill}}" stroke="{{$l.Colour}}" stroke-width="2"/>{{end}}{{else}}<text x="{{px 50.0}}" y="17" text-anchor="middle" fill="#525a66" stroke="#fff" stroke-width="5" paint-order="stroke">{{text .Row.NoBar}}</text>{{end}}<text x="730" y="17" font-weight="600" fill="#15181d">{{text .Word}}</text>{{end}}</g>
{{end}}{{with .More}}<text x="16" y="{{int $p.Bottom 17}}" fill="#525a66">{{text .}}</text>
{{end}}</svg>
`
