{{/* What every pod of AiOS is: no root, no writable image, no capabilities, no token of the Kubernetes API. */}}

{{- define "aios.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.global.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "aios.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* Where the pod may run. */}}
{{- define "aios.placement" -}}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "aios.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Database and events: by reference only. */}}
{{- define "aios.dataEnv" -}}
{{- $database := .root.Values.global.database -}}
{{- if .service.database }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ $database.secretName }}, key: {{ .service.name }} } }
{{- end }}
{{- end -}}

{{- define "aios.env" -}}
{{- $global := .root.Values.global -}}
- { name: AIOS_HEALTH_LISTEN, value: "0.0.0.0:{{ .service.ports.health }}" }
- { name: AIOS_DATA_DIR, value: /data }
{{- if .service.identity }}
- { name: AIOS_VERSION, value: {{ include "aios.version" . | quote }} }
{{- end }}
{{- if .service.identity }}
- { name: AIOS_GRPC_LISTEN, value: "0.0.0.0:{{ .service.ports.grpc | default 50050 }}" }
- { name: AIOS_SERVICE_KEY_FILE, value: /keys/service.jwk }
{{- if $global.tls.enabled }}
- { name: AIOS_TLS_CERT_FILE, value: /tls/tls.crt }
- { name: AIOS_TLS_KEY_FILE, value: /tls/tls.key }
- { name: AIOS_TLS_CA_FILE, value: /tls/ca.crt }
{{- with .service.providers }}
- { name: AIOS_GRPC_PROVIDER_LISTEN, value: "0.0.0.0:{{ . }}" }
{{- end }}
{{- end }}
- { name: AIOS_TRUST_BUNDLE_FILE, value: /network/services.jwks }
{{- end }}
{{- range .service.peers }}
- { name: {{ .setting }}, value: "{{ include "aios.host" (dict "root" $.root "name" .service) }}:{{ include "aios.edgePort" (dict "root" $.root "caller" $.service.name "port" .port) }}" }
{{- end }}
{{- if $global.tls.enabled }}
{{- if not .service.identity }}
- { name: PROVIDER_TLS_CA_FILE, value: /tls/ca.crt }
{{- end }}
{{- if and (eq .service.name "compute") (not .root.Values.settings.STORAGE_PUBLIC_URL) }}
- { name: STORAGE_PUBLIC_URL, value: "{{ include "aios.host" (dict "root" .root "name" "storage") }}:{{ .service.providers }}" }
{{- end }}
{{- end }}
{{- if .service.chain }}
- { name: CHAIN_RPC_URL, value: "http://{{ include "aios.host" (dict "root" .root "name" "consensus") }}:8545" }
{{- end }}
{{- include "aios.dataEnv" . }}
{{- if .service.database }}
- { name: AIOS_MIGRATIONS, value: {{ ternary "apply" "verify" $global.database.bundled }} }
{{- end }}
{{- if .service.events }}
- name: EVENT_BUS_URL
  valueFrom: { secretKeyRef: { name: {{ $global.eventBus.secretName }}, key: {{ $global.eventBus.secretKey }} } }
{{- end }}
{{- if and .service.redis $global.redis.secretName }}
- name: REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ $global.redis.secretName }}, key: {{ $global.redis.secretKey }} } }
{{- end }}
{{- if and .service.kubo $global.kubo.secretName }}
- name: KUBO_RPC_URL
  valueFrom: { secretKeyRef: { name: {{ $global.kubo.secretName }}, key: {{ $global.kubo.secretKey }} } }
{{- end }}
{{- with $global.telemetry.otlpEndpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- range $name, $value := .service.env }}
- { name: {{ $name }}, value: {{ tpl $value $.root | quote }} }
{{- end }}
{{- if include "aios.honorNodes" . }}
- { name: CONSENSUS_MODE, value: honor }
- { name: CONSENSUS_PEER_LISTEN, value: "0.0.0.0:{{ .service.peerPort }}" }
- { name: CONSENSUS_NODE_KEY_FILE, value: /honor/node.pem }
- { name: CONSENSUS_SEAT_KEY_FILE, value: /honor/seat.key }
- { name: CONSENSUS_OPERATOR_KEY_FILE, value: /honor/operator.key }
- name: CONSENSUS_PEERS
  valueFrom: { configMapKeyRef: { name: {{ $global.network.configMapName }}, key: CONSENSUS_PEERS } }
{{- end }}
{{- $powers := $global.honkPowers | default dict }}
{{- if and .service.powers $powers.claimName }}
- { name: PROVER_HONK_POWERS_FILE, value: "/powers/{{ required "global.honkPowers.file is missing" $powers.file }}" }
- { name: PROVER_HONK_POWERS_SHA256, value: {{ required "global.honkPowers.sha256 is missing" $powers.sha256 | quote }} }
{{- end }}
{{- range .service.shared }}
- name: {{ . }}
  valueFrom: { configMapKeyRef: { name: {{ $global.network.configMapName }}, key: {{ . }} } }
{{- end }}
{{- range $name, $value := .root.Values.settings }}
{{- if ne (toString $value) "" }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}
{{- end -}}

{{- define "aios.volumeMounts" -}}
- { name: data, mountPath: /data }
- { name: temporary, mountPath: /tmp }
{{- if .service.identity }}
- { name: keys, mountPath: /keys, readOnly: true }
- { name: network, mountPath: /network, readOnly: true }
{{- end }}
{{- if .root.Values.global.tls.enabled }}
- { name: tls, mountPath: /tls, readOnly: true }
{{- end }}
{{- if .service.keyPerPod }}
- { name: keys, mountPath: /keys, readOnly: true, subPathExpr: $(POD_NAME) }
{{- end }}
{{- if and .service.powers (.root.Values.global.honkPowers | default dict).claimName }}
- { name: powers, mountPath: /powers, readOnly: true }
{{- end }}
{{- if include "aios.honorNodes" . }}
- { name: honor, mountPath: /honor, readOnly: true, subPathExpr: $(POD_NAME) }
{{- end }}
{{- end -}}

{{- define "aios.volumes" -}}
{{- $network := .root.Values.global.network -}}
- { name: temporary, emptyDir: { sizeLimit: 256Mi } }
{{- if not .service.persistent }}
- { name: data, emptyDir: { sizeLimit: 1Gi } }
{{- end }}
{{- if and .service.powers (.root.Values.global.honkPowers | default dict).claimName }}
- { name: powers, persistentVolumeClaim: { claimName: {{ .root.Values.global.honkPowers.claimName }}, readOnly: true } }
{{- end }}
{{- if .service.identity }}
- name: keys
  secret:
    secretName: {{ $network.secretName }}
    defaultMode: 0440
    items:
      - { key: service-{{ .service.name }}.jwk, path: service.jwk }
      {{- range .service.keys }}
      - { key: account-{{ . }}.key, path: {{ . }}.key }
      {{- end }}
- { name: network, configMap: { name: {{ $network.configMapName }} } }
{{- end }}
{{- if .root.Values.global.tls.enabled }}
- name: tls
  secret:
    # What has no certificate of its own sees only whom it may trust.
    secretName: {{ .root.Release.Name }}-tls-{{ ternary .service.name "compute" .service.identity }}
    defaultMode: 0440
    items:
      - { key: ca.crt, path: ca.crt }
      {{- if .service.identity }}
      - { key: tls.crt, path: tls.crt }
      - { key: tls.key, path: tls.key }
      {{- end }}
{{- end }}
{{- with include "aios.honorNodes" . }}
- name: honor
  secret:
    secretName: {{ $network.secretName }}
    defaultMode: 0440
    items:
      {{- range $node := until (int .) }}
      - { key: honor-{{ $node }}-node.pem, path: {{ include "aios.fullname" $ }}-{{ $node }}/node.pem }
      - { key: honor-{{ $node }}-seat.key, path: {{ include "aios.fullname" $ }}-{{ $node }}/seat.key }
      - { key: honor-{{ $node }}-operator.key, path: {{ include "aios.fullname" $ }}-{{ $node }}/operator.key }
      {{- end }}
{{- end }}
{{- if .service.keyPerPod }}
- name: keys
  secret:
    secretName: {{ $network.secretName }}
    defaultMode: 0440
    items:
      {{- range $index := until (int .root.Values.replicas) }}
      - { key: account-provider-{{ add1 $index }}.key, path: {{ include "aios.fullname" $ }}-{{ $index }}/provider.key }
      {{- end }}
{{- end }}
{{- end -}}

{{- define "aios.container" -}}
- name: {{ .service.name }}
  image: {{ include "aios.image" (dict "root" .root "image" (.root.Values.image | default .service.name)) }}
  imagePullPolicy: {{ .root.Values.global.image.pullPolicy }}
  {{- include "aios.containerSecurity" . | nindent 2 }}
  ports:
    {{- range $name, $port := .service.ports }}
    - { name: {{ $name }}, containerPort: {{ $port }} }
    {{- end }}
    {{- if include "aios.honorNodes" . }}
    - { name: peers, containerPort: {{ .service.peerPort }} }
    {{- end }}
    {{- if and .service.providers .root.Values.global.tls.enabled }}
    - { name: providers, containerPort: {{ .service.providers }} }
    {{- end }}
  env:
    - name: POD_NAME
      valueFrom: { fieldRef: { fieldPath: metadata.name } }
    {{- include "aios.env" . | nindent 4 }}
  # Long enough for a database that starts at the same time; then the last sentence of the log is the pod's event.
  startupProbe:
    httpGet: { path: /health/live, port: health }
    periodSeconds: 1
    failureThreshold: 120
  readinessProbe:
    httpGet: { path: /health/ready, port: health }
    periodSeconds: 3
    timeoutSeconds: 3
    failureThreshold: 2
  # Live is whether the event loop answers at all: a lost backend is told, and makes no pod unready or dead.
  livenessProbe:
    httpGet: { path: /health/live, port: health }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  terminationMessagePolicy: FallbackToLogsOnError
  resources: {{- toYaml .root.Values.resources | nindent 4 }}
  volumeMounts: {{- include "aios.volumeMounts" . | nindent 4 }}
{{- end -}}

{{- define "aios.podTemplate" -}}
metadata:
  labels: {{- include "aios.labels" . | nindent 4 }}
  annotations:
    {{- /* A Prometheus that goes by annotations and by PodMonitors would count everything twice. */}}
    {{- if not .root.Values.global.monitoring.podMonitor }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ .service.ports.health | quote }}
    {{- end }}
    {{- with .root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "aios.fullname" . }}
  {{- include "aios.podSecurity" . | nindent 2 }}
  terminationGracePeriodSeconds: 30
  {{- include "aios.placement" . | nindent 2 }}
  containers: {{- include "aios.container" . | nindent 4 }}
  volumes: {{- include "aios.volumes" . | nindent 4 }}
{{- end -}}
