package engine

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"weir/alert"
	"weir/key"
)

// fired returns the state of a book in which a rule has fired at one host.
func fired(t *testing.T, e *Engine, r alert.Rule) []byte {
	t.Helper()
	b := alert.NewBook(alert.Limits{})
	if err := b.Apply(1, []*alert.Rule{&r}, func(string) key.Form { return e.State().Group("hosts").Form }); err != nil {
		t.Fatal(err)
	}
	b.Check(100e9, "hosts", 30*time.Second, func(yield func([]byte, func(int) (float64, bool)) bool) {
		yield([]byte{10, 0, 0, 1}, func(int) (float64, bool) { return 9, true })
	})
	if n := len(b.Active()); n != 1 {
		t.Fatalf("%d alerts are fired", n)
	}
	state, err := b.MarshalState()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestAlertState(t *testing.T) {
	e, err := New(Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := e.AlertState(); state != nil || err != nil {
		t.Errorf("without rules: %s, %v", state, err)
	}
	rule := alert.Rule{Name: "busy", Group: "hosts", Keys: "*", High: alert.Of(5)}
	if err := rule.Complete(); err != nil {
		t.Fatal(err)
	}
	state := fired(t, e, rule)
	if err := e.Do(SetRule{Rule: rule}); err != nil {
		t.Fatal(err)
	}
	if err := e.RestoreAlerts([]byte("{")); err == nil {
		t.Error("half a state was taken")
	}
	if err := e.RestoreAlerts(state); err != nil {
		t.Fatal(err)
	}
	if list := e.Alerts(); len(list) != 1 || list[0].Rule != "busy" || list[0].Key != "0A.00.00.01" {
		t.Errorf("fired after the restart: %+v", list)
	}
	if again, err := e.AlertState(); err != nil || !bytes.Equal(again, state) {
		t.Errorf("%v\n%s\nwant\n%s", err, again, state)
	}
}

func TestSetLabels(t *testing.T) {
	e, err := New(Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Do(SetLabel{"hosts", "0A.00.00.01", Label{Label: "one"}}, SetLabel{"hosts", "0A.00.00.02",
		Label{Label: "two"}}); err != nil {
		t.Fatal(err)
	}
	before := e.State().Labels
	many := map[string]Label{"0A.00.00.02": {Label: "zwei"}}
	if err := e.Do(SetLabels{Labels{"hosts": many, "later": many}}); err != nil {
		t.Fatal(err)
	}
	l := e.State().Labels
	if l.Of("hosts", "0A.00.00.01").Label != "one" || l.Of("hosts", "0A.00.00.02").Label != "zwei" ||
		l.Of("later", "0A.00.00.02").Label != "zwei" || before.Of("hosts", "0A.00.00.02").Label != "two" {
		t.Errorf("%v, before %v", l, before)
	}
	for i := range maxLabels {
		many[fmt.Sprint(i)] = Label{Label: "x"}
	}
	if err := e.Do(SetLabels{Labels{"hosts": many}}); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many labels: %v", err)
	}
}
