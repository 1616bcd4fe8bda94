package page

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"

	"bench/internal/result"
	"bench/reports/pollers"
)

// Sizes of the picture, in its own units.
const (
	pictureWidth  = 860 // of one chart with its labels
	pictureLeft   = 70
	pictureRight  = 90
	pictureTop    = 64
	pictureHeight = 300 // of the plot
	pictureFoot   = 56
)

// look is how a line is drawn.
type look struct{ Colour, Dash string }

// pictureLook has the light colours and the dashes of the page's style sheet: a
// picture that is shown in another page has no style sheet of its own.
func pictureLook(class string) look {
	switch class {
	case "k1":
		return look{"#911f99", "7 3"}
	case "k2":
		return look{"#c97a18", "2 3"}
	case "k3":
		return look{"#4a8df5", "9 3 2 3"}
	default:
		return look{Colour: "#15181d"}
	}
}

// PollersPicture draws the chart of one work by one measure as an SVG document, the
// proxies below each other.
func PollersPicture(r *result.Pollers, work string, m *pollers.Measure) ([]byte, error) {
	for i := range r.Works {
		if w := &r.Works[i]; w.Name == work {
			return drawPicture(pollerPlots(r, w, m), m.Name+", "+w.Title)
		}
	}
	var names []string
	for i := range r.Works {
		names = append(names, r.Works[i].Name)
	}
	return nil, fmt.Errorf("nothing was measured of %q; there is %s", work, strings.Join(names, ", "))
}

func drawPicture(plots []*pollerPlot, title string) ([]byte, error) {
	const plotWidth = pictureWidth - pictureLeft - pictureRight
	t, err := template.New("picture").Funcs(template.FuncMap{
		"px":     func(percent float64) float64 { return round3(pictureLeft + percent*plotWidth/100) },
		"py":     func(percent float64) float64 { return round3(pictureTop + percent*pictureHeight/100) },
		"look":   pictureLook,
		"offset": func(i int) int { return i * (pictureTop + pictureHeight + pictureFoot) },
		"text":   template.HTMLEscapeString,
		"add":    func(a float64, b float64) float64 { return round3(a + b) },
	}).Parse(pictureSource)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Title": title, "Plots": plots, "Width": pictureWidth, "Left": pictureLeft, "Top": pictureTop,
		"Right": pictureWidth - pictureRight, "Bottom": pictureTop + pictureHeight, "PlotWidth": plotWidth, "PlotHeight": pictureHeight,
		"Height": max(len(plots), 1) * (pictureTop + pictureHeight + pictureFoot),
		"ScaleX": float64(plotWidth) / width, "ScaleY": float64(pictureHeight) / height,
	})
	return out.Bytes(), err
}

const pictureSource = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" font-family="system-ui,'Liberation Sans',Arial,sans-serif" font-size="12" role="img">
<title>{{text .Title}}</title>
<rect width="100%" height="100%" fill="#fff"/>
{{$v := .}}{{range $i, $p := .Plots}}<g transform="translate(0 {{offset $i}})">
<text x="{{$v.Left}}" y="26" font-size="15" font-weight="650" fill="#15181d">{{text $v.Title}}</text>
<text x="{{$v.Left}}" y="46" font-weight="600" fill="#525a66">{{text .Title}}</text>
<path transform="translate({{$v.Left}} {{$v.Top}}) scale({{$v.ScaleX}} {{$v.ScaleY}})" d="{{.Grid}}" fill="none" stroke="#e9edf1" vector-effect="non-scaling-stroke"/>
<path d="M{{$v.Left}} {{$v.Top}}V{{$v.Bottom}}H{{$v.Right}}" fill="none" stroke="#525a66"/>
{{range .Y}}<text x="{{$v.Left}}" y="{{add (py .At) 4}}" dx="-8" text-anchor="end" fill="#525a66">{{text .Text}}</text>
{{end}}{{range .X}}<text x="{{px .At}}" y="{{$v.Bottom}}" dy="18" text-anchor="middle" fill="#525a66">{{text .Text}}</text>
{{end}}<text x="{{px 50.0}}" y="{{$v.Bottom}}" dy="38" text-anchor="middle" fill="#525a66">{{text .XName}}</text>
{{range .Lines}}{{$look := look .Class}}<g stroke="{{$look.Colour}}" fill="none" stroke-width="2"><g transform="translate({{$v.Left}} {{$v.Top}}) scale({{$v.ScaleX}} {{$v.ScaleY}})"><path d="{{.D}}"{{with $look.Dash}} stroke-dasharray="{{.}}"{{end}} vector-effect="non-scaling-stroke"/><path d="{{.Bars}}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></g>
{{$l := .}}{{range .Points}}<path transform="translate({{px .X}} {{py .Y}})" d="{{$l.Marker}}" fill="#fff"/>{{end}}</g>
<text x="{{px .Label.X}}" y="{{add (py .Label.Y) 4}}" dx="11" font-weight="600" fill="#15181d" stroke="#fff" stroke-width="4" paint-order="stroke">{{text .Name}}</text>
{{end}}</g>
{{end}}</svg>
`
