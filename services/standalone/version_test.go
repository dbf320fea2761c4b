package main

import (
	"encoding/json"
	"net/http"
	"testing"

	build "github.com/cardea-rtc/cardea/proto/version"
)

func TestInfoTellsTheVersionOfTheBuild(t *testing.T) {
	tellVersion("1.2+0123456789ab")
	build.Commit = "0123456789abcdef0123456789abcdef01234567"
	t.Cleanup(func() { tellVersion("dev"); build.Commit = "" })
	janus, _, _ := startCluster(t, nil)
	req, err := http.NewRequest(http.MethodGet, janus+"/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var info struct {
		Version    string `json:"version_string"`
		Commit     string `json:"commit-hash"`
		Transports map[string]struct {
			Version string `json:"version_string"`
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&info); err != nil || info.Version != "1.2+0123456789ab" {
		t.Errorf("version_string is %q, %v", info.Version, err)
	}
	if info.Commit != build.Commit {
		t.Errorf("commit-hash is %q", info.Commit)
	}
	for name, transport := range info.Transports {
		if transport.Version != info.Version {
			t.Errorf("%s is of version %q", name, transport.Version)
		}
	}
}
