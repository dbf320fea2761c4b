package check

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Cluster is what has been accepted.
type Cluster struct {
	Objects []runtime.Object
}

// pod is one that a workload makes.
type pod struct {
	Workload string // its name
	Name     string // of the pod; of a Deployment's, an example
	Template corev1.PodTemplateSpec
}

// pods are those of Deployments, one each, and of StatefulSets, each of them; of those that an autoscaler sizes, the first.
func (c *Cluster) pods() (all []pod) {
	for _, object := range c.Objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			all = append(all, pod{o.Name, o.Name + "-7c9f8d5b4-x2v7q", o.Spec.Template})
		case *appsv1.StatefulSet:
			count := int32(1)
			if o.Spec.Replicas != nil {
				count = *o.Spec.Replicas
			}
			for i := range count {
				p := pod{o.Name, fmt.Sprintf("%s-%d", o.Name, i), *o.Spec.Template.DeepCopy()}
				p.Template.Labels["statefulset.kubernetes.io/pod-name"] = p.Name
				all = append(all, p)
			}
		}
	}
	return all
}

// configMap returns the data of one, and whether it is there.
func (c *Cluster) configMap(name string) (map[string]string, bool) {
	for _, object := range c.Objects {
		if m, ok := object.(*corev1.ConfigMap); ok && m.Name == name {
			return m.Data, true
		}
	}
	return nil, false
}

// DanglingPorts returns what Services and probes name that no pod has.
func (c *Cluster) DanglingPorts() (problems []string) {
	pods := c.pods()
	for _, object := range c.Objects {
		s, ok := object.(*corev1.Service)
		if !ok {
			continue
		}
		selected := 0
		for _, p := range pods {
			if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Template.Labels)) {
				continue
			}
			selected++
			for _, port := range s.Spec.Ports {
				if port.TargetPort.Type == intstr.String && !hasPort(p.Template.Spec, port.TargetPort.StrVal, port.Protocol) {
					problems = append(problems, fmt.Sprintf("Service %s: pod %s has no port %s", s.Name, p.Name, port.TargetPort.StrVal))
				}
			}
		}
		// An autoscaled StatefulSet has Services for pods that are not there yet.
		if selected == 0 && s.Spec.Selector["statefulset.kubernetes.io/pod-name"] == "" {
			problems = append(problems, fmt.Sprintf("Service %s selects no pod", s.Name))
		}
	}
	for _, p := range pods {
		for _, container := range p.Template.Spec.Containers {
			for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
				if probe == nil {
					continue
				}
				for _, port := range probedPorts(probe) {
					if !hasPort(p.Template.Spec, port, corev1.ProtocolTCP) {
						problems = append(problems, fmt.Sprintf("probe of %s: no port %s", p.Name, port))
					}
				}
			}
		}
	}
	return problems
}

func probedPorts(probe *corev1.Probe) (names []string) {
	if probe.HTTPGet != nil {
		names = append(names, probe.HTTPGet.Port.StrVal)
	}
	if probe.TCPSocket != nil {
		names = append(names, probe.TCPSocket.Port.StrVal)
	}
	return names
}

func hasPort(spec corev1.PodSpec, name string, protocol corev1.Protocol) bool {
	for _, container := range spec.Containers {
		for _, port := range container.Ports {
			same := port.Protocol == protocol || (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP) && (protocol == "" || protocol == corev1.ProtocolTCP)
			if port.Name == name && same {
				return true
			}
		}
	}
	return false
}

// Insecure returns, by workload, what the Pod Security Standard "restricted" forbids, and roots that can be written to, of which it
// says nothing.
func (c *Cluster) Insecure() (map[string][]string, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, p := range c.pods() {
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		for _, result := range evaluator.EvaluatePod(level, &p.Template.ObjectMeta, &p.Template.Spec) {
			if !result.Allowed {
				found[p.Workload] = append(found[p.Workload], result.ForbiddenReason)
			}
		}
		for _, container := range slices.Concat(p.Template.Spec.InitContainers, p.Template.Spec.Containers) {
			if s := container.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				found[p.Workload] = append(found[p.Workload], "container "+container.Name+" can write to its root")
			}
		}
	}
	return found, nil
}
