package check

import (
	"context"
	"errors"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	prometheus "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // versions, defaults, conversions of each group
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"sigs.k8s.io/yaml"
)

// strategies are what the API server does with an object of each kind before it stores it.
var strategies = map[string]rest.RESTCreateStrategy{
	"v1/ConfigMap": configmap.Strategy, "v1/Service": service.Strategy, "v1/ServiceAccount": serviceaccount.Strategy,
	"apps/v1/Deployment": deployment.Strategy, "apps/v1/StatefulSet": statefulset.Strategy,
	"autoscaling/v2/HorizontalPodAutoscaler": horizontalpodautoscaler.Strategy,
	"networking.k8s.io/v1/NetworkPolicy":     networkpolicy.Strategy, "networking.k8s.io/v1/Ingress": ingress.Strategy,
	"policy/v1/PodDisruptionBudget": poddisruptionbudget.Strategy,
}

// others are kinds that controllers add to a cluster.
var others = map[string]func() any{
	"keda.sh/v1alpha1/ScaledObject":       func() any { return new(keda.ScaledObject) },
	"monitoring.coreos.com/v1/PodMonitor": func() any { return new(prometheus.PodMonitor) },
	"stunner.l7mp.io/v1/UDPRoute":         func() any { return new(udpRoute) },
}

// udpRoute is STUNner's, whose operator has no Go module to be had: https://docs.l7mp.io, reference of UDPRoute.
type udpRoute struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []struct {
			Group, Kind, Namespace, Name, SectionName string
		} `json:"parentRefs"`
		Rules []struct {
			BackendRefs []struct {
				Group, Kind, Namespace, Name string
				Port, EndPort                int
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// Accept decodes a document, refusing unknown and repeated fields, and does with it what the API server does when it is
// created: defaults, conversion, validation. What comes back is of the version in the document, without defaults; nil
// for kinds that are not Kubernetes' own.
func Accept(text string) (runtime.Object, error) {
	var head metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		return nil, err
	}
	kind := head.APIVersion + "/" + head.Kind
	if blank := others[kind]; blank != nil {
		return nil, yaml.UnmarshalStrict([]byte(text), blank())
	}
	strategy := strategies[kind]
	if strategy == nil {
		return nil, fmt.Errorf("%s is not known here", kind)
	}
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	plain, _, err := codecs.UniversalDeserializer().Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, err
	}
	inner, _, err := codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, err
	}
	if s, ok := inner.(*core.Service); ok {
		allocate(&s.Spec)
	}
	meta := inner.(metav1.ObjectMetaAccessor).GetObjectMeta()
	rest.FillObjectMetaSystemFields(meta)
	var heard warnings
	ctx := request.WithNamespace(warning.WithWarningRecorder(context.Background(), &heard), Namespace)
	gv := head.GroupVersionKind()
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{APIGroup: gv.Group, APIVersion: gv.Version, IsResourceRequest: true, Verb: "create"})
	if err := rest.BeforeCreate(strategy, ctx, inner); err != nil {
		return nil, err
	}
	return plain, errors.Join(heard...)
}

// allocate does what the server's allocators do before it validates a Service.
func allocate(s *core.ServiceSpec) {
	if s.ClusterIP == core.ClusterIPNone {
		s.ClusterIPs = []string{core.ClusterIPNone}
	}
	if s.Type == core.ServiceTypeLoadBalancer && s.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal {
		s.HealthCheckNodePort = 32000
	}
}

// warnings are what the API server would say beside accepting an object.
type warnings []error

func (w *warnings) AddWarning(_, text string) { *w = append(*w, errors.New("warning: "+text)) }
