package cli

import (
	"bytes"
	"errors"
)

// maxWords bounds the words of one command.
const maxWords = 64

var errTooManyWords = errors.New("too many words in one command, at most 64 are allowed")

// PayloadMark at the end of a line announces that the lines up to the next
// empty one belong to its last command.
const PayloadMark = "<<"

// Complete is how much of the beginning of a line that was cut short may be carried out: the
// commands that end in a semicolon.
func Complete(line []byte) int {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ';':
			end = i + 1
		}
	}
	return end
}

// split cuts one line, without its line end, into commands at semicolons and
// commands into words at blanks. A backslash takes the next byte as it is.
// payload tells that a command ends in the payload mark, which is not returned where it is a
// word of its own: that is the last one, and rest, what follows its semicolon, belongs to
// the payload already. A line without a single word is one command without words: it asks
// for help.
func split(line []byte) (commands [][]string, payload bool, rest []byte, err error) {
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
	marked := func(at int) bool {
		if !bytes.HasSuffix(line[:at], []byte(PayloadMark)) {
			return false
		}
		if n := len(words); n > 0 && words[n-1] == PayloadMark {
			words = words[:n-1]
		}
		return true
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', ';':
			if err := end(); err != nil {
				return nil, false, nil, err
			}
			if c == ';' {
				if marked(i) {
					return append(commands, words), true, line[i+1:], nil
				}
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
		return nil, false, nil, err
	}
	payload = marked(len(line))
	return append(commands, words), payload, nil, nil
}
