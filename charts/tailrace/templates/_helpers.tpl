{{/*
Names are fixed, not derived from the release's: the definitions, the policies and the tenants' roles are
cluster-wide, so that one installation is all that a cluster can have.
*/}}

{{- define "tailrace.labels" -}}
app.kubernetes.io/name: tailrace
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tailrace
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What Services, policies and budgets select; call with (dict "root" $ "component" "api"). */}}
{{- define "tailrace.selector" -}}
app.kubernetes.io/name: tailrace
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "tailrace.componentLabels" -}}
{{ include "tailrace.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "tailrace.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "tailrace.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tailrace.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The parts of a pod that are about where it runs; call with the component's values. */}}
{{- define "tailrace.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "tailrace.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* A token for the internal API, and the authority that signed that API's certificate. */}}
{{- define "tailrace.internalVolume" -}}
name: internal
projected:
  sources:
  - serviceAccountToken: {path: internal-token, audience: tailrace-internal, expirationSeconds: 3600}
  - secret:
      name: {{ include "tailrace.tlsSecret" . }}
      items: [{key: ca.crt, path: internal-ca.crt}]
{{- end }}

{{- define "tailrace.tlsSecret" -}}
{{ .Values.internalTLS.existingSecret | default "tailrace-internal-tls" }}
{{- end }}

{{- define "tailrace.encryptionSecret" -}}
{{ .Values.encryptionKey.existingSecret | default "tailrace-encryption-key" }}
{{- end }}

{{- define "tailrace.postgresql" -}}
{{- if or .Values.database.url .Values.database.existingSecret.name }}true{{ end }}
{{- end }}

{{- define "tailrace.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:tailrace-operator
{{- end }}

{{- define "tailrace.internalURL" -}}
https://tailrace-internal.{{ .Release.Namespace }}.svc:8443
{{- end }}

{{/* What can only be wrong in combination; the schema checks the rest. */}}
{{- define "tailrace.check" -}}
{{- if has .Release.Namespace .Values.tenants }}
{{- fail (printf "tenants: %s is the namespace of Tailrace itself; flows need namespaces of their own" .Release.Namespace) }}
{{- end }}
{{- if and (gt (int .Values.api.replicas) 1) (not (include "tailrace.postgresql" .)) }}
{{- fail "api.replicas: more than one facade needs PostgreSQL; set database.url or database.existingSecret.name" }}
{{- end }}
{{- if and .Values.database.url .Values.database.existingSecret.name }}
{{- fail "database: set url or existingSecret.name, not both" }}
{{- end }}
{{- end }}
