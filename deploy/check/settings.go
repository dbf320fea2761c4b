package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/v1/resource"
)

// Services finds the programs that containers run.
type Services struct {
	// Dir has the programs, each by its service's name.
	Dir string
}

var ours = regexp.MustCompile(`(?:^|/)cardea/([a-z]+)(?::|$)`)

// Named returns the service that an image has, or none.
func Named(image string) string {
	if found := ours.FindStringSubmatch(image); found != nil {
		return found[1]
	}
	return ""
}

// standIns are what the downward API would say.
var standIns = map[string]string{
	"status.podIP": "10.244.1.7", "status.hostIP": "192.0.2.7", "metadata.namespace": Namespace,
}

// notOurs are variables of others: Go's own.
var notOurs = []string{"SSL_CERT_FILE", "GOMAXPROCS", "GOMEMLIMIT"}

var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// CheckPods has each container of Cardea's in the cluster say whether it takes its settings. It returns how many did.
func (s Services) CheckPods(c *Cluster, scratch string) (int, error) {
	checked := 0
	for _, p := range c.pods() {
		for _, container := range p.Template.Spec.Containers {
			service := Named(container.Image)
			if service == "" {
				continue
			}
			mounts, err := c.mount(p.Template.Spec, container, filepath.Join(scratch, p.Name))
			if err != nil {
				return checked, fmt.Errorf("%s: %w", p.Name, err)
			}
			env, err := environment(p, container)
			if err != nil {
				return checked, fmt.Errorf("%s: %w", p.Name, err)
			}
			if err := s.check(service, container.Args, env, mounts); err != nil {
				return checked, fmt.Errorf("%s: %w", p.Name, err)
			}
			checked++
		}
	}
	return checked, nil
}

// CheckCompose does so with the services of a Compose file.
func (s Services) CheckCompose(project *types.Project) (int, error) {
	checked := 0
	for name, service := range project.Services {
		program := Named(service.Image)
		if program == "" {
			continue
		}
		var env []string
		for key, value := range service.Environment {
			if value != nil {
				env = append(env, key+"="+*value)
			}
		}
		slices.Sort(env)
		if err := s.check(program, service.Command, env, nil); err != nil {
			return checked, fmt.Errorf("%s: %w", name, err)
		}
		checked++
	}
	return checked, nil
}

// environment is what the kubelet would set, secrets and addresses made up.
func environment(p pod, container corev1.Container) (env []string, err error) {
	values, used := map[string]string{}, map[string]bool{}
	var order []string
	for _, v := range container.Env {
		value := reference.ReplaceAllStringFunc(v.Value, func(ref string) string {
			name := ref[2 : len(ref)-1]
			known, ok := values[name]
			if !ok {
				err = fmt.Errorf("%s refers to %s, which does not come before it", v.Name, name)
			}
			used[name] = true
			return known
		})
		switch from := v.ValueFrom; {
		case from == nil:
		case from.SecretKeyRef != nil:
			value = "s3cret"
			if strings.HasSuffix(v.Name, "_URL") {
				value = map[string]string{"CARDEA_REDIS_URL": "rediss://cardea:s3cret@redis.example.net:6379/0"}[v.Name]
				if value == "" {
					value = "tls://cardea:s3cret@nats.example.net:4222"
				}
			}
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.name":
			value = p.Name
		case from.FieldRef != nil && standIns[from.FieldRef.FieldPath] != "":
			value = standIns[from.FieldRef.FieldPath]
		case from.ResourceFieldRef != nil:
			if value, err = resource.ExtractContainerResourceValue(from.ResourceFieldRef, &container); err != nil {
				return nil, fmt.Errorf("%s: %w", v.Name, err)
			}
		default:
			return nil, fmt.Errorf("%s comes from something that is not known here", v.Name)
		}
		values[v.Name] = value
		order = append(order, v.Name)
	}
	for _, name := range order {
		if strings.HasPrefix(name, "CARDEA_") {
			env = append(env, name+"="+values[name])
		} else if !used[name] && !slices.Contains(notOurs, name) && name != "POD_IP" {
			return nil, fmt.Errorf("%s is neither a setting nor part of one", name)
		}
	}
	return env, err
}

// mount makes below dir the files that the container would find. It returns the paths that stand for mount paths.
func (c *Cluster) mount(spec corev1.PodSpec, container corev1.Container, dir string) (map[string]string, error) {
	paths := map[string]string{}
	for _, m := range container.VolumeMounts {
		paths[m.MountPath] = filepath.Join(dir, m.MountPath)
	}
	for _, m := range container.VolumeMounts {
		i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			return nil, fmt.Errorf("no volume %s", m.Name)
		}
		at := paths[m.MountPath]
		if err := os.MkdirAll(at, 0o755); err != nil {
			return nil, err
		}
		secret, err := contentOf(m.Name)
		if err != nil {
			return nil, err
		}
		files := map[string]string{}
		switch v := spec.Volumes[i]; {
		case v.ConfigMap != nil && v.ConfigMap.Items != nil: // somebody else's
			for _, item := range v.ConfigMap.Items {
				files[item.Path] = secret
			}
		case v.ConfigMap != nil:
			data, ok := c.configMap(v.ConfigMap.Name)
			if !ok && v.Name != "authorities" {
				return nil, fmt.Errorf("no ConfigMap %s", v.ConfigMap.Name)
			}
			files = map[string]string{}
			for name, text := range data {
				files[name] = moved(text, paths)
			}
		case v.Secret != nil && v.Secret.Items == nil:
			certificate, key, _, err := identity()
			if err != nil {
				return nil, err
			}
			files = map[string]string{"ca.crt": certificate, "tls.crt": certificate, "tls.key": key}
		case v.Secret != nil:
			for _, item := range v.Secret.Items {
				files[item.Path] = secret
			}
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
				return nil, err
			}
		}
	}
	return paths, nil
}

// moved has settings of a file name folders and files where mounts have put them.
func moved(text string, mounts map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ": ")
		for from, to := range mounts {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(value), strings.TrimSuffix(from, "/")); ok && (rest == "" || rest[0] == '/') {
				line = key + ": " + to + rest + "\n"
				break
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// check has the service's own program judge. It takes variables of other services in silence, so all are compared with the sample.
func (s Services) check(service string, args, env []string, mounts map[string]string) error {
	program := filepath.Join(s.Dir, service)
	sample, err := exec.Command(program, "config", "sample").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s config sample: %w: %s", service, err, sample)
	}
	for i, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if name != "CARDEA_CONFIG" && !strings.Contains(string(sample), "Environment: "+name+".\n") {
			return fmt.Errorf("%s has no setting %s", service, name)
		}
		for from, to := range mounts {
			if strings.HasPrefix(value, from+"/") {
				env[i] = name + "=" + to + strings.TrimPrefix(value, from)
			}
		}
	}
	command := exec.Command(program, append([]string{"config", "check"}, args...)...)
	command.Env = env
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s config check: %s", service, strings.TrimSpace(string(out)))
	}
	return nil
}
