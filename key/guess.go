package key

import (
	"bytes"
	"slices"
)

// Guessed is one thing that a text may be.
type Guessed struct {
	Kind Kind
	Bin  []byte // the binary key
}

// guessOrder is the kinds that a text is tried as, the likeliest first. Direction is left to Text.
var guessOrder = [...]Kind{
	Host, Subnet, Interface, MAC, MACPair, App, ASN, Country, Protocol, EtherType, VLAN, MPLS, DSCP, ICMP, Length, Text,
}

// Guess returns what a text may be as a key of one part: all kinds that it plausibly is, the likeliest first; Text is
// always the last. Totals is none.
func Guess(text string) []Guessed {
	if IsTotals(text) || len(text) > maxText {
		return nil
	}
	var all []Guessed
	for _, k := range guessOrder {
		for _, rawFirst := range [...]bool{false, true} {
			bin, ok := []byte(text), true
			if k != Text {
				bin, ok = readPart(nil, k, text, rawFirst)
			}
			if ok && !slices.ContainsFunc(all, func(g Guessed) bool { return g.Kind == k && bytes.Equal(g.Bin, bin) }) {
				all = append(all, Guessed{k, bin})
			}
		}
	}
	return all
}
