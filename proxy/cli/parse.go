package cli

import "errors"

// maxWords bounds the words of one command.
const maxWords = 64

var errTooManyWords = errors.New("too many words in one command, at most 64 are allowed")

// payloadMark at the end of a line announces that the lines up to the next
// empty one belong to its last command.
const payloadMark = "<<"

// split cuts one line, without its line end, into commands at semicolons and
// commands into words at blanks. A backslash takes the next byte as it is.
// payload tells that the line ends in the payload mark, which is not returned.
// A line without a single word is one command without words: it asks for help.
func split(line []byte) (commands [][]string, payload bool, err error) {
	var words []string
	var word []byte
	in := false
	end := func() error {
		if !in {
			return nil
		}
		if len(words) == maxWords {
			return errTooManyWords
		}
		words = append(words, string(word))
		word, in = word[:0], false
		return nil
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', ';':
			if err := end(); err != nil {
				return nil, false, err
			}
			if c == ';' {
				commands = append(commands, words)
				words = nil
			}
		case '\\':
			in = true
			if i+1 < len(line) {
				i++
			}
			word = append(word, line[i])
		default:
			in = true
			word = append(word, c)
		}
	}
	if err := end(); err != nil {
		return nil, false, err
	}
	if n := len(words); n > 0 && words[n-1] == payloadMark {
		words, payload = words[:n-1], true
	}
	return append(commands, words), payload, nil
}
