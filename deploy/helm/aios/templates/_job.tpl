{{/* A Job of the image with the cluster's commands. `.root`, `.name`, `.args`, `.keys` when it reads private keys, and `.powers` when it reads powers of tau from that claim. */}}
{{- define "aios.jobPod" -}}
metadata:
  labels:
    app.kubernetes.io/name: {{ .name }}
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    app.kubernetes.io/part-of: aios
spec:
  restartPolicy: Never
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
