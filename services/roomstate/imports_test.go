package roomstate_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each library of the outside world has one package that may know it, and the rules know none.
func TestOnlyBordersKnowTheOutside(t *testing.T) {
	const own = "github.com/cardea-rtc/cardea/services/roomstate/internal/"
	borders := map[string][]string{
		"github.com/redis/go-redis": {"internal/store"},
		"github.com/nats-io/":       {"internal/bus"},
		"google.golang.org/grpc":    {"internal/nodes"},
		own + "store":               {".", "internal/bus", "internal/owed", "internal/room", "internal/session"},
		own + "videoroom":           {"."},
		own + "echotest":            {"."},
		own + "nodes":               {"."},
		own + "bus":                 {"."},
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			for library, who := range borders {
				if strings.HasPrefix(name, library) && !slices.Contains(who, filepath.ToSlash(filepath.Dir(path))) {
					t.Errorf("%s imports %s", path, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
