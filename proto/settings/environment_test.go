package settings

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestAMisspeltVariableIsAnErrorOfConfigCheckAndAWarningAtTheStart(t *testing.T) {
	t.Setenv("CARDEA_LISTN", ":9")
	t.Setenv("CARDEA_INTERNEL", ":9")
	_, ran, err := do(t, "config", "check")
	if err == nil || ran != nil {
		t.Fatalf("ran %v, %v", ran, err)
	}
	for _, want := range []string{"CARDEA_LISTN is no variable of any setting; did you mean CARDEA_LISTEN?", "did you mean CARDEA_INTERNAL?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	said := stderr(t, func() {
		if _, ran, err := do(t); err != nil || ran == nil {
			t.Errorf("does not start: %v", err)
		}
	})
	if !strings.Contains(said, "level=WARN") || !strings.Contains(said, "CARDEA_LISTN is no variable") {
		t.Errorf("the start says %q", said)
	}
}

// stderr returns what is written to it meanwhile.
func stderr(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stderr
	os.Stderr = w
	do()
	os.Stderr = was
	_ = w.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVariablesOfOtherProgramsAndOfKubernetesAreNotMisspelt(t *testing.T) {
	r, err := newReader(new(service), "service", "A service.", "1", new(bytes.Buffer), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		environ []string
		want    []string // the variables that something is said of
	}{
		{"own", []string{"CARDEA_LISTEN=:1", "CARDEA_CONFIG=x", "CARDEA_LOG_LEVEL=info"}, nil},
		{"of other programs", []string{"CARDEA_UDP_PORT=1", "CARDEA_REDIS_URL=x", "CARDEA_ADMIN_URL=x", "CARDEA_ADMIN_SECRET=x", "CARDEA_ROOM_SECRET=x"}, nil},
		{"another prefix", []string{"CARDEAL=x", "LISTN=x", "MY_CARDEA_LISTN=x"}, nil},
		{"of a Service", []string{
			"CARDEA_SIGNALING_SERVICE_HOST=10.0.0.1", "CARDEA_SIGNALING_SERVICE_PORT=8188", "CARDEA_SIGNALING_SERVICE_PORT_HTTP=8088",
			"CARDEA_SIGNALING_PORT=tcp://10.0.0.1:8188", "CARDEA_SIGNALING_PORT_8188_TCP=tcp://10.0.0.1:8188",
			"CARDEA_SIGNALING_PORT_8188_TCP_PROTO=tcp", "CARDEA_SIGNALING_PORT_8188_TCP_PORT=8188", "CARDEA_SIGNALING_PORT_8188_TCP_ADDR=10.0.0.1",
			"CARDEA_MEDIA_SERVICE_HOST=10.0.0.2", "CARDEA_MEDIA_PORT_10000_UDP=udp://10.0.0.2:10000",
		}, nil},
		{"like a Service's, of none", []string{"CARDEA_SIGNALING_PORT=1", "CARDEA_MEDIA_SERVICE_HOST=x", "CARDEA_MEDIA_PORTS=1"}, []string{"CARDEA_MEDIA_PORTS", "CARDEA_SIGNALING_PORT"}},
		{"of nothing", []string{"CARDEA_QQQQQQ=1", "CARDEA_=1"}, []string{"CARDEA_", "CARDEA_QQQQQQ"}},
	} {
		var got []string
		for _, text := range misspelt(r.parser.Model, c.environ) {
			name, _, _ := strings.Cut(text, " ")
			got = append(got, name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for variable, near := range map[string]string{"CARDEA_LISTN": "CARDEA_LISTEN?", "CARDEA_UDP_PROT": "CARDEA_UDP_PORT?", "CARDEA_QQQQQQ": "config reference"} {
		if said := misspelt(r.parser.Model, []string{variable + "=x"}); len(said) != 1 || !strings.Contains(said[0], near) {
			t.Errorf("%s: %q", variable, said)
		}
	}
}

func TestWarningsAreOneALine(t *testing.T) {
	var b bytes.Buffer
	warnOfMisspelt([]string{"one", "two"}, slog.New(slog.NewTextHandler(&b, nil)))
	if strings.Count(b.String(), "level=WARN") != 2 {
		t.Error(b.String())
	}
}
