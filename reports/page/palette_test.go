package page

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// Colours in linear light.
type linear [3]float64

func parseHex(t *testing.T, s string) linear {
	t.Helper()
	var n uint32
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if _, err := fmt.Sscanf(s, "%06x", &n); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	var out linear
	for i := range out {
		v := float64(n>>(16-8*i)&0xff) / 255
		if v <= 0.04045 {
			out[i] = v / 12.92
		} else {
			out[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return out
}

func (c linear) luminance() float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(a, b linear) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c linear) times(m [9]float64) linear {
	var out linear
	for i := range out {
		out[i] = min(max(m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2], 0), 1)
	}
	return out
}

// oklab is Ottosson's perceptual space.
func (c linear) oklab() [3]float64 {
	l := math.Cbrt(0.4122214708*c[0] + 0.5363325363*c[1] + 0.0514459929*c[2])
	m := math.Cbrt(0.2119034982*c[0] + 0.6806995451*c[1] + 0.1073969566*c[2])
	s := math.Cbrt(0.0883024619*c[0] + 0.2817188376*c[1] + 0.6299787005*c[2])
	return [3]float64{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s, 1.9779984951*l - 2.4285922050*m + 0.4505937099*s, 0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

// Full dichromacy after Machado, Oliveira and Fernandes (2009), in linear light.
var sights = map[string][9]float64{
	"normal": {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protan": {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"deutan": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"tritan": {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

// Series stand at least 3:1 off the ground and apart from each other, for
// every kind of sight; text at 4.5:1.
func TestPalette(t *testing.T) {
	roots := regexp.MustCompile(`:root\{([^}]*--s1:[^}]*)\}`).FindAllStringSubmatch(styleSource, -1)
	themes := 0
	for _, root := range roots {
		colors := map[string]linear{}
		for _, m := range regexp.MustCompile(`--([a-z0-9]+):#([0-9a-f]{3,6})`).FindAllStringSubmatch(root[1], -1) {
			colors[m[1]] = parseHex(t, m[2])
		}
		if _, ok := colors["s2"]; !ok {
			continue
		}
		themes++
		// Thin lines and dots on a dark ground need more than the 3:1 of WCAG to be seen.
		wanted := 3.0
		if colors["bg"].luminance() < 0.1 {
			wanted = 4
		}
		for _, text := range []string{"text", "muted", "link"} {
			if k := contrast(colors[text], colors["bg"]); k < 4.5 {
				t.Errorf("%s: %.2f:1", text, k)
			}
		}
		least := math.Inf(1)
		for i := 1; i <= 5; i++ {
			a := colors[fmt.Sprintf("s%d", i)]
			if k := contrast(a, colors["bg"]); k < wanted {
				t.Errorf("series %d: %.2f:1", i, k)
			}
			for j := 1; j < i; j++ {
				for _, m := range sights {
					x, y := a.times(m).oklab(), colors[fmt.Sprintf("s%d", j)].times(m).oklab()
					least = min(least, 100*math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2]))
				}
			}
		}
		if least < 12 {
			t.Errorf("two series are %.1f apart", least)
		}
		t.Logf("least distance %.1f", least)
	}
	if themes != 2 {
		t.Errorf("%d themes", themes)
	}
}

func TestScriptIsSmall(t *testing.T) {
	if len(scriptSource) > 40_000 || strings.Contains(scriptSource, "</script") {
		t.Errorf("%d bytes", len(scriptSource))
	}
}
