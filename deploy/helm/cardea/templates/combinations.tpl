{{/* What cannot work is refused here, each with the reason. Included by each of the services, since nobody knows which is rendered first. */}}
{{- define "cardea.combinations" -}}
{{- $m := .Values.media }}{{ $e := $m.expose }}{{ $a := $m.advertise }}{{ $most := include "cardea.mediaMost" . | int -}}

{{- if and (eq $e.mode "service") (gt $most 1) }}
{{- fail (printf "media.expose.mode service: one UDP Service spreads the packets of a call over all pods, and only one of them knows the call, so there can be one replica, not %d; take podService, hostPort or relay" $most) }}
{{- end }}
{{- if and (eq $e.mode "podService") (eq $e.type "LoadBalancer") (ne $a.from "explicit") }}
{{- fail "media.expose.mode podService with LoadBalancer: browsers must be told the balancers' addresses, which no pod can find out; reserve one for each pod, and set media.advertise.from to explicit and media.advertise.addresses to them" }}
{{- end }}
{{- if and (eq $e.mode "podService") (eq $a.from "explicit") (lt (len $a.addresses) $most) }}
{{- fail (printf "media.advertise.addresses: of podService, each pod needs one: there may be %d pods, and there are %d addresses" $most (len $a.addresses)) }}
{{- end }}
{{- if and (eq $e.mode "podService") (eq $e.type "LoadBalancer") (ne (len $a.addresses) (len (uniq $a.addresses))) }}
{{- fail "media.advertise.addresses: one is there twice, and a balancer of podService leads to one pod" }}
{{- end }}
{{- $above := ternary (sub $most 1) 0 (and (eq $e.mode "podService") (eq $e.type "NodePort")) | int }}
{{- if and $e.annotationsPerPod (not (has $e.mode (list "podService" "service"))) }}
{{- fail (printf "media.expose.annotationsPerPod is for Services of media, which %s has none of" $e.mode) }}
{{- end }}
{{- if and $e.annotationsPerPod (lt (len $e.annotationsPerPod) $most) }}
{{- fail (printf "media.expose.annotationsPerPod: there may be %d pods, and there are annotations for %d" $most (len $e.annotationsPerPod)) }}
{{- end }}
{{- range $port, $of := dict "9000" "gRPC" "9092" "metrics" }}
{{- if and $e.tcp (ge (int $port) (int $e.port)) (le (int $port) (add $e.port $above | int)) }}
{{- fail (printf "media.expose.port: ICE-TCP cannot have %s, which is the port of a media pod's %s; take another, or tcp: false" $port $of) }}
{{- end }}
{{- end }}
{{- if and (eq $e.mode "hostPort") (eq $a.from "explicit") (gt $most 1) }}
{{- fail (printf "media.advertise.from explicit with hostPort: all %d pods would tell browsers the same addresses, though each is on another node; take from: node, or podService with an address for each pod" $most) }}
{{- end }}
{{- if and (eq $a.from "explicit") (not $a.addresses) }}
{{- fail "media.advertise.from explicit: media.advertise.addresses is empty" }}
{{- end }}
{{- if and (ne $a.from "explicit") $a.addresses }}
{{- fail (printf "media.advertise.addresses: they are told to browsers with from: explicit only, and it is %s" $a.from) }}
{{- end }}
{{- if and (eq $a.from "stun") (not $a.stun) }}
{{- fail "media.advertise.from stun: media.advertise.stun names no server" }}
{{- end }}
{{- if and (ne $a.from "stun") $a.stun }}
{{- fail (printf "media.advertise.stun: servers are asked with from: stun only, and it is %s" $a.from) }}
{{- end }}
{{- range $address := $a.addresses }}{{ $given := lower $address }}
{{- if or (hasPrefix "127." $given) (eq $given "::1") }}
{{- fail (printf "media.advertise.addresses: %s is each browser's own machine; take the address that leads here" $address) }}
{{- end }}
{{- if or (hasPrefix "0." $given) (eq $given "::") (hasPrefix "169.254." $given) (hasPrefix "fe80:" $given) (hasPrefix "ff" $given) (regexMatch "^(22[4-9]|23[0-9]|24[0-9]|25[0-5])\\." $given) }}
{{- fail (printf "media.advertise.addresses: nobody can send to %s, which is no address of one machine, or of one link alone" $address) }}
{{- end }}
{{- end }}
{{- $other := list }}{{ range $address := $a.addresses }}{{ if ne (contains ":" $address) (eq $.Values.ipFamily "IPv6") }}{{ $other = append $other $address }}{{ end }}{{ end }}
{{- if and $other (has $e.mode (list "podService" "service")) }}
{{- fail (printf "media.advertise.addresses: %s cannot lead to a Service of ipFamily %s" (first $other) .Values.ipFamily) }}
{{- end }}
{{- if and $other (eq (len $other) (len $a.addresses)) }}
{{- fail (printf "media.advertise.addresses: %s is not of ipFamily %s, the family of the pods' first address, and no other is there" (first $other) .Values.ipFamily) }}
{{- end }}
{{- range $server := $a.stun }}
{{- if regexMatch "^(stuns?|turns?):" (lower $server) }}
{{- fail (printf "media.advertise.stun: %s has a prefix, as browsers want it; here it is HOST:PORT alone" $server) }}
{{- end }}
{{- if not (regexMatch "^([^:/@\\[\\]]+|\\[[0-9a-fA-F:.]+\\]):[0-9]{1,5}$" $server) }}
{{- fail (printf "media.advertise.stun: %s is not HOST:PORT, an IPv6 address in brackets" $server) }}
{{- end }}
{{- end }}
{{- range $setting := list "record-dir" "pcap-dir" }}{{ $dir := index $m.settings $setting | default "" | toString }}{{ if $dir }}
{{- if not (hasPrefix "/" $dir) }}
{{- fail (printf "media.settings: %s %s is no path from the root" $setting $dir) }}
{{- end }}
{{- $writable := false }}{{ range $mount := $m.extraVolumeMounts }}
{{- if and (hasPrefix (printf "%s/" (trimSuffix "/" (get $mount "mountPath" | toString))) (printf "%s/" (trimSuffix "/" $dir))) (not (get $mount "readOnly")) }}{{ $writable = true }}{{ end }}
{{- end }}
{{- if not $writable }}
{{- fail (printf "media.settings: %s %s is on the root file system, which is read-only; mount a volume there, by media.extraVolumes and media.extraVolumeMounts" $setting $dir) }}
{{- end }}
{{- end }}{{ end }}
{{- range $part := list "signaling" "roomstate" "media" }}{{ $v := index $.Values $part }}{{ $names := list }}
{{- range $v.extraVolumes }}{{ $names = append $names (get . "name") }}{{ end }}
{{- range dig "volumeClaimTemplates" list $v }}{{ $names = append $names (dig "metadata" "name" "" .) }}{{ end }}
{{- range $v.extraVolumeMounts }}{{ if not (has (get . "name") $names) }}
{{- fail (printf "%s.extraVolumeMounts: there is no volume %s in %s.extraVolumes" $part (get . "name") $part) }}
{{- end }}{{ end }}
{{- end }}
{{- with .Values.traces.endpoint }}{{ $at := regexReplaceAll "^https?://|/$" . "" }}{{ $port := regexFind ":[0-9]+$" $at | trimPrefix ":" }}
{{- if or (not $port) (and (contains "::" $at) (not (contains "]:" $at))) }}
{{- fail (printf "traces.endpoint: %s has no port; OTLP over gRPC is mostly on 4317" .) }}
{{- end }}
{{- if and $.Values.networkPolicy.enabled (ne (int $port) (int $.Values.traces.port)) }}
{{- fail (printf "traces.port: NetworkPolicies let out %d, and traces.endpoint has %s" (int $.Values.traces.port) $port) }}
{{- end }}
{{- end }}
{{- if and (eq $a.from "stun") (has $e.mode (list "podService" "service")) (eq $e.type "LoadBalancer") }}
{{- fail (printf "media.advertise.from stun with %s: a STUN server sees by which address packets leave the cluster, not the balancer's; take explicit" $e.mode) }}
{{- end }}
{{- if and (eq $a.from "pod") (ne $e.mode "relay") (not $e.hostNetwork) }}
{{- fail (printf "media.advertise.from pod with %s: browsers cannot reach addresses of pods; that is for relay, where a TURN server in the cluster can" $e.mode) }}
{{- end }}
{{- if and (eq $e.mode "relay") (ne $a.from "pod") }}
{{- fail (printf "media.expose.mode relay: the TURN server reaches pods by their own addresses, so set media.advertise.from to pod, not %s" $a.from) }}
{{- end }}
{{- if and (eq $e.mode "service") (eq $e.type "LoadBalancer") (eq $a.from "node") }}
{{- fail "media.expose.mode service with LoadBalancer: browsers must be told the balancer's address; set media.advertise.from to explicit and media.advertise.addresses to it" }}
{{- end }}
{{- if and $e.hostNetwork (ne $e.mode "hostPort") }}
{{- fail (printf "media.expose.hostNetwork is for hostPort, not %s" $e.mode) }}
{{- end }}
{{- if and $e.stunner.gateway (ne $e.mode "relay") }}
{{- fail (printf "media.expose.stunner is for relay, not %s" $e.mode) }}
{{- end }}
{{- if and (or (eq $e.mode "podService") (eq $e.mode "service")) (eq $e.type "NodePort") }}
{{- $range := splitn "-" 2 $e.nodePortRange }}
{{- $last := add $e.port (ternary (sub $most 1) 0 (eq $e.mode "podService")) }}
{{- if or (lt (int $e.port) (int $range._0)) (gt (int $last) (int $range._1)) }}
{{- fail (printf "media.expose.port: NodePorts must have the same number inside and out, so %d to %d must lie within the cluster's %s" (int $e.port) (int $last) $e.nodePortRange) }}
{{- end }}
{{- end }}
{{- if and $m.drainTimeout (ge (trimSuffix "s" $m.drainTimeout | int) (int $m.terminationGracePeriodSeconds)) }}
{{- fail (printf "media.drainTimeout %s: Kubernetes kills the node after media.terminationGracePeriodSeconds, %d; leave some seconds between" $m.drainTimeout (int $m.terminationGracePeriodSeconds)) }}
{{- end }}

{{- range $part := list "signaling" "media" }}{{ $s := (index $.Values $part).autoscaling }}
{{- if gt (int $s.minReplicas) (int $s.maxReplicas) }}
{{- fail (printf "%s.autoscaling: minReplicas %d is above maxReplicas %d" $part (int $s.minReplicas) (int $s.maxReplicas)) }}
{{- end }}
{{- if and (eq $s.kind "keda") (not $.Values.prometheus.address) }}
{{- fail (printf "%s.autoscaling.kind keda: prometheus.address is not set, which KEDA asks" $part) }}
{{- end }}
{{- end }}

{{- range $part := list "signaling" "roomstate" "media" }}{{ $v := index $.Values $part }}
{{- if and (eq (int $v.replicas) 0) (eq (dig "autoscaling" "kind" "none" $v) "none") }}
{{- fail (printf "%s.replicas: nothing works without one; to stop it for a while, take kubectl scale" $part) }}
{{- end }}
{{- end }}

{{- range $store := list "nats" "redis" }}{{ $s := index $.Values $store }}
{{- $sentinels := false }}{{ if eq $store "redis" }}{{ $sentinels = $s.external.sentinel.addresses }}{{ end }}
{{- $more := or (dig "cluster" false $s.external) (dig "tokenSecret" "name" "" $s.external) (dig "credsSecret" "name" "" $s.external) }}
{{- if and $s.enabled (or $s.external.url $s.external.urlSecret.name $s.external.tlsSecret $s.external.user $s.external.passwordSecret.name $sentinels $more) }}
{{- fail (printf "%s.external is set, and %s.enabled too: take one" $store $store) }}
{{- end }}
{{- if not $s.enabled }}
{{- if and $s.external.url $s.external.urlSecret.name }}
{{- fail (printf "%s.external has url and urlSecret: take one" $store) }}
{{- end }}
{{- if not (or $s.external.url $s.external.urlSecret.name $sentinels) }}
{{- fail (printf "%s.enabled is false: say where it is, by %s.external.url or urlSecret" $store $store) }}
{{- end }}
{{- $schemes := ternary (list "nats" "tls") (list "redis" "rediss") (eq $store "nats") }}
{{- range $url := splitList "," $s.external.url }}{{ $scheme := regexFind "^[^:/]*://" (trim $url) | trimSuffix "://" }}
{{- if and $scheme (not (has $scheme $schemes)) }}
{{- fail (printf "%s.external.url: %s:// is none of %s; take %s://" $store $scheme $store (join ":// or " $schemes)) }}
{{- end }}
{{- end }}
{{- if contains "@" $s.external.url }}
{{- fail (printf "%s.external.url has credentials: a URL with them belongs in a Secret, named by %s.external.urlSecret" $store $store) }}
{{- end }}
{{- end }}
{{- end }}
{{- $redis := .Values.redis.external }}{{ $nats := .Values.nats.external }}
{{- if contains "," $redis.url }}
{{- fail "redis.external.url has several addresses: Sentinels are named by redis.external.sentinel.addresses, and of a Cluster one node is enough" }}
{{- end }}
{{- if and $redis.cluster $redis.sentinel.addresses }}
{{- fail "redis.external: a Redis Cluster has no Sentinels; take cluster or sentinel.addresses" }}
{{- end }}
{{- if and $redis.tlsSecret (not $redis.urlSecret.name) (not (hasPrefix "rediss://" $redis.url)) }}
{{- fail "redis.external.tlsSecret: certificates are for TLS, so redis.external.url has to begin with rediss:// (with Sentinels, rediss:///0)" }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
{{- range $store, $usual := dict "nats" "4222" "redis" "6379" }}{{ $s := index $.Values $store }}{{ $sentinel := dig "sentinel" (dict "addresses" list) $s.external }}
{{- if and (not $s.enabled) (not $sentinel.addresses) }}
{{- range $url := splitList "," $s.external.url }}{{ $host := regexReplaceAll "^[a-z]+://|[/?].*$" (trim $url) "" }}
{{- $port := regexFind "(^|[^:]|\\]):[0-9]+$" $host | regexFind "[0-9]+$" | default $usual }}
{{- if and $host (ne (int $port) (int $s.external.port)) }}
{{- fail (printf "%s.external.port: NetworkPolicies let out %d, and %s.external.url has %s" $store (int $s.external.port) $store $port) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $address := $sentinel.addresses }}{{ $port := regexFind "[0-9]+$" $address }}
{{- if ne (int $port) (int $sentinel.port) }}
{{- fail (printf "redis.external.sentinel.port: NetworkPolicies let out %d, and %s of redis.external.sentinel.addresses has %s" (int $sentinel.port) $address $port) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.nats.external.user (not $nats.passwordSecret.name) }}
{{- fail "nats.external.user: the password is missing; set nats.external.passwordSecret" }}
{{- end }}
{{- if and $nats.passwordSecret.name (not $nats.user) }}
{{- fail "nats.external.passwordSecret: whose password it is is missing; set nats.external.user" }}
{{- end }}
{{- if gt (len (compact (list $nats.passwordSecret.name $nats.tokenSecret.name $nats.credsSecret.name))) 1 }}
{{- fail "nats.external: only one of passwordSecret, tokenSecret and credsSecret can say who the services are" }}
{{- end }}

{{- if and .Values.signaling.admin.enabled (not .Values.signaling.admin.secret.name) }}
{{- fail "signaling.admin: the Admin API listens beyond loopback with a secret only; set signaling.admin.secret.name" }}
{{- end }}
{{- $jwt := .Values.signaling.jwt }}{{ $signed := or .Values.signaling.tokenSecret.name $jwt.keysConfigMap.name $jwt.keysSecret.name $jwt.secret.name }}
{{- if and $signed (not (index .Values.signaling.settings "token-auth")) }}
{{- fail "signaling.tokenSecret and signaling.jwt are of no use unless requests must carry tokens: set token-auth: true in signaling.settings" }}
{{- end }}
{{- if and $jwt.keysConfigMap.name $jwt.keysSecret.name }}
{{- fail "signaling.jwt: there is one file of keys; take keysConfigMap or keysSecret" }}
{{- end }}
{{- range $part := list "signaling" "roomstate" "media" }}{{ $v := index $.Values $part }}{{ range $setting, $from := $v.files }}
{{- if hasKey $v.settings $setting }}
{{- fail (printf "%s.files and %s.settings both have %s: take one" $part $part $setting) }}
{{- end }}
{{- end }}{{ end }}
{{- if and .Values.signaling.ingress.enabled (not .Values.signaling.ingress.host) }}
{{- fail "signaling.ingress: host is not set" }}
{{- end }}
{{- $s := .Values.signaling }}{{ if and $s.ingress.enabled $s.tlsSecret (not $s.service.plain) }}
{{- fail "signaling.ingress: it asks the ports without TLS, which the Service does not have with signaling.tlsSecret; have TLS at one of both, or set signaling.service.plain to true" }}
{{- end }}
{{- $numbers := list }}{{ range $name := include "cardea.public" . | splitList " " }}
{{- $number := index $s.service.ports $name | int }}
{{- if has $number $numbers }}
{{- fail (printf "signaling.service.ports: %d is there twice, and WebSocket and HTTP are two listeners" $number) }}
{{- end }}
{{- $numbers = append $numbers $number }}
{{- end }}
{{- if and .Values.roomstate.rooms .Values.roomstate.roomsSecret.name }}
{{- fail "roomstate.rooms and roomstate.roomsSecret: there is one file of rooms; take one" }}
{{- end }}

{{- $own := dict
  "signaling" (list "nats-url" "nats-tls-ca" "nats-tls-cert" "nats-tls-key" "nats-user" "nats-password-file" "nats-token-file" "nats-creds-file" "listen" "wss-listen" "http-listen" "https-listen" "admin-listen" "admin-http-listen" "admin-secret-file" "tls-cert" "tls-key" "api-secret-file" "token-secret-file" "jwt-keys-file" "jwt-secret-file" "ops-listen" "traces-endpoint" "traces-ratio" "traces-tls-ca" "traces-tls-cert" "traces-tls-key" "traces-headers-file")
  "roomstate" (list "nats-url" "nats-tls-ca" "nats-tls-cert" "nats-tls-key" "nats-user" "nats-password-file" "nats-token-file" "nats-creds-file" "grpc-tls-ca" "grpc-tls-cert" "grpc-tls-key" "grpc-tls-name"
    "redis-url" "redis-user" "redis-password-file" "redis-tls-ca" "redis-tls-cert" "redis-tls-key" "redis-sentinels" "redis-master" "redis-sentinel-user" "redis-sentinel-password-file" "redis-cluster" "demo-room" "admin-key" "admin-key-file" "rooms-file" "token-secret-file" "ops-listen" "traces-endpoint" "traces-ratio" "traces-tls-ca" "traces-tls-cert" "traces-tls-key" "traces-headers-file")
  "media" (list "name" "nats-url" "nats-tls-ca" "nats-tls-cert" "nats-tls-key" "nats-user" "nats-password-file" "nats-token-file" "nats-creds-file" "grpc-tls-ca" "grpc-tls-cert" "grpc-tls-key" "grpc-tls-name" "grpc-insecure" "grpc-listen" "grpc-advertise" "ops-listen" "udp-port" "tcp" "advertise" "advertise-stun" "drain-timeout" "traces-endpoint" "traces-ratio" "traces-tls-ca" "traces-tls-cert" "traces-tls-key" "traces-headers-file") }}
{{- range $part, $keys := $own }}{{ range $key := $keys }}
{{- if hasKey (index $.Values $part).settings $key }}
{{- fail (printf "%s.settings: %s follows from other values of this chart" $part $key) }}
{{- end }}
{{- if hasKey (index $.Values $part).files $key }}
{{- fail (printf "%s.files: %s follows from other values of this chart" $part $key) }}
{{- end }}
{{- end }}{{ end }}
{{- end }}
