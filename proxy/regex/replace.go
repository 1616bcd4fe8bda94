package regex

// Replace appends b to dst with matches replaced by a template, all of them or the
// first one only. In the template \0 to \9 stand for groups, \xHH for a byte, and a
// backslash before anything else for what follows it. It reports false if nothing
// matched; dst then is as it was.
func (r *Regexp) Replace(dst []byte, m *Memory, b, template []byte, all bool) ([]byte, bool) {
	done, from := 0, 0
	for from <= len(b) {
		loc := r.Find(m, b, from)
		if loc == nil {
			break
		}
		dst = append(dst, b[done:loc[0]]...)
		dst = Expand(dst, template, b, loc)
		done, from = loc[1], loc[1]
		if loc[1] == loc[0] { // an empty match: go past one byte
			from++
		}
		if !all {
			return append(dst, b[done:]...), true
		}
	}
	if from == 0 {
		return dst, false
	}
	return append(dst, b[done:]...), true
}

// Expand appends a template with the groups of a match in b (see Replace).
func Expand(dst, template, b []byte, loc []int) []byte {
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c != '\\' || i+1 == len(template) {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = template[i]; {
		case c >= '0' && c <= '9':
			if g := 2 * int(c-'0'); g < len(loc) && loc[g] >= 0 {
				dst = append(dst, b[loc[g]:loc[g+1]]...)
			}
		case c == 'x' && i+2 < len(template) && unhex(template[i+1]) >= 0 && unhex(template[i+2]) >= 0:
			dst = append(dst, byte(unhex(template[i+1])<<4|unhex(template[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
