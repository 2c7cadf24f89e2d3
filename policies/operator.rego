# Your own rules. They are asked first and can only tighten: nothing in here can allow what reconciler.rego does not.
#
# Copy this file into a folder of yours, name that folder as policy.operator_folder and add rules below; a file of this
# name replaces this one, other files (package operator, too) are added to it. What may be asked of `input` is written
# in docs/reference/policy.md. Anything but `false` counts as true, so that a slip tightens and never loosens.
#
#     escalate if input.target.namespace == "payments"
#     deny if input.evidence.severity == "critical"
package operator

# escalate: a person decides, whatever the other rules say.
default escalate := false

# deny: it is not done.
default deny := false
