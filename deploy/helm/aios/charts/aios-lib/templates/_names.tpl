{{/* Names and labels. `.root` is the service chart's context, `.service` what service.yaml says of it. */}}

{{- define "aios.fullname" -}}
{{- printf "%s-%s" .root.Release.Name .service.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "aios.selectorLabels" -}}
app.kubernetes.io/name: {{ .service.name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "aios.labels" -}}
{{ include "aios.selectorLabels" . }}
app.kubernetes.io/part-of: aios
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "aios.image" -}}
{{- printf "%s/%s:%s" .root.Values.global.image.registry .image (include "aios.version" .) -}}
{{- end -}}

{{/* Tag of every image, which is what a process calls its version. */}}
{{- define "aios.version" -}}
{{- .root.Values.global.image.tag | default .root.Chart.AppVersion -}}
{{- end -}}

{{/* Where services have certificates, providers, who have none, call at another port. `.caller`, `.port`. */}}
{{- define "aios.edgePort" -}}
{{- ternary 50061 .port (and .root.Values.global.tls.enabled (eq .caller "provider")) -}}
{{- end -}}

{{/* Pods that finalise the chain together; empty where one does, and for every other service. */}}
{{- define "aios.honorNodes" -}}
{{- if and .service.honor (gt (int .root.Values.global.network.honorNodes) 1) -}}
{{- int .root.Values.global.network.honorNodes -}}
{{- end -}}
{{- end -}}

{{/* Host name of another service of this release. */}}
{{- define "aios.host" -}}
{{- printf "%s-%s" .root.Release.Name .name -}}
{{- end -}}
