package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// printedGroups are the counter groups that a replay prints for people, and how many keys of each. JSON has all.
var printedGroups = [...]string{"hosts", "hosts_v6", "apps", "protocols"}

const printedKeys = 5

// printGroups prints the largest keys of the main counter groups.
func (r *replayResult) printGroups(t io.Writer) {
	for _, name := range printedGroups {
		if g, ok := r.Groups[name]; ok && g.Keyed > 0 {
			g.print(t)
		}
	}
	if r.KeysLost > 0 {
		fmt.Fprintf(t, "\n%d rows of keys were not added up: there was no room for them\n", r.KeysLost)
	}
}

// print prints the largest keys by the primary meter, and the total of all.
func (r *groupResult) print(t io.Writer) {
	m := r.group.Meter(r.group.Primary)
	id, unit := strconv.Itoa(m.ID), volumeUnit(m.Unit)
	list := r.Toppers[id][:min(len(r.Toppers[id]), printedKeys)]
	note := ""
	if slices.ContainsFunc(list, func(x topperResult) bool { return x.Stderr > 0 }) {
		note = "; ± is one standard error"
	}
	fmt.Fprintf(t, "\n%s: %s (%d keys%s)\n", r.group.Title, m.Name, r.Keyed, note)
	for _, x := range list {
		fmt.Fprintf(t, "  %s\t%s %s%s\n", printable(x.Key), amountText(x.Value), unit, x.doubt(unit))
	}
	if v, ok := r.Totals[id]; ok {
		fmt.Fprintf(t, "  all keys\t%s %s\n", amountText(v), unit)
	}
}

// doubt says by how much a value may be off; nothing when it is exact.
func (x *topperResult) doubt(unit string) (text string) {
	if x.Stderr > 0 {
		text = fmt.Sprintf(" ± %s", strconv.FormatFloat(x.Stderr, 'f', 0, 64))
	}
	if x.Error > 0 {
		text += fmt.Sprintf(", at most %s %s more", amountText(x.Error), unit)
	}
	return text
}

func amountText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// volumeUnit returns the unit of what was counted in all of a meter that is shown per second.
func volumeUnit(unit string) string {
	switch strings.ToLower(unit) {
	case "bps":
		return "bytes"
	case "pps":
		return "packets"
	}
	return unit
}
