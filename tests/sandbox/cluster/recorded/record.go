// What the real server's own libraries make of updates, applies and strategic patches; `answers.jsonl` holds it.
//
// Reads one question a line ({op, live, new, manager, subresource, force}) and writes the answer's object, Status or
// error. Built as a main package of a module with the requirements of tests/testbed/components/kubernetes/go.mod:
//
//	jq -c 'del(.answer)' answers.jsonl | ./record
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

type object = map[string]interface{}

type question struct {
	Op, Manager, Subresource string
	Live, New                object
	Force                    bool
}

// One version is all there is: nothing is converted, nothing defaulted.
type asIs struct{}

func (asIs) Convert(_, _, _ interface{}) error { return fmt.Errorf("no conversion") }
func (asIs) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}
func (asIs) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (asIs) Default(runtime.Object) {}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var asked question
		must(json.Unmarshal(lines.Bytes(), &asked))
		text, err := json.Marshal(answer(asked))
		must(err)
		fmt.Println(string(text))
	}
}

func answer(asked question) object {
	gvk := schema.FromAPIVersionAndKind(asked.Live["apiVersion"].(string), asked.Live["kind"].(string))
	if asked.Op == "strategic" {
		reference, err := scheme.Scheme.New(gvk)
		must(err)
		made, err := strategicpatch.StrategicMergeMapPatch(asked.Live, asked.New, reference)
		if err != nil {
			return object{"error": err.Error()}
		}
		return object{"object": object(made)}
	}
	types := applyconfigurations.NewTypeConverter(scheme.Scheme)
	manager, err := managedfields.NewDefaultFieldManager(
		types, asIs{}, asIs{}, scheme.Scheme, gvk, gvk.GroupVersion(), asked.Subresource, nil)
	must(err)
	var made runtime.Object
	if asked.Op == "update" {
		made, err = manager.Update(typed(asked.Live, gvk), typed(asked.New, gvk), asked.Manager)
	} else {
		patch := &unstructured.Unstructured{Object: asked.New}
		made, err = manager.Apply(typed(asked.Live, gvk), patch, asked.Manager, asked.Force)
	}
	if status, ok := err.(errors.APIStatus); ok {
		return object{"status": status.Status()}
	}
	must(err)
	return object{"object": made}
}

func typed(manifest object, gvk schema.GroupVersionKind) runtime.Object {
	made, err := scheme.Scheme.New(gvk)
	must(err)
	text, err := json.Marshal(manifest)
	must(err)
	must(json.Unmarshal(text, made))
	made.GetObjectKind().SetGroupVersionKind(gvk)
	return made
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
