package machine

import (
	"strings"
	"testing"
	"time"
)

func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	m := This("/no/such/program")
	if m.Cores < 1 || m.Kernel == "" || time.Since(m.When) > time.Minute || !strings.Contains(m.String(), m.Go) {
		t.Errorf("%+v", m)
	}
}

func TestCPUIsFoundByName(t *testing.T) {
	if got := after("processor\t: 0\nmodel name\t: Some CPU\n", "model name"); got != "Some CPU" {
		t.Error(got)
	}
}
