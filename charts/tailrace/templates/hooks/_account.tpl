{{/*
A service account for one hook, which exists only while the hook runs; call with
(dict "root" $ "name" "tailrace-cleanup" "on" "post-delete" "rules" (list …)).
*/}}
{{- define "tailrace.hookAccount" -}}
{{- $metadata := include "tailrace.hookMetadata" (merge (dict "weight" "-5") .) }}
apiVersion: v1
kind: ServiceAccount
metadata:
  namespace: {{ .root.Release.Namespace }}
  {{- $metadata | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- $metadata | nindent 2 }}
rules: {{- toYaml .rules | nindent 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- $metadata | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .name }}}
subjects:
- {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}

{{- define "tailrace.hookMetadata" -}}
name: {{ .name }}
labels: {{- include "tailrace.componentLabels" (dict "root" .root "component" "hook") | nindent 2 }}
annotations:
  helm.sh/hook: {{ .on }}
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* A Job that runs a module of the operator's package; as above, with "module" and "arguments". */}}
{{- define "tailrace.hookJob" -}}
apiVersion: batch/v1
kind: Job
metadata:
  namespace: {{ .root.Release.Namespace }}
  {{- include "tailrace.hookMetadata" (merge (dict "weight" "0") .) | nindent 2 }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: 240
  template:
    metadata:
      labels: {{- include "tailrace.componentLabels" (dict "root" .root "component" "hook") | nindent 8 }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: true
      enableServiceLinks: false
      securityContext: {{- include "tailrace.podSecurityContext" .root | nindent 8 }}
      {{- include "tailrace.pullSecrets" .root | nindent 6 }}
      {{- include "tailrace.placement" .root.Values.operator | nindent 6 }}
      containers:
      - name: hook
        image: {{ include "tailrace.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        command: {{ toJson (concat (list "python3" "-m" .module) .arguments) }}
        securityContext: {{- include "tailrace.containerSecurityContext" .root | nindent 10 }}
        resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 256Mi}}
        volumeMounts:
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: tmp, emptyDir: {sizeLimit: 16Mi}}
{{- end }}
