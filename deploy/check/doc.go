// Package check holds what is deployed against what will read it: the chart against Helm and the API server's own types
// and rules, its settings against the services, and docker-compose.yml against the Compose specification. All of it
// offline. It is a module of its own, outside the workspace, since it compiles much of Kubernetes.
package check
