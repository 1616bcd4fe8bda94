package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	goparser "go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// usage is which fields of the specification the engine reads and this package
// writes, as Type.Field.
type usage struct{ read, written map[string]bool }

// fieldsUsed finds out by type-checking the packages.
func fieldsUsed(t *testing.T) *usage {
	t.Helper()
	u, err := findFieldsUsed()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var findFieldsUsed = sync.OnceValues(func() (*usage, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles", "bench/proxy/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	type pkg struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	var all []pkg
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
		exports[p.ImportPath] = p.Export
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	u := &usage{read: map[string]bool{}, written: map[string]bool{}}
	for _, p := range all {
		if !strings.HasPrefix(p.ImportPath, "bench/proxy") && p.ImportPath != "bench/internal/sock" {
			continue
		}
		var syntax []*ast.File
		for _, f := range p.GoFiles {
			tree, err := goparser.ParseFile(files, filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				return nil, err
			}
			syntax = append(syntax, tree)
		}
		info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
		conf := types.Config{Importer: imports}
		if _, err := conf.Check(p.ImportPath, files, syntax, info); err != nil {
			return nil, err
		}
		for _, f := range syntax {
			u.add(f, info, p.ImportPath == "bench/proxy/config")
		}
	}
	return u, nil
})

// add notes what one file does. In this package everything counts as writing, the
// rest of the engine only reads, but for plain assignments.
func (u *usage) add(f *ast.File, info *types.Info, ours bool) {
	assigned := map[ast.Expr]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				assigned[l] = n.Tok == token.ASSIGN
			}
		case *ast.CompositeLit:
			tv, ok := info.Types[n]
			if !ok || !ours {
				return true
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok {
						u.written[typeName(tv.Type)+"."+key.Name] = true
					}
				}
			}
		case *ast.SelectorExpr:
			sel := info.Selections[n]
			if sel == nil || sel.Kind() != types.FieldVal {
				return true
			}
			name := owner(sel) + "." + sel.Obj().Name()
			switch {
			case ours:
				u.written[name] = true
			case !assigned[n]:
				u.read[name] = true
			}
		}
		return true
	})
}

// owner is the name of the type that has the field, which may be embedded.
func owner(sel *types.Selection) string {
	t := sel.Recv()
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return ""
		}
		t = s.Field(i).Type()
	}
	return typeName(t)
}

// typeName is the name of a type of proxy/spec, proxy/rule, proxy/table or internal/sock, "" of all others.
func typeName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	switch n.Obj().Pkg().Path() {
	case "bench/proxy/spec", "bench/proxy/rule", "bench/proxy/table", "bench/internal/sock":
		return n.Obj().Name()
	}
	return ""
}
