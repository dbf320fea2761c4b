package operator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Handler(`/admin"><script>`).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestThePageAndItsFiles(t *testing.T) {
	for path, want := range map[string]string{
		"/operator/": "<title>Cardea</title>", "/operator/page.js": "admin-path", "/operator/style.css": "color-scheme",
	} {
		w := get(path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d", path, w.Code)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	if w := get("/"); w.Code != http.StatusFound || w.Header().Get("Location") != Path {
		t.Errorf("/: %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, path := range []string{"/operator/none", "/other", "/operator/../operator.go"} {
		if w := get(path); w.Code == http.StatusOK {
			t.Errorf("%s is there", path)
		}
	}
	if body := get(Path).Body.String(); strings.Contains(body, `"><script>`) {
		t.Error("the path of the Admin API is taken for markup")
	}
}
