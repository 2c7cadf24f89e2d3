# Your own rules. They are asked first and can only tighten: nothing in here can allow what reconciler.rego does not.
#
# Copy this file into a folder of yours, name that folder as policy.operator_folder and add rules below; a file of this
# name replaces this one, other files (package operator, too) are added to it. Anything but `false` counts as true, so
# that a slip tightens and never loosens.
#
#     escalate if input.target.namespace == "payments"
#     deny if input.action.blast_radius.pods > 20
#     keep_merging if input.environment == "production"
#
# What `input` holds:
#     action         name, kind (imperative, declarative), risk (low, medium, high), destructive,
#                    changes (a list of path, before, after; null where unset), blast_radius (pods, workloads, nodes)
#     target         cluster, kind, namespace, name
#     environment    as the namespace is labelled; production where nobody said
#     ownership      git (owned, not_owned, autoscaler, unknown, conflict)
#     workload       stateful, replicas, ready; null when it was not seen
#     evidence       finding, severity (low, medium, high, critical), age_seconds
#     history        attempts_24h, failures_in_row, reverted_before
#     guards         pause, cooldown, rate, open_pull_requests, circuit_breaker, attempts: true where the guard lets it
#                    pass
#     flags          paused, escalate
#     approved       true once a person said yes to this action
#     settings       after_failure, merge, attempts_per_day, approvers
#     review         approvals of the exact head, changes_requested; only where a merge is asked about
#     unknown_facts  what could not be read, by name
#     now            the time of the pass
package operator

# escalate: a person decides, whatever the other rules say.
default escalate := false

# deny: it is not done.
default deny := false

# keep_merging: people merge our pull requests, whatever policy.merge says.
default keep_merging := false
