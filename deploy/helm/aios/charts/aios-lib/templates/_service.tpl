{{/* All objects of one service. */}}

{{- define "aios.service" -}}
{{- $ := . -}}
{{- $name := include "aios.fullname" . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels: {{- include "aios.labels" . | nindent 4 }}
automountServiceAccountToken: false
---
{{ include "aios.workload" . }}
{{- if .service.callable }}
---
{{ include "aios.endpoints" . }}
{{- end }}
{{- with .root.Values.providerService }}
{{- if ne .type "None" }}
---
{{ include "aios.providerEndpoint" $ }}
{{- end }}
{{- end }}
{{- if include "aios.honorNodes" . }}
---
{{ include "aios.honorPeers" . }}
{{- end }}
{{- if .root.Values.global.networkPolicy.enabled }}
---
{{ include "aios.networkPolicy" . }}
{{- end }}
{{- include "aios.scaling" . }}
{{- include "aios.migration" . }}
{{- end -}}

{{- define "aios.workload" -}}
{{- $name := include "aios.fullname" . -}}
{{- $scaled := or (.root.Values.autoscaling | default dict).enabled (.root.Values.keda | default dict).enabled -}}
apiVersion: apps/v1
kind: {{ .service.workload }}
metadata:
  name: {{ $name }}
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  {{- if not $scaled }}
  replicas: {{ mul .root.Values.replicas (include "aios.honorNodes" . | default 1) }}
  {{- end }}
  revisionHistoryLimit: 5
  {{- if eq .service.workload "StatefulSet" }}
  serviceName: {{ $name }}{{ if include "aios.honorNodes" . }}-peers{{ end }}
  podManagementPolicy: Parallel
  {{- else if .service.single }}
  # One process at a time: its links and watchers live in it.
  strategy: { type: Recreate }
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  {{- end }}
  selector:
    matchLabels: {{- include "aios.selectorLabels" . | nindent 6 }}
  template: {{- include "aios.podTemplate" . | nindent 4 }}
  {{- if .service.persistent }}
  volumeClaimTemplates:
    - metadata:
        name: data
        labels: {{- include "aios.selectorLabels" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.persistence.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources: { requests: { storage: {{ .root.Values.persistence.size }} } }
  {{- end }}
{{- end -}}

{{/* One address that outlives the pods behind it. A connection stays with its pod: replicas share one queue, not callers. */}}
{{- define "aios.endpoints" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "aios.fullname" . }}
  labels: {{- include "aios.labels" . | nindent 4 }}
  {{- with (.root.Values.service | default dict).annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- $type := ternary (.root.Values.service | default dict).type "ClusterIP" .service.public }}
  type: {{ $type }}
  {{- if ne $type "ClusterIP" }}
  externalTrafficPolicy: {{ .root.Values.service.externalTrafficPolicy }}
  {{- end }}
  selector:
    {{- include "aios.selectorLabels" . | nindent 4 }}
    {{- if include "aios.honorNodes" . }}
    # Whoever sends a transaction and asks for it again meets the same node; the others vote.
    statefulset.kubernetes.io/pod-name: {{ include "aios.fullname" . }}-0
    {{- end }}
  ports:
    {{- range $name, $port := .service.ports }}
    {{- /* Metrics are for the cluster alone. */ -}}
    {{- if not (and (eq $name "health") (ne $type "ClusterIP")) }}
    - { name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }} }
    {{- end }}
    {{- end }}
    {{- if and .service.providers .root.Values.global.tls.enabled }}
    - { name: providers, port: {{ .service.providers }}, targetPort: providers }
    {{- end }}
{{- end -}}

{{/* Only the port for providers: nothing else of the service is for the world. */}}
{{- define "aios.providerEndpoint" -}}
{{- $ours := .root.Values.providerService -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "aios.fullname" . }}-providers
  labels: {{- include "aios.labels" . | nindent 4 }}
  {{- with $ours.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $ours.type }}
  {{- if ne $ours.type "ClusterIP" }}
  # The network policy sees the providers' own addresses.
  externalTrafficPolicy: Local
  {{- end }}
  {{- if and (eq $ours.type "LoadBalancer") .root.Values.global.networkPolicy.providerCidrs }}
  loadBalancerSourceRanges: {{- toYaml .root.Values.global.networkPolicy.providerCidrs | nindent 4 }}
  {{- end }}
  selector: {{- include "aios.selectorLabels" . | nindent 4 }}
  ports:
    {{- if .root.Values.global.tls.enabled }}
    - { name: providers, port: {{ .service.providers }}, targetPort: providers }
    {{- else }}
    - { name: grpc, port: {{ .service.ports.grpc }}, targetPort: grpc }
    {{- end }}
{{- end -}}

{{/* Names of the single pods, by which honor nodes find each other, also before they are ready. */}}
{{- define "aios.honorPeers" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "aios.fullname" . }}-peers
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "aios.selectorLabels" . | nindent 4 }}
  ports:
    - { name: peers, port: {{ .service.peerPort }}, targetPort: peers }
{{- end -}}

{{/* Deny by default; each edge that the architecture matrix names is opened on both sides. */}}
{{- define "aios.networkPolicy" -}}
{{- $policy := .root.Values.global.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "aios.fullname" . }}
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "aios.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- range .service.callers }}
    - from:
        - podSelector:
            matchLabels: { app.kubernetes.io/name: {{ .service }}, app.kubernetes.io/instance: {{ $.root.Release.Name }} }
      ports: [{ port: {{ include "aios.edgePort" (dict "root" $.root "caller" .service "port" .port) }} }]
    {{- end }}
    {{- if include "aios.honorNodes" . }}
    - from: [{ podSelector: { matchLabels: {{ include "aios.selectorLabels" . | fromYaml | toJson }} } }]
      ports: [{ port: {{ .service.peerPort }} }]
    {{- end }}
    {{- range .service.open }}
    - ports: [{ port: {{ . }} }]
    {{- end }}
    {{- if and .service.providers $policy.providerCidrs }}
    - from:
        {{- range $policy.providerCidrs }}
        - ipBlock: { cidr: {{ . | quote }} }
        {{- end }}
      ports: [{ port: {{ ternary .service.providers .service.ports.grpc .root.Values.global.tls.enabled }} }]
    {{- end }}
    - from:
        - namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: {{ $policy.monitoringNamespace }} }
      ports: [{ port: {{ .service.ports.health }} }]
  egress:
    - to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }]
      ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
    {{- range .service.calls }}
    - to:
        - podSelector:
            matchLabels: { app.kubernetes.io/name: {{ .service }}, app.kubernetes.io/instance: {{ $.root.Release.Name }} }
      ports: [{ port: {{ include "aios.edgePort" (dict "root" $.root "caller" $.service.name "port" .port) }} }]
    {{- end }}
    {{- if include "aios.honorNodes" . }}
    - to: [{ podSelector: { matchLabels: {{ include "aios.selectorLabels" . | fromYaml | toJson }} } }]
      ports: [{ port: {{ .service.peerPort }} }]
    {{- end }}
    {{- include "aios.backendEgress" . }}
    {{- with .root.Values.global.telemetry.otlpEndpoint }}
    {{- if not $policy.collector }}
    {{- fail (printf "\n\nglobal.networkPolicy.collector is empty, so that nothing would reach the collector %s. Add its address and port, for example --set 'global.networkPolicy.collector[0].cidr=10.0.0.0/8,global.networkPolicy.collector[0].port=4318'.\n" .) }}
    {{- end }}
    {{- range $policy.collector }}
    - { to: [{ ipBlock: { cidr: {{ .cidr | quote }} } }], ports: [{ port: {{ .port }} }] }
    {{- end }}
    {{- end }}
{{- end -}}

{{/* Only the backends that the service uses; those of the release by their pods, others by address and port. */}}
{{- define "aios.backendEgress" -}}
{{- $global := .root.Values.global -}}
{{- $backends := $global.networkPolicy.backends -}}
{{- $eventsInDatabase := eq $global.eventBus.secretName $global.database.secretName -}}
{{- if and $global.database.bundled (or .service.database (and .service.events $eventsInDatabase)) }}
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/name: postgres, app.kubernetes.io/instance: {{ .root.Release.Name }} } } }]
      ports: [{ port: 5432 }]
{{- end }}
{{- $outside := list -}}
{{- if and (not $global.database.bundled) (or .service.database (and .service.events $eventsInDatabase)) -}}
{{- $outside = concat $outside $backends.database -}}
{{- end -}}
{{- if and .service.events $global.eventBus.bundled }}
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/name: kafka, app.kubernetes.io/instance: {{ .root.Release.Name }} } } }]
      ports: [{ port: 9092 }]
{{- else if and .service.events (not (and $global.database.bundled $eventsInDatabase)) -}}
{{- $outside = concat $outside $backends.eventBus -}}
{{- end -}}
{{- if and .service.redis $global.redis.bundled }}
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/name: redis, app.kubernetes.io/instance: {{ .root.Release.Name }} } } }]
      ports: [{ port: 6379 }]
{{- else if and .service.redis $global.redis.secretName -}}
{{- $outside = concat $outside $backends.redis -}}
{{- end -}}
{{- if and .service.kubo $global.kubo.secretName -}}
{{- $outside = concat $outside $backends.kubo -}}
{{- end -}}
{{- range $outside }}
    - { to: [{ ipBlock: { cidr: {{ .cidr | quote }} } }], ports: [{ port: {{ .port }} }] }
{{- end }}
{{- end -}}

{{- define "aios.scaling" -}}
{{- $name := include "aios.fullname" . -}}
{{- $kind := .service.workload -}}
{{- if and (.root.Values.keda | default dict).enabled (not (.root.Values.autoscaling | default dict).enabled) }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { kind: {{ $kind }}, name: {{ $name }} }
  minReplicaCount: {{ .root.Values.keda.minReplicas }}
  maxReplicaCount: {{ .root.Values.keda.maxReplicas }}
  triggers:
    {{- if .service.queueQuery }}
    - type: prometheus
      metadata:
        serverAddress: {{ required "keda.prometheusUrl is needed where keda.enabled is true" .root.Values.keda.prometheusUrl }}
        query: {{ tpl .service.queueQuery .root | quote }}
        threshold: {{ .root.Values.keda.queuedPerReplica | quote }}
    {{- end }}
    {{- range .service.hears }}
    - type: kafka
      metadata:
        bootstrapServers: {{ required "keda.bootstrapServers is needed where keda.enabled is true" $.root.Values.keda.bootstrapServers }}
        consumerGroup: {{ $.service.name }}
        topic: {{ . }}
        lagThreshold: {{ $.root.Values.keda.lagPerReplica | quote }}
      {{- with $.root.Values.keda.authentication }}
      authenticationRef: { name: {{ . }} }
      {{- end }}
    {{- end }}
{{- end }}
{{- if (.root.Values.autoscaling | default dict).enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: {{ $kind }}, name: {{ $name }} }
  minReplicas: {{ .root.Values.autoscaling.minReplicas }}
  maxReplicas: {{ .root.Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: {{ .root.Values.autoscaling.targetCpuPercent }} }
{{- end }}
{{- /* Nobody calls a provider, and its leases go to others: a budget would only hold up the drain of the last node. */}}
{{- if or (include "aios.honorNodes" .) (not (or .service.single (eq .service.name "provider"))) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "aios.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "aios.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* The schema changes before any new process starts, and only additions come in one version: old processes go on. */}}
{{- define "aios.migration" -}}
{{- if and .service.database (not .root.Values.global.database.bundled) }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "aios.fullname" . }}-migrate
  labels: {{- include "aios.labels" . | nindent 4 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 6
  activeDeadlineSeconds: 300
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .service.name }}-migrate
        app.kubernetes.io/instance: {{ .root.Release.Name }}
    spec:
      restartPolicy: Never
      {{- include "aios.podSecurity" . | nindent 6 }}
      containers:
        - name: migrate
          image: {{ include "aios.image" (dict "root" .root "image" .service.name) }}
          imagePullPolicy: {{ .root.Values.global.image.pullPolicy }}
          args: ["--migrate"]
          {{- include "aios.containerSecurity" . | nindent 10 }}
          env: {{- include "aios.dataEnv" . | nindent 12 }}
          terminationMessagePolicy: FallbackToLogsOnError
          resources: { requests: { cpu: 50m, memory: 128Mi }, limits: { memory: 256Mi } }
{{- end }}
{{- end -}}
