package compare

import (
	"fmt"
	"regexp"
	"strings"

	"bench/scenarios/document"
)

// nextSetting is what a comma must stand before to end a setting.
var nextSetting = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*=`)

// ParseSide reads the settings of one side: "K=V,K=V", each as --set has it. A comma
// ends a setting where another one follows and no bracket or quote is open: values may
// have commas, too.
func ParseSide(text string) ([]document.Setting, error) {
	var all []document.Setting
	for _, part := range split(text) {
		s, err := document.ParseSetting(part)
		if err != nil {
			return nil, fmt.Errorf("%q: a side is written KEY=VALUE,KEY=VALUE", text)
		}
		all = append(all, s)
	}
	return all, nil
}

func split(text string) (parts []string) {
	if text == "" {
		return nil
	}
	depth, quote, begin := 0, rune(0), 0
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.ContainsRune(`"'`, c):
			quote = c
		case strings.ContainsRune("([{", c):
			depth++
		case strings.ContainsRune(")]}", c):
			depth--
		case c == ',' && depth <= 0 && nextSetting.MatchString(text[i+1:]):
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// inWords are settings as they were given, for records and tables.
func inWords(all []document.Setting) (texts []string) {
	for _, s := range all {
		texts = append(texts, s.Key+"="+s.Value)
	}
	return texts
}
