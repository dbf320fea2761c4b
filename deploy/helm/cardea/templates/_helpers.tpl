{{/* The names of things: cardea for a release of that name, else release-cardea. */}}
{{- define "cardea.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels that select a part's pods: (list $ "media"). */}}
{{- define "cardea.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "cardea.labels" -}}
{{- $root := index . 0 -}}
{{ include "cardea.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* Name, namespace and labels of an object: (list $ "media" "-suffix"). */}}
{{- define "cardea.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "cardea.fullname" $root }}-{{ index . 1 }}{{ if gt (len .) 2 }}{{ index . 2 }}{{ end }}
namespace: {{ $root.Release.Namespace }}
labels: {{- include "cardea.labels" . | nindent 2 }}
{{- end }}

{{- define "cardea.image" -}}
{{- $i := (index . 0).Values.images -}}
{{ with $i.registry }}{{ trimSuffix "/" . }}/{{ end }}cardea/{{ index . 1 }}:{{ $i.tag | default (index . 0).Chart.AppVersion }}
{{- end }}

{{/* What all pods have: (list $ "media" $values). */}}
{{- define "cardea.pod" -}}
{{- $root := index . 0 }}{{ $v := index . 2 -}}
serviceAccountName: {{ include "cardea.fullname" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}
{{- end }}{{ end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ get $v "user" | default 65532 }}
  runAsGroup: {{ get $v "user" | default 65532 }}
  fsGroup: {{ get $v "user" | default 65532 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
{{- range $root.Values.topologySpread.keys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "cardea.selector" $ | nindent 8 }}
{{- end }}{{ end }}
{{- with get $v "nodeSelector" }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with get $v "tolerations" }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with get $v "priorityClassName" }}
priorityClassName: {{ . }}
{{- end }}
{{- with get $v "affinity" }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "cardea.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* /livez is of the process alone, so a lost dependency restarts nothing; /readyz is of its dependencies too. */}}
{{- define "cardea.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: internal}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: internal}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: internal}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{/* A variable from a key of a Secret: (list "NAME" ref). */}}
{{- define "cardea.secretEnv" -}}
{{- $ref := index . 1 -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ $ref.name | quote }}, key: {{ $ref.key | quote }}}}
{{- end }}

{{- define "cardea.natsEnv" -}}
{{- $n := .Values.nats -}}
{{- if $n.enabled -}}
{{ include "cardea.secretEnv" (list "NATS_PASSWORD" (dict "name" .Values.secret.name "key" .Values.secret.natsPasswordKey)) }}
- name: CARDEA_NATS_URL
  value: nats://cardea:$(NATS_PASSWORD)@{{ include "cardea.fullname" . }}-nats:4222
{{- else if $n.external.urlSecret.name -}}
{{ include "cardea.secretEnv" (list "CARDEA_NATS_URL" $n.external.urlSecret) }}
{{- else -}}
- name: CARDEA_NATS_URL
  value: {{ $n.external.url | quote }}
{{- end }}
{{- include "cardea.tlsEnv" (list "CARDEA_NATS" "nats-tls" $n.external.tlsSecret) }}
{{- with $n.external.user }}
- {name: CARDEA_NATS_USER, value: {{ . | quote }}}
{{- end }}
{{- include "cardea.secretFileEnv" (list "CARDEA_NATS_PASSWORD_FILE" "nats-password" $n.external.passwordSecret) }}
{{- include "cardea.secretFileEnv" (list "CARDEA_NATS_TOKEN_FILE" "nats-token" $n.external.tokenSecret) }}
{{- include "cardea.secretFileEnv" (list "CARDEA_NATS_CREDS_FILE" "nats-creds" $n.external.credsSecret) }}
{{- end }}
{{- define "cardea.natsMount" -}}
{{- $n := .Values.nats.external -}}
{{- include "cardea.secretMount" (list "nats-tls" (dict "name" $n.tlsSecret)) }}
{{- include "cardea.secretMount" (list "nats-password" $n.passwordSecret) }}
{{- include "cardea.secretMount" (list "nats-token" $n.tokenSecret) }}
{{- include "cardea.secretMount" (list "nats-creds" $n.credsSecret) }}
{{- end }}
{{- define "cardea.natsVolume" -}}
{{- $n := .Values.nats.external -}}
{{- include "cardea.tlsVolume" (list "nats-tls" $n.tlsSecret) }}
{{- include "cardea.secretVolume" (list "nats-password" $n.passwordSecret) }}
{{- include "cardea.secretVolume" (list "nats-token" $n.tokenSecret) }}
{{- include "cardea.secretVolume" (list "nats-creds" $n.credsSecret) }}
{{- end }}

{{/* Settings of TLS from a Secret of type kubernetes.io/tls with ca.crt, mounted under a name: (list "CARDEA_NATS" "nats-tls" secret). */}}
{{- define "cardea.tlsEnv" -}}
{{- $variable := index . 0 }}{{ $path := printf "/etc/cardea/%s" (index . 1) -}}
{{- if index . 2 }}
- {name: {{ $variable }}_TLS_CA, value: {{ $path }}/ca.crt}
- {name: {{ $variable }}_TLS_CERT, value: {{ $path }}/tls.crt}
- {name: {{ $variable }}_TLS_KEY, value: {{ $path }}/tls.key}
{{- end }}
{{- end }}
{{- define "cardea.tlsVolume" -}}
{{- if index . 1 }}
- name: {{ index . 0 }}
  secret: {secretName: {{ index . 1 | quote }}}
{{- end }}
{{- end }}

{{/* Where spans go. */}}
{{- define "cardea.tracesEnv" -}}
{{- with .Values.traces }}{{ if .endpoint }}
- {name: CARDEA_TRACES_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: CARDEA_TRACES_RATIO, value: {{ .ratio | quote }}}
{{- include "cardea.tlsEnv" (list "CARDEA_TRACES" "traces-tls" .tlsSecret) }}
{{- include "cardea.secretFileEnv" (list "CARDEA_TRACES_HEADERS_FILE" "traces-headers" .headersSecret) }}
{{- end }}{{ end }}
{{- end }}
{{- define "cardea.tracesMount" -}}
{{- include "cardea.secretMount" (list "traces-tls" (dict "name" .Values.traces.tlsSecret)) }}
{{- include "cardea.secretMount" (list "traces-headers" .Values.traces.headersSecret) }}
{{- end }}
{{- define "cardea.tracesVolume" -}}
{{- include "cardea.tlsVolume" (list "traces-tls" .Values.traces.tlsSecret) }}
{{- include "cardea.secretVolume" (list "traces-headers" .Values.traces.headersSecret) }}
{{- end }}
{{- define "cardea.reachTraces" -}}
{{- if .Values.traces.endpoint }}
- ports: [{port: {{ .Values.traces.port }}}]
{{- end }}
{{- end }}

{{/* gRPC between roomstate and media. */}}
{{- define "cardea.grpcEnv" -}}
{{- if .Values.grpc.tlsSecret }}
{{- include "cardea.tlsEnv" (list "CARDEA_GRPC" "grpc-tls" .Values.grpc.tlsSecret) }}
- {name: CARDEA_GRPC_TLS_NAME, value: {{ .Values.grpc.name | quote }}}
{{- end }}
{{- end }}

{{- define "cardea.redisEnv" -}}
{{- $r := .Values.redis -}}
{{- if $r.enabled -}}
{{ include "cardea.secretEnv" (list "REDIS_PASSWORD" (dict "name" .Values.secret.name "key" .Values.secret.redisPasswordKey)) }}
- name: CARDEA_REDIS_URL
  value: redis://:$(REDIS_PASSWORD)@{{ include "cardea.fullname" . }}-redis:6379/0
{{- else if $r.external.urlSecret.name -}}
{{ include "cardea.secretEnv" (list "CARDEA_REDIS_URL" $r.external.urlSecret) }}
{{- else -}}
- name: CARDEA_REDIS_URL
  value: {{ $r.external.url | default "redis:///0" | quote }}
{{- end }}
{{- $s := $r.external.sentinel }}
{{- with $r.external.user }}
- {name: CARDEA_REDIS_USER, value: {{ . | quote }}}
{{- end }}
{{- include "cardea.secretFileEnv" (list "CARDEA_REDIS_PASSWORD_FILE" "redis-password" $r.external.passwordSecret) }}
{{- include "cardea.tlsEnv" (list "CARDEA_REDIS" "redis-tls" $r.external.tlsSecret) }}
{{- if $s.addresses }}
- {name: CARDEA_REDIS_SENTINELS, value: {{ join "," $s.addresses | quote }}}
- {name: CARDEA_REDIS_MASTER, value: {{ $s.master | quote }}}
{{- with $s.user }}
- {name: CARDEA_REDIS_SENTINEL_USER, value: {{ . | quote }}}
{{- end }}
{{- include "cardea.secretFileEnv" (list "CARDEA_REDIS_SENTINEL_PASSWORD_FILE" "redis-sentinel" $s.passwordSecret) }}
{{- end }}
{{- if $r.external.cluster }}
- {name: CARDEA_REDIS_CLUSTER, value: "true"}
{{- end }}
{{- end }}
{{- define "cardea.redisMount" -}}
{{- $r := .Values.redis.external -}}
{{- include "cardea.secretMount" (list "redis-password" $r.passwordSecret) }}
{{- include "cardea.secretMount" (list "redis-tls" (dict "name" $r.tlsSecret)) }}
{{- include "cardea.secretMount" (list "redis-sentinel" $r.sentinel.passwordSecret) }}
{{- end }}
{{- define "cardea.redisVolume" -}}
{{- $r := .Values.redis.external -}}
{{- include "cardea.secretVolume" (list "redis-password" $r.passwordSecret) }}
{{- include "cardea.tlsVolume" (list "redis-tls" $r.tlsSecret) }}
{{- include "cardea.secretVolume" (list "redis-sentinel" $r.sentinel.passwordSecret) }}
{{- end }}

{{/* Go's own variable: for all that has no authority of its own in a tlsSecret. */}}
{{- define "cardea.authoritiesEnv" -}}
{{- if .Values.authorities.configMap }}
- name: SSL_CERT_FILE
  value: /etc/cardea/authorities/{{ .Values.authorities.key }}
{{- end }}
{{- end }}
{{- define "cardea.authoritiesMount" -}}
{{- if .Values.authorities.configMap }}
- {name: authorities, mountPath: /etc/cardea/authorities, readOnly: true}
{{- end }}
{{- end }}
{{- define "cardea.authoritiesVolume" -}}
{{- if .Values.authorities.configMap }}
- name: authorities
  configMap: {name: {{ .Values.authorities.configMap }}}
{{- end }}
{{- end }}

{{/* One key of a Secret as a file /etc/cardea/NAME/KEY: (list "name" ref). */}}
{{- define "cardea.secretMount" -}}
{{- if (index . 1).name }}
- {name: {{ index . 0 }}, mountPath: /etc/cardea/{{ index . 0 }}, readOnly: true}
{{- end }}
{{- end }}
{{- define "cardea.secretVolume" -}}
{{- $ref := index . 1 -}}
{{- if $ref.name }}
- name: {{ index . 0 }}
  secret:
    secretName: {{ $ref.name }}
    items: [{key: {{ $ref.key | quote }}, path: {{ $ref.key | quote }}}]
{{- end }}
{{- end }}
{{- define "cardea.secretFileEnv" -}}
{{- $ref := index . 2 -}}
{{- if $ref.name }}
- name: {{ index . 0 }}
  value: /etc/cardea/{{ index . 1 }}/{{ $ref.key }}
{{- end }}
{{- end }}

{{/* The files that values name by settings: /etc/cardea/files/SETTING/KEY. */}}
{{- define "cardea.filesEnv" -}}
{{- range $setting, $from := .files }}
- {name: CARDEA_{{ $setting | upper | replace "-" "_" }}, value: {{ printf "/etc/cardea/files/%s/%s" $setting $from.key | quote }}}
{{- end }}
{{- end }}
{{- define "cardea.filesMount" -}}
{{- range $setting, $from := .files }}
- {name: file-{{ $setting }}, mountPath: /etc/cardea/files/{{ $setting }}, readOnly: true}
{{- end }}
{{- end }}
{{- define "cardea.filesVolume" -}}
{{- range $setting, $from := .files }}
- name: file-{{ $setting }}
  {{- if hasKey $from "secret" }}
  secret:
    secretName: {{ $from.secret | quote }}
  {{- else }}
  configMap:
    name: {{ $from.configMap | quote }}
  {{- end }}
    items: [{key: {{ $from.key | quote }}, path: {{ $from.key | quote }}}]
{{- end }}
{{- end }}

{{/* JWTs. */}}
{{- define "cardea.jwtEnv" -}}
{{- include "cardea.secretFileEnv" (list "CARDEA_JWT_KEYS_FILE" "jwt-keys" .keysConfigMap) }}
{{- include "cardea.secretFileEnv" (list "CARDEA_JWT_KEYS_FILE" "jwt-keys" .keysSecret) }}
{{- include "cardea.secretFileEnv" (list "CARDEA_JWT_SECRET_FILE" "jwt-secret" .secret) }}
{{- end }}
{{- define "cardea.jwtMount" -}}
{{- include "cardea.secretMount" (list "jwt-keys" .keysConfigMap) }}
{{- include "cardea.secretMount" (list "jwt-keys" .keysSecret) }}
{{- include "cardea.secretMount" (list "jwt-secret" .secret) }}
{{- end }}
{{- define "cardea.jwtVolume" -}}
{{- with .keysConfigMap }}{{ if .name }}
- name: jwt-keys
  configMap:
    name: {{ .name | quote }}
    items: [{key: {{ .key | quote }}, path: {{ .key | quote }}}]
{{- end }}{{ end }}
{{- include "cardea.secretVolume" (list "jwt-keys" .keysSecret) }}
{{- include "cardea.secretVolume" (list "jwt-secret" .secret) }}
{{- end }}

{{/* An autoscaler: (list $ "media" "StatefulSet" query metric target). */}}
{{- define "cardea.autoscaler" -}}
{{- $root := index . 0 }}{{ $part := index . 1 }}{{ $kind := index . 2 }}{{ $a := (index $root.Values $part).autoscaling }}{{ $measures := index . 3 }}
{{- if eq $a.kind "hpa" }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "cardea.metadata" (list $root $part) | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: {{ $kind }}, name: {{ include "cardea.fullname" $root }}-{{ $part }}}
  minReplicas: {{ $a.minReplicas }}
  maxReplicas: {{ $a.maxReplicas }}
  metrics:
    {{- range $measures }}
    - type: Pods
      pods:
        metric: {name: {{ .name }}}
        target: {type: AverageValue, averageValue: {{ .each | int64 | quote }}}
    {{- end }}
  behavior: {{- include "cardea.behavior" $part | nindent 4 }}
{{- else if eq $a.kind "keda" }}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{- include "cardea.metadata" (list $root $part) | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: {{ $kind }}, name: {{ include "cardea.fullname" $root }}-{{ $part }}}
  minReplicaCount: {{ $a.minReplicas }}
  maxReplicaCount: {{ $a.maxReplicas }}
  # Prometheus away: as many as there are, at least as many as there must be.
  fallback: {failureThreshold: 3, replicas: {{ $a.minReplicas }}, behavior: currentReplicasIfHigher}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {{- include "cardea.behavior" $part | nindent 8 }}
  triggers:
    {{- range $measures }}
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {{ $root.Values.prometheus.address | quote }}
        query: {{ .query | quote }}
        threshold: {{ .each | int64 | quote }}
    {{- end }}
{{- end }}
{{- end }}

{{/* Up at once, down one by one: calls of a media node must go elsewhere first, clients of an edge must dial again. */}}
{{- define "cardea.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies: [{type: Pods, value: 2, periodSeconds: 60}]
scaleDown:
  stabilizationWindowSeconds: 600
  policies: [{type: Pods, value: 1, periodSeconds: 600}]
{{- end }}

{{- define "cardea.promSelector" -}}
{{ .Values.prometheus.selector | default (printf "namespace=%q" .Release.Namespace) }}
{{- end }}

{{/* By these annotations a Prometheus without a PodMonitor finds pods. One that goes by both would count all twice. */}}
{{- define "cardea.scrape" -}}
{{- if not (index . 0).Values.prometheus.podMonitor.enabled -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ index . 1 | quote }}
{{- end }}
{{- end }}

{{/* The ports of signaling that clients may reach: with TLS at the edge none without it, unless asked for. */}}
{{- define "cardea.public" -}}
{{- $v := .Values.signaling -}}
{{ if or (not $v.tlsSecret) $v.service.plain }}ws http{{ if $v.tlsSecret }} {{ end }}{{ end }}{{ if $v.tlsSecret }}wss https{{ end }}
{{- end }}

{{/* How many media pods there may be. */}}
{{- define "cardea.mediaMost" -}}
{{- $m := .Values.media -}}
{{- if eq $m.autoscaling.kind "none" }}{{ $m.replicas }}{{ else }}{{ $m.autoscaling.maxReplicas }}{{ end }}
{{- end }}

{{/* Go collects garbage in time for the container's limit, which it does not know: what is left is for code and the kernel's buffers. */}}
{{- define "cardea.memoryEnv" -}}
{{- with dig "limits" "memory" "" (index (index . 0).Values (index . 1)).resources }}
- {name: GOMEMLIMIT, value: {{ include "cardea.share" (list (printf "%s.resources.limits.memory" (index $ 1)) . 0.9) | quote }}}
{{- end }}
{{- end }}

{{/* A share of a quantity of memory, in bytes: (list NAME QUANTITY SHARE). */}}
{{- define "cardea.share" -}}
{{- $name := first . }}{{ $quantity := index . 1 }}{{ if not (kindIs "string" $quantity) }}{{ $quantity = printf "%.0f" (float64 $quantity) }}{{ end -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $number := regexFind "^[0-9]+(\\.[0-9]+)?" $quantity }}{{ $unit := trimPrefix $number $quantity -}}
{{- if or (not $number) (not (hasKey $units $unit)) }}
{{- fail (printf "%s: %s is no memory that can be reckoned with; take a number with Mi or Gi" $name $quantity) }}
{{- end -}}
{{- printf "%.0f" (floor (mulf $number (get $units $unit) (last .))) -}}
{{- end }}

{{/* Whether each media pod has a file of its own. */}}
{{- define "cardea.perPod" -}}
{{- $m := .Values.media -}}
{{- if and (eq $m.expose.mode "podService") (or (eq $m.advertise.from "explicit") (eq $m.expose.type "NodePort")) }}true{{ end }}
{{- end }}

{{/* The port of a media pod: (list $ number). */}}
{{- define "cardea.mediaPort" -}}
{{- $e := (index . 0).Values.media.expose -}}
{{- if and (eq $e.mode "podService") (eq $e.type "NodePort") }}{{ add $e.port (index . 1) }}{{ else }}{{ $e.port }}{{ end }}
{{- end }}
