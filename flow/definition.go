package flow

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"weir/schema"
)

// The bounds and defaults of a definition (spec sflow-rt 1.3).
const (
	defaultN             = 5
	maxN                 = 1000
	defaultT             = 2.0 // seconds
	minT, maxT           = 0.05, 600.0
	defaultFS            = ","
	maxFS                = 64 // bytes
	defaultActiveTimeout = 60.0
	minActiveTimeout     = 0.05
	maxActiveTimeout     = 86400.0
	maxValues            = 16
	maxCollectors        = 16
	maxName              = 256 // bytes
)

// The words of Definition.AggMode after Complete.
const (
	aggNone  = ""
	aggAgent = "AGENT"
	aggEdge  = "edge"
	aggCore  = "core"
	aggSum   = "sum"
	aggMax   = "max"
)

// Definition says which flows to follow (spec sflow-rt 1.3). The JSON names are those of that section. Once given to
// a Table or to Merge it must not change.
type Definition struct {
	Name string `json:"-"` // identifier, also a metric name
	// Keys is the comma separated list of key expressions; empty: one single total.
	Keys string `json:"keys"`
	// Value is the numeric attribute to accumulate, with an optional modifier.
	Value string `json:"value"`
	// Values are further attributes, reported for each flow in this order.
	Values []string `json:"values,omitempty"`
	// Filter is a boolean expression; empty or "null": none.
	Filter string `json:"filter,omitempty"`
	// N is how many of the largest flows each pool keeps, 1..1000; 0 means 5.
	N int `json:"n"`
	// T is the smoothing time constant in seconds, 0.05..600; 0 means 2.
	T float64 `json:"t"`
	// FS separates key values in every output; empty means ",".
	FS string `json:"fs"`
	// Log asks for a record of every finished flow (spec sflow-rt 1.6).
	Log bool `json:"log"`
	// FlowStart, with Log, asks for the record at the first packet instead of at the end.
	FlowStart bool `json:"flowStart"`
	// ActiveTimeout, in seconds, is after how long a flow that goes on is logged; 0 means 60.
	ActiveTimeout float64 `json:"activeTimeout"`
	// Dropped says that the flows are of discarded packets only, instead of everything else.
	Dropped bool `json:"dropped"`
	// AggMode is "", "AGENT", "edge", "core", "sum" or "max" (spec sflow-rt 1.5); in any case of letters.
	AggMode string `json:"aggMode,omitempty"`
	// IPFIXCollectors are the addresses, with or without a port, that logged flows are sent to.
	IPFIXCollectors []string `json:"ipfixCollectors,omitempty"`
}

// Complete fills in defaults and clamps numbers to their ranges. The error names the attribute that cannot be right;
// syntax is checked by Check. Completing twice changes nothing.
func (d *Definition) Complete() error {
	switch {
	case d.Name == "":
		return errors.New("name: missing; a flow definition needs one")
	case len(d.Name) > maxName:
		return fmt.Errorf("name: %d bytes long; %d is the most", len(d.Name), maxName)
	case strings.TrimSpace(d.Value) == "":
		return errors.New("value: missing; name a numeric attribute such as bytes or frames")
	case len(d.Values) > maxValues:
		return fmt.Errorf("values: %d of them; %d is the most", len(d.Values), maxValues)
	case len(d.FS) > maxFS:
		return fmt.Errorf("fs: %d bytes long; %d is the most", len(d.FS), maxFS)
	case math.IsNaN(d.T) || math.IsInf(d.T, 0):
		return errors.New("t: not a number of seconds")
	case math.IsNaN(d.ActiveTimeout) || math.IsInf(d.ActiveTimeout, 0):
		return errors.New("activeTimeout: not a number of seconds")
	}
	if strings.TrimSpace(d.Filter) == "null" {
		d.Filter = ""
	}
	d.N = clampOr(d.N, defaultN, 1, maxN)
	d.T = clampOr(d.T, defaultT, minT, maxT)
	d.ActiveTimeout = clampOr(d.ActiveTimeout, defaultActiveTimeout, minActiveTimeout, maxActiveTimeout)
	if d.FS == "" {
		d.FS = defaultFS
	}
	if err := d.completeAggMode(); err != nil {
		return err
	}
	return d.checkCollectors()
}

// clampOr returns unset for 0, else v within lo..hi.
func clampOr[T int | float64](v, unset, lo, hi T) T {
	if v == 0 {
		return unset
	}
	return min(max(v, lo), hi)
}

func (d *Definition) completeAggMode() error {
	for _, word := range []string{aggNone, aggAgent, aggEdge, aggCore, aggSum, aggMax} {
		if strings.EqualFold(d.AggMode, word) {
			d.AggMode = word
			return nil
		}
	}
	return fmt.Errorf("aggMode: %q is not one of AGENT, edge, core, sum, max", d.AggMode)
}

// exportable are the keys that the IPFIX export knows elements for (spec sflow-rt 1.6).
var exportable = []string{
	"macsource", "macdestination", "ethernetprotocol", "vlan", "priority", "ipprotocol", "ipsource", "ipdestination",
	"ip6source", "ip6destination", "ip6nexthdr", "tcpsourceport", "tcpdestinationport", "udpsourceport",
	"udpdestinationport", "inputifindex", "outputifindex",
}

// checkCollectors refuses what cannot be exported as IPFIX.
func (d *Definition) checkCollectors() error {
	if len(d.IPFIXCollectors) == 0 {
		return nil
	}
	if len(d.IPFIXCollectors) > maxCollectors {
		return fmt.Errorf("ipfixCollectors: %d of them; %d is the most", len(d.IPFIXCollectors), maxCollectors)
	}
	for _, s := range d.IPFIXCollectors {
		if _, err := netip.ParseAddr(s); err == nil {
			continue
		}
		if _, err := netip.ParseAddrPort(s); err != nil {
			return fmt.Errorf("ipfixCollectors: %q is not an address or address:port", s)
		}
	}
	for key := range strings.SplitSeq(d.Keys, ",") {
		if key = strings.TrimSpace(key); key != "" && !slices.Contains(exportable, key) {
			return fmt.Errorf("keys: %q cannot be exported as IPFIX; remove it or ipfixCollectors", key)
		}
	}
	for _, v := range append([]string{d.Value}, d.Values...) {
		if v = strings.TrimSpace(v); v != "bytes" && v != "frames" {
			return fmt.Errorf("value: %q cannot be exported as IPFIX; only bytes and frames can", v)
		}
	}
	return nil
}

// Equal tells whether d and o ask for the same, so that one may take over the flows of the other.
func (d *Definition) Equal(o *Definition) bool {
	if d == o {
		return true
	}
	if d == nil || o == nil {
		return false
	}
	return d.Name == o.Name && d.Keys == o.Keys && d.Value == o.Value && d.Filter == o.Filter && d.N == o.N &&
		d.T == o.T && d.FS == o.FS && d.Log == o.Log && d.FlowStart == o.FlowStart &&
		d.ActiveTimeout == o.ActiveTimeout && d.Dropped == o.Dropped && d.AggMode == o.AggMode &&
		slices.Equal(d.Values, o.Values) && slices.Equal(d.IPFIXCollectors, o.IPFIXCollectors)
}

// Pooled tells whether the flows of all datasources on one side of the topology are added up, network wide: aggMode
// edge or core. d must be complete.
func (d *Definition) Pooled() bool { return d.AggMode == aggEdge || d.AggMode == aggCore }

// seconds returns s seconds as a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Check completes a copy of d and compiles all its expressions. The error names the attribute; for syntax it wraps a
// *schema.SyntaxError.
func Check(c *schema.Compiler, d *Definition) error {
	if d == nil {
		return errors.New("no definition")
	}
	completed := *d
	if err := completed.Complete(); err != nil {
		return err
	}
	_, err := compile(c, &completed)
	return err
}
