package check

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

var programs = flag.String("programs", "", "folder with signaling, roomstate, media and standalone")

// examples are the chart's own values, by no name, and those of its files.
func examples(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(Examples + "/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	all := map[string]map[string]any{"defaults": {}}
	for _, file := range files {
		if all[strings.TrimSuffix(filepath.Base(file), ".yaml")], err = ReadValues(file); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// accepted renders values, and fails the test for whatever the API server would refuse or warn of.
func accepted(t *testing.T, values map[string]any) *Cluster {
	t.Helper()
	documents, err := Render(values)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) < 10 {
		t.Fatalf("only %d documents", len(documents))
	}
	c := new(Cluster)
	for _, d := range documents {
		object, err := Accept(d.Text)
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if object != nil {
			c.Objects = append(c.Objects, object)
		}
	}
	return c
}

func TestLint(t *testing.T) {
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			for _, m := range lint.All(Chart, values, Namespace, true).Messages {
				if m.Severity >= support.WarningSev {
					t.Error(m)
				}
			}
		})
	}
}

func TestTheAPITakesAllExamples(t *testing.T) {
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			c := accepted(t, values)
			for _, problem := range c.DanglingPorts() {
				t.Error(problem)
			}
		})
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatas: {}",
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomountServiceAccountToken: no-such",
		"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {maxReplicas: 1}",
		"apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: a}\nspec: {endpoints: []}",
		"apiVersion: stunner.l7mp.io/v1\nkind: UDPRoute\nmetadata: {name: a}\nspec: {parents: []}",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{name: UPPER, port: 70000}]}",
	} {
		if _, err := Accept(text); err == nil {
			t.Errorf("accepted:\n%s", text)
		}
	}
}

// Nothing but ports of the host may need more than the standard "restricted" gives.
func TestPodsAreRestricted(t *testing.T) {
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			found, err := accepted(t, values).Insecure()
			if err != nil {
				t.Fatal(err)
			}
			for workload, reasons := range found {
				for _, reason := range reasons {
					if workload != "cardea-media" || reason != "hostPort" && reason != "host namespaces" {
						t.Errorf("%s: %s", workload, reason)
					}
				}
			}
		})
	}
}

func TestARootThatCanBeWrittenToIsInsecure(t *testing.T) {
	yes, no := true, false
	for name, context := range map[string]*corev1.SecurityContext{"nothing said": nil, "not of the root": {}, "writable": {ReadOnlyRootFilesystem: &no}, "read-only": {ReadOnlyRootFilesystem: &yes}} {
		for _, init := range []bool{false, true} {
			container := []corev1.Container{{Name: "one", SecurityContext: context}}
			spec := corev1.PodSpec{Containers: container}
			if init {
				spec = corev1.PodSpec{InitContainers: container}
			}
			c := &Cluster{Objects: []runtime.Object{&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: spec}}}}}
			found, err := c.Insecure()
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(found[""], "container one can write to its root"); got == (name == "read-only") {
				t.Errorf("%s, init %t: found %q", name, init, found[""])
			}
		}
	}
}

func TestServicesTakeTheirSettings(t *testing.T) {
	if *programs == "" {
		t.Fatal("-programs is not set")
	}
	s := Services{Dir: *programs}
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			checked, err := s.CheckPods(accepted(t, values), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if checked < 3 {
				t.Fatalf("only %d containers are Cardea's", checked)
			}
		})
	}
	for _, values := range []map[string]any{
		{"media": map[string]any{"settings": map[string]any{"max-peer": 1}}},
		{"signaling": map[string]any{"settings": map[string]any{"max-sockets": "many"}}},
	} {
		if _, err := s.CheckPods(accepted(t, values), t.TempDir()); err == nil {
			t.Errorf("settings were taken: %v", values)
		}
	}
}

// Each file of testdata/refused begins with a comment: a part of the sentence that refuses it.
func TestWhatCannotWorkIsRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(string(b), "\n")
			sentence := strings.TrimPrefix(line, "# ")
			values, err := ReadValues(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = Render(values); err == nil || !strings.Contains(err.Error(), sentence) {
				t.Errorf("got %v, want %q", err, sentence)
			}
		})
	}
}

// What is near to what is refused, and works.
func TestWhatCanWorkIsNotRefused(t *testing.T) {
	for name, text := range map[string]string{
		"addresses of both families at a host": `{replicas: 1, advertise: {from: explicit, addresses: [192.0.2.10, "2001:db8::10"]}}`,
		"private addresses":                    `{replicas: 1, advertise: {from: explicit, addresses: [10.0.0.1, 192.168.1.1]}}`,
		"STUN by address":                      `{advertise: {from: stun, stun: ["[2001:db8::1]:3478", "192.0.2.1:3478"]}}`,
		"recordings below a volume":            `{settings: {record-dir: /data/recordings}, extraVolumes: [{name: d, emptyDir: {}}], extraVolumeMounts: [{name: d, mountPath: /data/}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			var media map[string]any
			if err := yaml.Unmarshal([]byte(text), &media); err != nil {
				t.Fatal(err)
			}
			accepted(t, map[string]any{"media": media})
		})
	}
	for name, text := range map[string]string{
		"NATS without a port":               `nats: {enabled: false, external: {url: "nats://a,tls://b:4222"}}`,
		"NATS without a scheme":             `nats: {enabled: false, external: {url: "a:4223,b:4223", port: 4223}}`,
		"NATS at another port":              `nats: {enabled: false, external: {url: "nats://a:4223", port: 4223}}`,
		"NATS at an IPv6 address":           `nats: {enabled: false, external: {url: "nats://[2001:db8::1]:4223,nats://[2001:db8::2]:4223/", port: 4223}}`,
		"the same without a port":           `nats: {enabled: false, external: {url: "nats://[2001:db8::4223]"}}`,
		"NATS anywhere, without policies":   `{networkPolicy: {enabled: false}, nats: {enabled: false, external: {url: "nats://a:4223"}}}`,
		"Redis with options":                `redis: {enabled: false, external: {url: "rediss://a:6380/0?protocol=3", port: 6380}}`,
		"Sentinels at another port":         `redis: {enabled: false, external: {url: "redis:///0", sentinel: {addresses: ["a:5000"], port: 5000}}}`,
		"what a Secret has, nobody can see": `redis: {enabled: false, external: {urlSecret: {name: s}, port: 6380}}`,
	} {
		t.Run(name, func(t *testing.T) { accepted(t, parsed(t, text)) })
	}
	for _, endpoint := range []string{"https://[2001:db8::1]:4317", "http://otel:4317/"} {
		accepted(t, map[string]any{"traces": map[string]any{"endpoint": endpoint}})
	}
}

func TestPlainManifestsAreCurrent(t *testing.T) {
	for _, example := range Plains {
		want, err := Manifest(example)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(Plain, example+".yaml")); err != nil || string(got) != want {
			t.Errorf("%s is not current (make manifests): %v", example, err)
		}
	}
}

func TestComposeFiles(t *testing.T) {
	var files []types.ConfigFile
	for _, name := range []string{"../../docker-compose.yml", "../compose-third.yml"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, types.ConfigFile{Filename: name, Content: b})
	}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: "../..", ConfigFiles: files, Environment: types.Mapping{},
	}, func(o *loader.Options) { o.SetProjectName("cardea", true) })
	if err != nil {
		t.Fatal(err)
	}
	checked, err := (Services{Dir: *programs}).CheckCompose(project)
	if err != nil || checked < 6 {
		t.Fatalf("%d services are Cardea's, %v", checked, err)
	}
}

// TestImagesTellTheirVersion: what Compose is told gets to the Dockerfile, and from there into each program that it builds.
func TestImagesTellTheirVersion(t *testing.T) {
	b, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: "../..", ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: b}},
		Environment: types.Mapping{"VERSION": "1.2", "COMMIT": "0123456789abcdef"},
	}, func(o *loader.Options) { o.SetProjectName("cardea", true) })
	if err != nil {
		t.Fatal(err)
	}
	built := 0
	for name, service := range project.Services {
		if service.Build == nil {
			continue
		}
		built++
		for arg, want := range map[string]string{"VERSION": "1.2", "COMMIT": "0123456789abcdef"} {
			if got := service.Build.Args[arg]; got == nil || *got != want {
				t.Errorf("%s is built with %s %v", name, arg, got)
			}
		}
	}
	if built < 5 {
		t.Errorf("%d services are built", built)
	}
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	steps := strings.ReplaceAll(string(dockerfile), "\\\n", "")
	var script string // what tells the programs' version from the arguments
	for _, part := range strings.Split(steps, "&&") {
		if strings.Contains(part, "short=") || strings.Contains(part, "case ") {
			script += part + "\n"
		}
	}
	for _, c := range []struct{ version, commit, want string }{
		{"1.2", "0123456789abcdef", "1.2+0123456789ab"}, {"v1.2-3-g0123456", "0123456789abcdef", "v1.2-3-g0123456"}, {"dev", "", "dev"},
	} {
		command := exec.Command("sh", "-ec", script+"echo $v")
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "VERSION=" + c.version, "COMMIT=" + c.commit}
		if out, err := command.CombinedOutput(); err != nil || string(out) != c.want+"\n" {
			t.Errorf("version %s, commit %s: the Dockerfile makes %q of them, %v", c.version, c.commit, out, err)
		}
		command = exec.Command("bash", "../version.sh")
		command.Env = append([]string{"HOME=" + os.Getenv("HOME")}, "PATH="+os.Getenv("PATH"), "VERSION="+c.version, "COMMIT="+c.commit)
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "EXACT="+c.want+"\n") {
			t.Errorf("version %s, commit %s: version.sh says %q, %v", c.version, c.commit, out, err)
		}
	}
	if n := strings.Count(string(dockerfile), "Version=$v") + strings.Count(string(dockerfile), "main.version=$v"); n != 3 { // a loop, cardea-ctl, standalone
		t.Errorf("%d of the Dockerfile's builds have the version", n)
	}
}

func TestMediaGrowsWithStreamsUnlessToldNotTo(t *testing.T) {
	for name, metric := range map[string]string{"production": "query: \"sum(cardea_media_streams{", "three-nats": "metric: {name: cardea_media_streams}"} {
		for streams, want := range map[int]bool{700: true, 0: false} {
			values := examples(t)[name]
			values["media"].(map[string]any)["autoscaling"].(map[string]any)["streams"] = streams
			accepted(t, values)
			documents, err := Render(values)
			if err != nil {
				t.Fatal(err)
			}
			found, packets := false, false
			for _, d := range documents {
				found = found || strings.Contains(d.Text, metric) && strings.Contains(d.Text, `"700"`)
				packets = packets || strings.Contains(d.Text, "cardea_media_packets_")
			}
			if found != want || !packets {
				t.Errorf("%s with %d streams: by streams %t, by packets %t", name, streams, found, packets)
			}
		}
	}
}
