package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	prometheus "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/v1/resource"
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

// With TLS at the edge nothing without it is for outside, unless asked for.
func TestPlainPortsArePublicWithoutTLSAlone(t *testing.T) {
	for name, c := range map[string]struct {
		signaling string
		want      map[string]int32
	}{
		"no TLS":            {`{}`, map[string]int32{"ws": 8188, "http": 8088}},
		"TLS":               {`{tlsSecret: s}`, map[string]int32{"wss": 8989, "https": 8089}},
		"TLS, ports chosen": {`{tlsSecret: s, service: {ports: {wss: 443}}}`, map[string]int32{"wss": 443, "https": 8089}},
		"both":              {`{tlsSecret: s, service: {plain: true}}`, map[string]int32{"ws": 8188, "http": 8088, "wss": 8989, "https": 8089}},
		"both, an Ingress":  {`{tlsSecret: s, service: {plain: true}, ingress: {enabled: true, host: h.example.org}}`, map[string]int32{"ws": 8188, "http": 8088, "wss": 8989, "https": 8089}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := accepted(t, parsed(t, "signaling: "+c.signaling))
			got := map[string]int32{}
			for _, port := range named[*corev1.Service](t, cluster, "cardea-signaling").Spec.Ports {
				got[port.TargetPort.StrVal] = port.Port
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("the Service has %v, want %v", got, c.want)
			}
			open := map[string]bool{}
			for _, port := range named[*networkingv1.NetworkPolicy](t, cluster, "cardea-signaling").Spec.Ingress[0].Ports {
				open[map[int32]string{8188: "ws", 8088: "http", 8989: "wss", 8089: "https"}[port.Port.IntVal]] = true
			}
			if !slices.Equal(slices.Sorted(maps.Keys(open)), slices.Sorted(maps.Keys(c.want))) {
				t.Errorf("the NetworkPolicy lets in %v, want %v", open, c.want)
			}
			for _, problem := range cluster.DanglingPorts() {
				t.Error(problem)
			}
		})
	}
}

// A PodMonitor is there when asked for, with the labels that a Prometheus wants, and selects all of the three services and nothing else.
func TestThePrometheusOperatorFindsTheServices(t *testing.T) {
	monitors := func(values map[string]any) (found []prometheus.PodMonitor) {
		documents, err := Render(values)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			if strings.Contains(d.Text, "kind: PodMonitor") {
				var m prometheus.PodMonitor
				if err := yaml.UnmarshalStrict([]byte(d.Text), &m); err != nil {
					t.Fatal(err)
				}
				found = append(found, m)
			}
		}
		return found
	}
	if found := monitors(nil); len(found) != 0 {
		t.Errorf("not asked for: %v", found)
	}
	if found := monitors(examples(t)["production"]); len(found) != 1 {
		t.Errorf("production.yaml has %d", len(found))
	}
	values := parsed(t, `{page: {enabled: true}, prometheus: {podMonitor: {enabled: true, labels: {release: mine}, interval: 15s}}}`)
	found := monitors(values)
	if len(found) != 1 || found[0].Labels["release"] != "mine" || found[0].Labels["app.kubernetes.io/name"] != "cardea" {
		t.Fatalf("found %v", found)
	}
	selector, err := metav1.LabelSelectorAsSelector(&found[0].Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := found[0].Spec.PodMetricsEndpoints[0]
	if endpoint.Interval != "15s" {
		t.Errorf("interval is %s", endpoint.Interval)
	}
	selected := map[string]bool{}
	for _, p := range accepted(t, values).pods() {
		if selector.Matches(labels.Set(p.Template.Labels)) {
			selected[p.Workload] = true
			if !hasPort(p.Template.Spec, *endpoint.Port, corev1.ProtocolTCP) {
				t.Errorf("%s has no port %s", p.Name, *endpoint.Port)
			}
			if _, twice := p.Template.Annotations["prometheus.io/scrape"]; twice {
				t.Errorf("%s is scraped twice by who goes by annotations too", p.Name)
			}
		}
	}
	if want := []string{"cardea-media", "cardea-roomstate", "cardea-signaling"}; !slices.Equal(slices.Sorted(maps.Keys(selected)), want) {
		t.Errorf("selects %v, want %v", selected, want)
	}
}

func TestAnnotationsTellWhereMetricsAre(t *testing.T) {
	told := map[string]string{}
	for _, p := range accepted(t, parsed(t, `{page: {enabled: true}}`)).pods() {
		for _, container := range p.Template.Spec.Containers {
			for _, port := range container.Ports {
				if a := p.Template.Annotations; a["prometheus.io/scrape"] == "true" && a["prometheus.io/port"] == strconv.Itoa(int(port.ContainerPort)) {
					told[p.Workload] = port.Name
				}
			}
		}
	}
	if want := map[string]string{"cardea-media": "internal", "cardea-roomstate": "internal", "cardea-signaling": "internal"}; !maps.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

// Signaling behind an Ingress, and media open to everybody, and the other way round.
func TestClientsOfSignalingAndOfMediaAreTold(t *testing.T) {
	const peer = `[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: one}}}]`
	for _, only := range []string{"signaling", "media"} {
		c := accepted(t, parsed(t, `networkPolicy: {`+only+`Clients: `+peer+`}`))
		for _, part := range []string{"signaling", "media"} {
			from := named[*networkingv1.NetworkPolicy](t, c, "cardea-"+part).Spec.Ingress[0].From
			if closed := len(from) > 0; closed != (part == only) {
				t.Errorf("%sClients: %s takes from %v", only, part, from)
			}
		}
	}
}

// Each of the three services tells the events that it knows of.
func TestEventsAreToldByAllServices(t *testing.T) {
	for name, values := range examples(t) {
		c := accepted(t, values)
		var tell []string
		for _, part := range []string{"signaling", "roomstate", "media"} {
			if strings.Contains(named[*corev1.ConfigMap](t, c, "cardea-"+part).Data[part+".yaml"], "events-backend: ") {
				tell = append(tell, part)
			}
		}
		if n := len(tell); n != 0 && n != 3 || n == 0 && name == "production" {
			t.Errorf("%s: events are told by %v", name, tell)
		}
	}
}

// variable is what the kubelet would set one to in the first pod of a workload, and whether it would at all.
func variable(t *testing.T, c *Cluster, workload, name string) (string, bool) {
	t.Helper()
	for _, p := range c.pods() {
		for _, container := range p.Template.Spec.Containers {
			for _, v := range container.Env {
				switch {
				case p.Workload != workload || v.Name != name:
				case v.ValueFrom == nil:
					return v.Value, true
				default:
					value, err := resource.ExtractContainerResourceValue(v.ValueFrom.ResourceFieldRef, &container)
					if err != nil {
						t.Fatal(err)
					}
					return value, true
				}
			}
		}
	}
	return "", false
}

// A media node has as many workers as cores are asked for.
func TestMediaWorksWithTheCoresItAsksFor(t *testing.T) {
	for resources, want := range map[string]string{
		"{}":                   "2", // the chart's
		"{requests: {cpu: 4}}": "4", "{requests: {cpu: 2500m}}": "3", "{requests: {cpu: 500m}, limits: {cpu: 8}}": "1",
		"{requests: {cpu: null}}": "", "{requests: null}": "", "{requests: {cpu: null}, limits: {cpu: 3}}": "",
	} {
		got, set := variable(t, accepted(t, parsed(t, "media: {resources: "+resources+"}")), "cardea-media", "GOMAXPROCS")
		if got != want || set != (want != "") {
			t.Errorf("%s: GOMAXPROCS is %q, want %q", resources, got, want)
		}
	}
}

// Autoscalers must ask for another node before all are full: a node is given calls up to four fifths of its capacity.
func TestAutoscalersAskBeforeNodesAreFull(t *testing.T) {
	for name, values := range examples(t) {
		documents, err := Render(values)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(documents, func(d Document) bool { return strings.Contains(d.Text, "cardea_media_packets_") }) {
			continue
		}
		cores, _ := variable(t, accepted(t, values), "cardea-media", "GOMAXPROCS")
		workers, err := strconv.Atoi(cores)
		if err != nil {
			t.Fatal(err)
		}
		media := values["media"].(map[string]any)
		capacity := float64(250_000 * workers)
		if settings, ok := media["settings"].(map[string]any); ok && settings["capacity-packets"] != nil {
			capacity = settings["capacity-packets"].(float64)
		}
		if each := media["autoscaling"].(map[string]any)["packetsPerSecond"].(float64); each >= 0.8*capacity {
			t.Errorf("%s: a node for each %g packets a second, of nodes that are full at %g", name, each, 0.8*capacity)
		}
	}
}

// Go knows nothing of a container's limit: it must hear of one, and of less than all.
func TestGarbageIsCollectedBeforeTheLimit(t *testing.T) {
	for _, part := range []string{"signaling", "roomstate", "media"} {
		for limits, want := range map[string]string{"{memory: 2Gi}": "1932735283", "{memory: 1000000000}": "900000000", "{memory: null}": "", "null": ""} {
			c := accepted(t, parsed(t, part+": {resources: {limits: "+limits+"}}"))
			if got, set := variable(t, c, "cardea-"+part, "GOMEMLIMIT"); got != want || set != (want != "") {
				t.Errorf("%s, limits %s: GOMEMLIMIT is %q, want %q", part, limits, got, want)
			}
		}
	}
}

// Recordings can be on a volume of each pod's own.
func TestMediaPodsHaveVolumesOfTheirOwn(t *testing.T) {
	c := accepted(t, parsed(t, `media:
  settings: {record-dir: /recordings}
  volumeClaimTemplates: [{metadata: {name: recordings}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
  extraVolumeMounts: [{name: recordings, mountPath: /recordings}]`))
	if claims := named[*appsv1.StatefulSet](t, c, "cardea-media").Spec.VolumeClaimTemplates; len(claims) != 1 || claims[0].Name != "recordings" {
		t.Errorf("claims are %v", claims)
	}
}

// What an address is named by may be another thing for each pod's balancer.
func TestBalancersHaveAnnotationsOfTheirOwn(t *testing.T) {
	c := accepted(t, parsed(t, `media:
  replicas: 2
  expose:
    mode: podService
    annotations: {example.org/scheme: public, example.org/name: common}
    annotationsPerPod: [{example.org/id: a}, {example.org/id: b, example.org/name: own, example.org/ip: $(IP)}]
  advertise: {from: explicit, addresses: [192.0.2.10, 192.0.2.11]}`))
	for pod, want := range map[string]map[string]string{
		"cardea-media-0": {"example.org/scheme": "public", "example.org/name": "common", "example.org/id": "a"},
		"cardea-media-1": {"example.org/scheme": "public", "example.org/name": "own", "example.org/id": "b", "example.org/ip": "192.0.2.11"},
	} {
		s := named[*corev1.Service](t, c, pod)
		if !maps.Equal(s.Annotations, want) {
			t.Errorf("%s has %v, want %v", pod, s.Annotations, want)
		}
		if (s.Spec.LoadBalancerIP == "") != (want["example.org/ip"] != "") {
			t.Errorf("%s has loadBalancerIP %q", pod, s.Spec.LoadBalancerIP)
		}
	}
}

// DNS goes to the cluster's own, and not to whoever carries data out by it, unless said otherwise.
func TestDNSGoesToTheClustersOwn(t *testing.T) {
	for dns, want := range map[string]string{"": "kube-dns", "dns: [{podSelector: {matchLabels: {k8s-app: other}}}]": "other", "dns: []": ""} {
		c := accepted(t, parsed(t, "networkPolicy: {"+dns+"}"))
		for _, part := range []string{"signaling", "roomstate", "media", "nats"} {
			rule := named[*networkingv1.NetworkPolicy](t, c, "cardea-"+part).Spec.Egress[0]
			if rule.Ports[0].Port.IntVal != 53 {
				t.Fatalf("%s: the first rule is not of DNS", part)
			}
			got := ""
			if len(rule.To) == 1 {
				got = rule.To[0].PodSelector.MatchLabels["k8s-app"]
			}
			if got != want || len(rule.To) > 1 {
				t.Errorf("%q: DNS of %s goes to %q", dns, part, rule.To)
			}
		}
	}
}

func TestAllContainersAreProbed(t *testing.T) {
	for _, p := range accepted(t, parsed(t, "page: {enabled: true}")).pods() {
		for _, c := range p.Template.Spec.Containers {
			if c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Errorf("%s lacks a probe", p.Name)
			}
		}
	}
}

func TestAllPartsCanBePlaced(t *testing.T) {
	for _, part := range []string{"signaling", "roomstate", "media", "nats", "redis"} {
		c := accepted(t, parsed(t, part+`: {nodeSelector: {of: us}, tolerations: [{key: ours, operator: Exists}], priorityClassName: high,
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}}`))
		for _, p := range c.pods() {
			s := p.Template.Spec
			placed := s.NodeSelector["of"] == "us" && len(s.Tolerations) == 1 && s.PriorityClassName == "high" && s.Affinity != nil
			if placed != (p.Workload == "cardea-"+part) {
				t.Errorf("of %s: %s has %v, %v, %q, %v", part, p.Name, s.NodeSelector, s.Tolerations, s.PriorityClassName, s.Affinity)
			}
		}
	}
}
