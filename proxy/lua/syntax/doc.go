// Package syntax reads scripts in the language of Lua 5.3 and makes programs of them
// that the interpreter, which speaks Lua 5.1, can run: bitwise operators and the division
// of integers become calls of functions, which Helper names.
//
// Nothing of what scripts can do enters here, only how they are written.
package syntax

import (
	lua "github.com/yuin/gopher-lua"
)

// Compile translates a script. chunk stands for it in messages.
func Compile(src, chunk string) (proto *lua.FunctionProto, err error) {
	defer func() {
		if e := recover(); e != nil {
			mistake, ok := e.(*Error)
			if !ok {
				panic(e)
			}
			err = mistake
		}
	}()
	p := &parser{lex: &lexer{chunk: chunk, src: skipShebang(src), line: 1}}
	p.take()
	body := p.block(true)
	if p.tok.kind != end {
		p.unexpected("'<eof>' expected")
	}
	proto, err = lua.Compile(body, chunk)
	if err != nil {
		return nil, &Error{err.Error()}
	}
	return proto, nil
}

// skipShebang leaves out a first line that is for the shell.
func skipShebang(src string) string {
	if len(src) == 0 || src[0] != '#' {
		return src
	}
	for i := range len(src) {
		if src[i] == '\n' {
			return src[i:]
		}
	}
	return ""
}
