package page

import (
	"bytes"
	"text/template"

	"bench/internal/result"
	"bench/reports/capacity"
	"bench/reports/series"
)

// CapacityPicture draws latency against rate as an SVG document in light colours: a
// picture that is shown in another page has no style sheet of its own. Of an axis it is
// the capacity over its values.
func CapacityPicture(r *result.Capacity) ([]byte, error) {
	var plots []*capacityPlot
	if p := scalingPlot(r); p != nil {
		plots = append(plots, p)
	} else {
		plots = capacityPlots(r, &r.CapacityPoint)
		for _, p := range plots {
			p.Sub += "; circles held, crosses did not, squares do not count"
		}
	}
	const plotWidth = pictureWidth - pictureLeft - pictureRight
	t, err := template.New("picture").Funcs(template.FuncMap{
		"px":     func(percent float64) float64 { return round3(pictureLeft + percent*plotWidth/100) },
		"pw":     func(percent float64) float64 { return round3(percent * plotWidth / 100) },
		"py":     func(percent float64) float64 { return round3(pictureTop + percent*pictureHeight/100) },
		"look":   capacityLook,
		"colour": capacityColour,
		"offset": func(i int) int { return i * (pictureTop + pictureHeight + pictureFoot) },
		"text":   template.HTMLEscapeString,
		"add":    func(a, b float64) float64 { return round3(a + b) },
	}).Parse(capacityPictureSource)
	if err != nil {
		return nil, err
	}
	title := "Capacity of " + cutText(series.OneLine(r.Scenario), 60) + ": "
	if r.Axis == "" {
		title += capacity.Found(&r.CapacityPoint)
	} else {
		title += "by " + cutText(series.OneLine(r.Axis), 40)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Title": title, "Plots": plots, "Width": pictureWidth, "Left": pictureLeft, "Top": pictureTop,
		"Right": pictureWidth - pictureRight, "Bottom": pictureTop + pictureHeight, "PlotHeight": pictureHeight,
		"Height": max(len(plots), 1) * (pictureTop + pictureHeight + pictureFoot),
		"ScaleX": float64(plotWidth) / width, "ScaleY": float64(pictureHeight) / height,
	})
	return out.Bytes(), err
}

// capacityLook has the colours and dashes of the page's style sheet.
func capacityLook(class string) look {
	switch class {
	case "line p50":
		return look{"#4a8df5", ""}
	case "line law":
		return look{"#4a8df5", ""}
	case "line law beyond":
		return look{"#4a8df5", "6 4"}
	case "line edge":
		return look{"#4a8df5", "1 3"}
	default:
		return look{Colour: "#15181d"}
	}
}

func capacityColour(class string) string {
	switch class {
	case "held":
		return "#0e492a"
	case "broke":
		return "#911f99"
	case "void":
		return "#c97a18"
	default:
		return "#15181d"
	}
}

const capacityPictureSource = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" font-family="system-ui,'Liberation Sans',Arial,sans-serif" font-size="12" role="img">
<title>{{text .Title}}</title>
<rect width="100%" height="100%" fill="#fff"/>
{{$v := .}}{{range $i, $p := .Plots}}<g transform="translate(0 {{offset $i}})">
<text x="{{$v.Left}}" y="26" font-size="15" font-weight="650" fill="#15181d">{{if $i}}{{text .Title}}{{else}}{{text $v.Title}}{{end}}</text>
<text x="{{$v.Left}}" y="46" fill="#525a66">{{text .Sub}}</text>
{{with .Knee}}<rect x="{{px .Left}}" y="{{$v.Top}}" width="{{pw .Width}}" height="{{$v.PlotHeight}}" fill="#0e492a" fill-opacity=".18"/>{{end}}
<path transform="translate({{$v.Left}} {{$v.Top}}) scale({{$v.ScaleX}} {{$v.ScaleY}})" d="{{.Grid}}" fill="none" stroke="#e9edf1" vector-effect="non-scaling-stroke"/>
<path d="M{{$v.Left}} {{$v.Top}}V{{$v.Bottom}}H{{$v.Right}}" fill="none" stroke="#525a66"/>
{{range .Y}}<text x="{{$v.Left}}" y="{{add (py .At) 4}}" dx="-8" text-anchor="end" fill="#525a66">{{text .Text}}</text>
{{end}}{{range .X}}<text x="{{px .At}}" y="{{$v.Bottom}}" dy="18" text-anchor="middle" fill="#525a66">{{text .Text}}</text>
{{end}}<text x="{{px 50.0}}" y="{{$v.Bottom}}" dy="38" text-anchor="middle" fill="#525a66">{{text .XName}}</text>
{{with .Limit}}<path d="M{{$v.Left}} {{py .At}}H{{$v.Right}}" stroke="#911f99" stroke-width="1.5" stroke-dasharray="5 3"/><text x="{{$v.Left}}" y="{{add (py .At) -5}}" dx="6" fill="#15181d" stroke="#fff" stroke-width="4" paint-order="stroke">{{text .Text}}</text>
{{end}}{{with .Knee}}<path d="M{{px .At}} {{$v.Top}}V{{$v.Bottom}}" stroke="#0e492a" stroke-width="1.5"/><text x="{{px .At}}" y="{{$v.Top}}" dx="-5" dy="16" text-anchor="end" font-weight="650" fill="#15181d" stroke="#fff" stroke-width="4" paint-order="stroke">{{text .Text}}</text>
{{end}}{{range .Lines}}{{$look := look .Class}}<path transform="translate({{$v.Left}} {{$v.Top}}) scale({{$v.ScaleX}} {{$v.ScaleY}})" d="{{.D}}" fill="none" stroke="{{$look.Colour}}" stroke-width="2"{{with $look.Dash}} stroke-dasharray="{{.}}"{{end}} vector-effect="non-scaling-stroke"/>
{{end}}{{range .Dots}}<path transform="translate({{px .X}} {{py .Y}})" d="{{.Marker}}" fill="{{if eq .Class "broke"}}none{{else}}#fff{{end}}" stroke="{{colour .Class}}" stroke-width="2"/>
{{end}}{{range .Ends}}<text x="{{$v.Right}}" y="{{add (py .At) 4}}" dx="8" font-weight="600" fill="#15181d">{{text .Text}}</text>
{{end}}</g>
{{end}}</svg>
`
