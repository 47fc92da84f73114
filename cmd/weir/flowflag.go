package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"weir/flow"
)

// attribute finds where an attribute of a definition begins. Texts of the flow language may hold semicolons, so only
// one with a known name behind it separates.
var attribute = regexp.MustCompile(`(?:^|;)\s*(name|keys|value|values|filter|n|t|fs|aggMode|dropped)\s*=`)

// parseFlow reads a definition from the command line: "keys=ipsource;value=bytes;filter=...". Without name= it is
// called by number.
func parseFlow(text string, number int) (d flow.Definition, err error) {
	at := attribute.FindAllStringSubmatchIndex(text, -1)
	if at == nil || at[0][0] != 0 {
		return d, fmt.Errorf("--flow %q: write 'keys=ipsource,ipdestination;value=bytes;filter=...'", text)
	}
	d.Name = "flow" + strconv.Itoa(number)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if err := setAttribute(&d, text[m[2]:m[3]], strings.TrimSpace(text[m[1]:end])); err != nil {
			return d, fmt.Errorf("--flow %q: %w", text, err)
		}
	}
	return d, nil
}

func setAttribute(d *flow.Definition, name, value string) (err error) {
	switch name {
	case "name":
		d.Name = value
	case "keys":
		d.Keys = value
	case "value":
		d.Value = value
	case "values":
		d.Values = strings.Split(value, ",")
	case "filter":
		d.Filter = value
	case "fs":
		d.FS = value
	case "aggMode":
		d.AggMode = value
	case "n":
		if d.N, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("n: %q is no whole number", value)
		}
	case "t":
		if d.T, err = strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("t: %q is no number of seconds", value)
		}
	case "dropped":
		if d.Dropped, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("dropped: %q is neither true nor false", value)
		}
	}
	return nil
}
