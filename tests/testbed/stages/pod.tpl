{{- /* The pod's next status, whole: what a kubelet would report after the step named in $step.
       Appended to the statusTemplate of every pod stage. Go templates cannot call jq, so the facts
       of pod.jq (starved, missing, misconfigured) are worked out here once more. */ -}}
{{ $pod := . }}
{{ $now := Now }}
{{ $notes := or .metadata.annotations dict }}
{{ $prefix := "testbed.reconciler.dev/" }}
{{ $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 }}
{{ $config := "" }}
{{ if hasKey $notes (print $prefix "needs-config") }}{{ $config = or (index $notes (print $prefix "sees-config")) "unread" }}{{ end }}
{{ $missing := regexSplit "[,\\s]+" (or (index $notes (print $prefix "missing-images")) "") -1 }}
{{ $healthy := and (ne (or (index $notes (print $prefix "failing-readiness")) "") "true") (ne (or (index $notes (print $prefix "sees-node")) "") "failing") }}
{{ $phase := "Running" }}
{{ $unready := list }}
containerStatuses:
{{ range $i, $container := .spec.containers }}
  {{ $old := dict }}
  {{ range $pod.status.containerStatuses }}{{ if eq .name $container.name }}{{ $old = . }}{{ end }}{{ end }}
  {{ $state := or $old.state dict }}
  {{ $last := or $old.lastState dict }}
  {{ $restarts := int (or $old.restartCount 0) }}
  {{ $reason := "" }}{{ with $state.waiting }}{{ $reason = or .reason "" }}{{ end }}
  {{ $starved := false }}
  {{ $need := or (index $notes (print $prefix "needs-memory." $container.name)) (and (eq $i 0) (index $notes (print $prefix "needs-memory"))) }}
  {{ $limit := "" }}{{ with $container.resources.limits }}{{ $limit = or .memory "" }}{{ end }}
  {{ if and $need $limit }}
    {{ $bytes := list }}
    {{ range (list $need $limit) }}
      {{ $bytes = append $bytes (mulf (float64 (regexFind "^[0-9.]+([eE][0-9]+)?" .)) (index $units (regexFind "([KMGTPE]i|[mkMGTPE]|)$" .))) }}
    {{ end }}
    {{ $starved = lt (index $bytes 1) (index $bytes 0) }}
  {{ end }}
  {{ $absent := has $container.image $missing }}
  {{ $heed := and (eq $i 0) $config }}
  {{ if eq $step "create" }}
    {{ $state = dict "waiting" (dict "reason" "ContainerCreating") }}
  {{ else if has $reason (list "ContainerCreating" "CreateContainerConfigError" "ErrImagePull" "ImagePullBackOff") }}
    {{ if $absent }}
      {{ $why := printf "rpc error: code = NotFound desc = failed to pull and unpack image \"%s\": failed to resolve reference \"%s\": %s: not found" $container.image $container.image $container.image }}
      {{ if eq $reason "ContainerCreating" "CreateContainerConfigError" }}
        {{ $state = dict "waiting" (dict "reason" "ErrImagePull" "message" $why) }}
      {{ else }}
        {{ $state = dict "waiting" (dict "reason" "ImagePullBackOff" "message" (printf "Back-off pulling image \"%s\": ErrImagePull: %s" $container.image $why)) }}
      {{ end }}
    {{ else if and $heed (eq $config "unread") }}
    {{ else if and $heed (eq $config "missing") }}
      {{ $state = dict "waiting" (dict "reason" "CreateContainerConfigError" "message" (printf "configmap \"%s\" not found" (regexFind "^[^/]*" (index $notes (print $prefix "needs-config"))))) }}
    {{ else }}
      {{ $state = dict "running" (dict "startedAt" $now) }}
    {{ end }}
  {{ else if and (eq $step "crash") $state.running (or $starved (and $heed (eq $config "bad"))) }}
    {{ $end := dict "startedAt" $state.running.startedAt "finishedAt" $now "containerID" $old.containerID }}
    {{ if $starved }}
      {{ $last = dict "terminated" (merge $end (dict "exitCode" 137 "reason" "OOMKilled")) }}
    {{ else }}
      {{ $last = dict "terminated" (merge $end (dict "exitCode" 1 "reason" "Error" "message" (printf "invalid configuration: %s" (index $notes (print $prefix "needs-config"))))) }}
    {{ end }}
    {{ $pause := index (list 1 2 4 8) (int (min 3 $restarts)) }}
    {{ $state = dict "waiting" (dict "reason" "CrashLoopBackOff" "message" (printf "back-off %ds restarting failed container=%s pod=%s_%s(%s)" $pause $container.name $pod.metadata.name $pod.metadata.namespace $pod.metadata.uid)) }}
  {{ else if and (eq $step "restart") (eq $reason "CrashLoopBackOff") }}
    {{ $restarts = add1 $restarts }}
    {{ $state = dict "running" (dict "startedAt" $now) }}
  {{ else if and (eq $step "complete") $state.running }}
    {{ $state = dict "terminated" (dict "exitCode" 0 "reason" "Completed" "startedAt" $state.running.startedAt "finishedAt" $now) }}
  {{ end }}
  {{ $ready := and (hasKey $state "running") $healthy }}
  {{ if not $ready }}{{ $unready = append $unready $container.name }}{{ end }}
  {{ if and $state.waiting (not $last.terminated) }}{{ $phase = "Pending" }}{{ end }}
- name: {{ $container.name | Quote }}
  image: {{ $container.image | Quote }}
  {{ if or $state.running $last.terminated }}
  imageID: {{ printf "%s@sha256:%s" (regexFind "^[^@]*[^:@]" (regexReplaceAll "(:[^:/@]*)?(@.*)?$" $container.image "")) (sha256sum $container.image) | Quote }}
  containerID: {{ printf "containerd://%s" (sha256sum (printf "%s/%s/%d" $pod.metadata.uid $container.name $restarts)) | Quote }}
  {{ else }}
  imageID: ""
  {{ end }}
  restartCount: {{ $restarts }}
  ready: {{ $ready }}
  started: {{ hasKey $state "running" }}
  state: {{ toJson $state }}
  lastState: {{ toJson $last }}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  restartCount: 0
  ready: true
  started: {{ eq (or .restartPolicy "") "Always" }}
  {{ if eq (or .restartPolicy "") "Always" }}
  state: {{ toJson (dict "running" (dict "startedAt" (or $pod.status.startTime $now))) }}
  {{ else }}
  state: {{ toJson (dict "terminated" (dict "exitCode" 0 "reason" "Completed" "startedAt" (or $pod.status.startTime $now) "finishedAt" (or $pod.status.startTime $now))) }}
  {{ end }}
{{ end }}
{{ if eq $step "complete" }}{{ $phase = "Succeeded" }}{{ end }}
conditions:
{{ $all := not $unready }}
{{ $wanted := list (dict "type" "Initialized" "status" "True") }}
{{ range (list "ContainersReady" "Ready") }}
  {{ if $all }}
    {{ $wanted = append $wanted (dict "type" . "status" "True") }}
  {{ else if eq $step "complete" }}
    {{ $wanted = append $wanted (dict "type" . "status" "False" "reason" "PodCompleted") }}
  {{ else }}
    {{ $wanted = append $wanted (dict "type" . "status" "False" "reason" "ContainersNotReady" "message" (printf "containers with unready status: %v" $unready)) }}
  {{ end }}
{{ end }}
{{ range .spec.readinessGates }}{{ $wanted = append $wanted (dict "type" .conditionType "status" "True") }}{{ end }}
{{ range $wanted }}
  {{ $condition := . }}
  {{ $since := $now }}
  {{ range $pod.status.conditions }}{{ if and (eq .type $condition.type) (eq .status $condition.status) }}{{ $since = .lastTransitionTime }}{{ end }}{{ end }}
- {{ toJson (merge (dict "lastTransitionTime" $since "reason" (or .reason "") "message" (or .message "")) .) }}
{{ end }}
phase: {{ $phase }}
startTime: {{ or .status.startTime $now | Quote }}
{{ if eq $step "create" }}
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") .metadata.name .metadata.namespace }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ end }}
