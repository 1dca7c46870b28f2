{{/* A pod of a server that the release brings along. `.root`, `.settings` with its placement, `.user` of its image. */}}
{{- define "aios.backendPod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.global.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .settings.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Secrets are made by set-up once and never changed: one for each server, beside the operator's own. */}}
{{- define "aios.ownSecret" -}}
{{- if or (eq .secretName "") (eq .secretName .taken) -}}
{{- fail (printf "\n\n%s.bundled is true, so that a Secret with its URL is made: name it, for example --set %s.secretName=%s\n" .value .value .example) -}}
{{- end -}}
{{- .secretName -}}
{{- end -}}
