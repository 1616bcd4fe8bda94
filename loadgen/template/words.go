package template

import (
	"errors"
	"strconv"
	"strings"
)

// SplitWords cuts a line at its spaces. Words in single quotes are taken as they
// are, words in double quotes may have the escapes of a Go string; what is
// between {{ and }} is not cut.
func SplitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words, nil
		}
		var word string
		switch line[0] {
		case '\'':
			end := strings.IndexByte(line[1:], '\'')
			if end < 0 {
				return nil, errors.New("a single quote is not closed")
			}
			word, line = line[1:1+end], line[end+2:]
		case '"':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, errors.New(`text in double quotes is not closed, or has an unknown escape: use \r, \n, \x00, \\ or \"`)
			}
			word, _ = strconv.Unquote(quoted) // it is valid
			line = line[len(quoted):]
		default:
			end := plainWord(line)
			word, line = line[:end], line[end:]
		}
		if line != "" && line[0] != ' ' && line[0] != '\t' {
			return nil, errors.New("a space is missing after a closing quote")
		}
		words = append(words, word)
	}
}

// plainWord is the length of the word without quotes that line begins with.
func plainWord(line string) int {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == ' ' || line[i] == '\t':
			return i
		case strings.HasPrefix(line[i:], "{{"):
			end := strings.Index(line[i:], "}}")
			if end < 0 {
				return len(line) // the template says what is missing
			}
			i += end + 1
		}
	}
	return len(line)
}
