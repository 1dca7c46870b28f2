{{/*
A pod of the image with the cluster's commands, of a Job or by itself. `.root`, `.name`, `.args`, `.keys` when it reads private
keys, `.powers` when it reads powers of tau from that claim, `.hook` when the pod itself is one of helm's, `.withinSeconds` when
it is ended after that time.
*/}}
{{- define "aios.jobPod" -}}
metadata:
  {{- with .hook }}
  name: {{ $.root.Release.Name }}-{{ $.name }}
  annotations:
    helm.sh/hook: {{ . }}
    helm.sh/hook-delete-policy: before-hook-creation
  {{- end }}
  labels:
    app.kubernetes.io/name: {{ .name }}
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    app.kubernetes.io/part-of: aios
spec:
  restartPolicy: Never
  {{- with .withinSeconds }}
  activeDeadlineSeconds: {{ . }}
  {{- end }}
  {{- include "aios.podSecurity" . | nindent 2 }}
  containers:
    - name: {{ .name }}
      image: {{ include "aios.image" (dict "root" .root "image" "cluster") }}
      imagePullPolicy: {{ .root.Values.global.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      {{- include "aios.containerSecurity" . | nindent 6 }}
      terminationMessagePolicy: FallbackToLogsOnError
      resources: { requests: { cpu: 50m, memory: 128Mi }, limits: { memory: 512Mi } }
      volumeMounts:
        - { name: temporary, mountPath: /tmp }
        {{- if .keys }}
        - { name: network, mountPath: /network-keys, readOnly: true }
        {{- end }}
        {{- if .powers }}
        - { name: powers, mountPath: /powers, readOnly: true }
        {{- end }}
  volumes:
    - { name: temporary, emptyDir: { medium: Memory, sizeLimit: 64Mi } }
    {{- if .keys }}
    - { name: network, secret: { secretName: {{ .root.Values.global.network.secretName }}, defaultMode: 0440 } }
    {{- end }}
    {{- with .powers }}
    - { name: powers, persistentVolumeClaim: { claimName: {{ . }}, readOnly: true } }
    {{- end }}
{{- end -}}
