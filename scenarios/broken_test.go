package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/internal/scenariotest"
	"bench/scenarios/source"
)

// Every broken scenario gives exactly the messages beside it.
func TestBrokenScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d broken scenarios (%v), want at least 30", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = document.Parse("broken.yaml", text, document.Options{})
			var all source.Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("error %v, want Errors", err)
			}
			scenariotest.Golden(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(all.Detail()+"\n"))
		})
	}
}
