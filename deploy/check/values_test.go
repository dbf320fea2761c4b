package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// parsed reads values as a file would have them.
func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// named returns the object of a type that has a name.
func named[T interface {
	runtime.Object
	GetName() string
}](t *testing.T, c *Cluster, name string) T {
	t.Helper()
	for _, object := range c.Objects {
		if o, ok := object.(T); ok && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %T %s", *new(T), name)
	panic("unreachable")
}

// MetalLB gives no address to a Service that asks for one in two ways.
func TestABalancersAddressIsAskedForOnce(t *testing.T) {
	for annotations, want := range map[string]string{"{metallb.io/loadBalancerIPs: $(IP)}": "", "{example.org/of: $(POD_NAME)}": "192.0.2.10", "{}": "192.0.2.10"} {
		c := accepted(t, parsed(t, `media: {replicas: 1, expose: {mode: podService, annotations: `+annotations+`}, advertise: {from: explicit, addresses: [192.0.2.10]}}`))
		s := named[*corev1.Service](t, c, "cardea-media-0")
		if s.Spec.LoadBalancerIP != want {
			t.Errorf("annotations %v beside loadBalancerIP %q, want %q", s.Annotations, s.Spec.LoadBalancerIP, want)
		}
		if ip, ok := s.Annotations["metallb.io/loadBalancerIPs"]; ok && ip != "192.0.2.10" {
			t.Errorf("annotation is %q", ip)
		}
	}
}
