package check

import (
	"cmp"

	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
)

// httpCheck is a check with one request, the answer to which is to be as expected, by
// default a good status.
func httpCheck(r *spec.CheckRequest, expect ...spec.CheckStep) *spec.Check {
	r.Method, r.URI, r.Version = cmp.Or(r.Method, "GET"), cmp.Or(r.URI, "/"), cmp.Or(r.Version, "HTTP/1.0")
	if len(expect) == 0 {
		expect = []spec.CheckStep{expecting(spec.ExpectStatus, false, "200-399")}
	}
	return &spec.Check{Kind: spec.CheckHTTP, Steps: append([]spec.CheckStep{{Request: r}}, expect...)}
}

// get is a check with the simplest request.
func get(expect ...spec.CheckStep) *spec.Check { return httpCheck(&spec.CheckRequest{}, expect...) }

func expecting(kind spec.ExpectKind, negate bool, pattern string) spec.CheckStep {
	return spec.CheckStep{Answer: &spec.Expect{Kind: kind, Pattern: pattern}, Negate: negate, MinRecv: -1}
}

// fields are header fields by their names and values.
func fields(words ...string) (list []spec.CheckHeader) {
	for i := 0; i < len(words); i += 2 {
		f, err := logformat.CompileRaw(words[i+1], &sample.Env{})
		if err != nil {
			panic(err)
		}
		list = append(list, spec.CheckHeader{Name: words[i], Value: f})
	}
	return list
}
