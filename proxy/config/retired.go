package config

import (
	"strconv"
	"strings"
)

// retirement is one spelling that the language had long ago.
type retirement struct {
	words string // it begins with
	// now is the line as it is written today, of the words that follow; "" if that
	// depends on more than the line.
	now func(args []string) string
	// instead says what to do where no line takes its place, or now does not know.
	instead string
}

// retirements are in the order of their families.
func retirements() []retirement {
	as := func(text string) func([]string) string {
		return func(args []string) string { return spelled(append(strings.Fields(text), args...)...) }
	}
	nothing := "remove the line: it has no effect any more"
	rows := []retirement{
		{"clitimeout", as("timeout client"), ""},
		{"contimeout", as("timeout connect"), ""},
		{"srvtimeout", as("timeout server"), ""},
		{"timeout clitimeout", as("timeout client"), ""},
		{"timeout contimeout", as("timeout connect"), ""},
		{"timeout srvtimeout", as("timeout server"), ""},
		{"redispatch", as("option redispatch"), ""},
		{"redisp", as("option redispatch"), ""},
		{"block", as("http-request deny"), ""},
		{"monitor-net", func(args []string) string {
			if len(args) != 1 {
				return ""
			}
			return spelled("http-request", "return", "status", "200", "if", "{", "src", args[0], "}")
		}, "use 'http-request return status 200 if { src NETWORK }'"},
		{"option forceclose", as("option httpclose"), ""},
		{"option http-tunnel", nil, nothing},
		{"option http-use-htx", nil, nothing},
		{"option tcpsplice", as("option splice-auto"), ""},
		{"option http_proxy", nil, "use 'http-request set-dst' and 'http-request set-uri'"},
		{"appsession", nil, "use 'stick-table' and 'stick on', or 'cookie'"},
		{"grace", nil, "remove the line: a stop ends listening at once"},
		{"debug", nil, "use -d on the command line"},
	}
	for _, side := range [][2]string{{"req", "http-request"}, {"rsp", "http-response"}} {
		old, set := side[0], side[1]
		rows = append(rows,
			retirement{old + "add", func(args []string) string { return addedField(set, args) }, "use '" + set + " add-header NAME VALUE'"})
		for _, i := range []string{"", "i"} { // regardless of case
			fold := i != ""
			rows = append(rows,
				retirement{old + i + "del", func(args []string) string { return deletedField(set, args) }, "use '" + set + " del-header NAME'"},
				retirement{old + i + "rep", func(args []string) string { return replaced(set, fold, args) }, "use '" + set + " replace-header NAME REGEX TEXT', or replace-path"},
				retirement{old + i + "deny", func(args []string) string { return decided(set, "deny", fold, args) }, "use '" + set + " deny' with a condition"},
				retirement{old + i + "allow", func(args []string) string { return decided(set, "allow", fold, args) }, "use '" + set + " allow' with a condition"})
		}
	}
	for _, i := range []string{"", "i"} {
		fold := i != ""
		rows = append(rows,
			retirement{"req" + i + "tarpit", func(args []string) string { return decided("http-request", "tarpit", fold, args) }, "use 'http-request tarpit' with a condition"},
			retirement{"req" + i + "pass", nil, "use 'http-request allow' with a condition"},
			retirement{"req" + i + "setbe", nil, "use 'use_backend' with a condition"})
	}
	return rows
}

// retired reports a line that begins with one of them, in today's spelling.
func (l *line) retired(words []word) bool {
	texts := texts(words)
	line := strings.Join(texts, " ") + " "
	for _, r := range retirements() {
		if !strings.HasPrefix(line, r.words+" ") {
			continue
		}
		instead := r.instead
		if r.now != nil {
			if now := r.now(texts[strings.Count(r.words, " ")+1:]); now != "" {
				instead = "write '" + now + "'"
			}
		}
		l.fail(words[0], "'%s' does not exist any more: %s", r.words, instead)
		return true
	}
	return false
}

// spelled is words as they are written in a line.
func spelled(words ...string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = quoted(w)
	}
	return strings.Join(all, " ")
}

// quoted is a word with quotes around it, if it needs any.
func quoted(w string) string {
	switch {
	case w == "":
		return `""`
	case !strings.ContainsAny(w, " \t#\\'\"$"):
		return w
	case !strings.Contains(w, "'"):
		return "'" + w + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(w) + `"`
}

// addedField is "reqadd 'Name: value' [if ...]" of today.
func addedField(set string, args []string) string {
	if len(args) == 0 {
		return ""
	}
	name, value, ok := strings.Cut(args[0], ":")
	if !ok || !isToken(name) {
		return ""
	}
	return spelled(append([]string{set, "add-header", name, strings.ReplaceAll(strings.TrimSpace(value), "%", "%%")}, args[1:]...)...)
}

// fieldOf takes the name off the beginning of an expression for a whole field line,
// such as "^Host:\ (.*)".
func fieldOf(re string) (name, value string) {
	line, ok := strings.CutPrefix(re, "^")
	name, value, colon := strings.Cut(line, ":")
	if !ok || !colon || !isToken(name) {
		return "", ""
	}
	for {
		short := value
		for _, blank := range []string{`\ *`, ` *`, `\s*`, `\ `, ` `, `[\ ]*`, `[ ]*`} {
			if rest, ok := strings.CutPrefix(short, blank); ok {
				short = rest
				break
			}
		}
		if short == value {
			return name, value
		}
		value = short
	}
}

// deletedField is "reqdel ^Name:.*" of today.
func deletedField(set string, args []string) string {
	if len(args) == 0 {
		return ""
	}
	name, rest := fieldOf(args[0])
	if name == "" || rest != "" && rest != ".*" && rest != ".*$" {
		return ""
	}
	return spelled(append([]string{set, "del-header", name}, args[1:]...)...)
}

// methodPart is how expressions for the request line used to begin: with the method.
func methodPart(re string) (rest string, ok bool) {
	for _, p := range []string{`^([^\ :]*)\ `, `^([^ :]*) `, `^([^\ ]*)\ `, `^([^ ]*) `, `(^[^\ :]*)\ `, `^([^\ :]*)\s`} {
		if rest, ok := strings.CutPrefix(re, p); ok {
			return rest, true
		}
	}
	return "", false
}

// replaced is "reqrep REGEX TEXT" of today: of a target, or of a header field.
func replaced(set string, fold bool, args []string) string {
	if len(args) < 2 {
		return ""
	}
	prefix := ""
	if fold {
		prefix = "(?i)"
	}
	if rest, ok := methodPart(args[0]); ok && set == "http-request" {
		text, ok := strings.CutPrefix(args[1], `\1`)
		text = strings.TrimPrefix(strings.TrimPrefix(text, `\`), " ")
		if !ok {
			return ""
		}
		// The version that used to follow is not part of a target.
		rest = strings.TrimSuffix(strings.TrimSuffix(rest, `\ HTTP/1.*`), ` HTTP/1.*`)
		return spelled(append([]string{set, "replace-uri", prefix + "^" + strings.TrimPrefix(rest, "^"), renumbered(text)}, args[2:]...)...)
	}
	name, value := fieldOf(args[0])
	as, text, ok := strings.Cut(args[1], ":")
	if name == "" || !ok || !strings.EqualFold(as, name) {
		return ""
	}
	if value == "" {
		value = ".*"
	}
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), `\ `))
	return spelled(append([]string{set, "replace-header", name, prefix + value, text}, args[2:]...)...)
}

// renumbered counts the groups without the first, which was the method.
func renumbered(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && text[i+1] >= '2' && text[i+1] <= '9' {
			b.WriteString(`\` + strconv.Itoa(int(text[i+1]-'1')))
			i++
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// decided is "reqdeny REGEX [if ...]" of today.
func decided(set, action string, fold bool, args []string) string {
	if len(args) == 0 {
		return ""
	}
	flag := ""
	if fold {
		flag = "-i"
	}
	var test []string
	if rest, ok := methodPart(args[0]); ok && set == "http-request" {
		test = []string{"url_reg", flag, "^" + rest}
	} else if name, value := fieldOf(args[0]); name != "" {
		fetch := "req.hdr(" + name + ")"
		if set == "http-response" {
			fetch = "res.hdr(" + name + ")"
		}
		test = []string{fetch, "-m", "reg", flag, value}
		if value == "" {
			test = []string{fetch, "-m", "found"}
		}
	} else {
		return ""
	}
	line := []string{set, action, "if", "{"}
	for _, w := range test {
		if w != "" {
			line = append(line, w)
		}
	}
	line = append(line, "}")
	if len(args) > 1 {
		if args[1] != "if" {
			return ""
		}
		line = append(line, args[2:]...)
	}
	return spelled(line...)
}
