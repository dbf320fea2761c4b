// Package operator is a page for whoever runs the cluster: nodes, rooms and who is in them, and what goes through them at this
// moment. It asks the Admin API for everything, so it can do nothing that this does not let do.
package operator

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"
)

// Path is where the page is.
const Path = "/operator/"

//go:embed page
var files embed.FS

var page = template.Must(template.ParseFS(files, "page/index.html"))

// Handler serves the page, which will ask the Admin API at adminPath of the same server. Everything else below Path is its own
// files; / leads to it.
func Handler(adminPath string) http.Handler {
	own, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, http.StripPrefix(Path, http.FileServerFS(own)))
	mux.HandleFunc("GET "+Path+"{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, adminPath)
	})
	mux.Handle("GET /{$}", http.RedirectHandler(Path, http.StatusFound))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}
