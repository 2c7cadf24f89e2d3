# What a kubelet would do next with this pod, as one word.
#
# Prefixed to every jq expression of the pod stages, so that exactly one stage matches a pod at any time
# (kwok picks at random among several). Level-triggered: the answer depends on the pod as it is now,
# never on which stage ran before. `pod.tpl` tells what each word does to the status.

def note($key): (.metadata.annotations // {})["testbed.reconciler.dev/" + $key];

# Quantities as Kubernetes writes them: "512Mi", "1G", "1073741824", "128974848000m", "12e6".
def bytes:
  capture("^(?<n>[0-9.]+([eE][0-9]+)?)(?<u>[KMGTPE]i|[mkMGTPE]|)$")
  | (.n | tonumber)
    * {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
       "Ki": 1024, "Mi": 1048576, "Gi": 1073741824, "Ti": 1099511627776,
       "Pi": 1125899906842624, "Ei": 1152921504606846976}[.u];

# Annotations without a container's name speak of the first container.
def named($key; $i): note($key + "." + .spec.containers[$i].name) // (if $i == 0 then note($key) else null end);

def starved($i):
  named("needs-memory"; $i) as $need | .spec.containers[$i].resources.limits.memory as $limit
  | $need != null and $limit != null and ($limit | bytes) < ($need | bytes);

def missing($i):
  .spec.containers[$i].image as $image
  | (note("missing-images") // "") | split("[,[:space:]]+"; null) | any(. == $image);

def misconfigured($i): $i == 0 and note("needs-config") != null and note("sees-config") == "bad";
def unconfigured($i): $i == 0 and note("needs-config") != null and note("sees-config") == "missing";
def unread($i): $i == 0 and note("needs-config") != null and note("sees-config") == null;

def state($i): .spec.containers[$i].name as $name | [.status.containerStatuses[]? | select(.name == $name)][0] // {};
def waits($i): state($i).state.waiting.reason // "";
def runs($i): state($i).state.running != null;

def crashes($i): runs($i) and (starved($i) or misconfigured($i));
def startable($i):
  (waits($i) | . == "ContainerCreating" or . == "CreateContainerConfigError" or . == "ErrImagePull" or . == "ImagePullBackOff")
  and (missing($i) or unread($i) or unconfigured($i) | not);

def healthy: note("failing-readiness") != "true" and note("sees-node") != "failing";
def ready: any(.status.conditions[]?; .type == "Ready" and .status == "True");
def some(f): . as $pod | any(range(.spec.containers | length); . as $i | $pod | f);

def next:
  if .metadata.deletionTimestamp != null then (if note("stuck-termination") == "true" then "stuck" else "delete" end)
  elif .status.phase == "Succeeded" or .status.phase == "Failed" then "settled"
  elif (.status.containerStatuses // [] | length) < (.spec.containers | length) then "create"
  else . as $pod | [range(.spec.containers | length)]
    | if any(.[]; . as $i | $pod | startable($i)) then "start"
      elif any(.[]; . as $i | $pod | waits($i) == "ContainerCreating" and missing($i)) then "pull-fails"
      elif any(.[]; . as $i | $pod | waits($i) == "ContainerCreating" and unconfigured($i)) then "config-missing"
      elif any(.[]; . as $i | $pod | waits($i) == "ErrImagePull" and missing($i)) then "pull-backs-off"
      elif any(.[]; . as $i | $pod | crashes($i)) then "crash"
      elif any(.[]; . as $i | $pod | waits($i) == "CrashLoopBackOff") then "restart"
      elif any($pod.metadata.ownerReferences[]?; .kind == "Job") then "complete"
      elif all(.[]; . as $i | $pod | runs($i)) and ($pod | ready) != ($pod | healthy) then
        (if ($pod | healthy) then "ready" else "unready" end)
      else "settled" end
  end;
