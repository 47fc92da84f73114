package metric

import (
	"strconv"
	"strings"
)

// statistic is a statistics prefix (spec sflow-rt 5.4).
type statistic uint8

const (
	statMax statistic = iota
	statMin
	statSum
	statAvg
	statVar
	statSdev
	statMed
	statQ1
	statQ3
	statIqr
	statAny
)

var statistics = map[string]statistic{
	"max": statMax, "min": statMin, "sum": statSum, "avg": statAvg, "var": statVar, "sdev": statSdev, "med": statMed,
	"q1": statQ1, "q2": statMed, "q3": statQ3, "iqr": statIqr, "any": statAny,
}

// column is one asked name.
type column struct {
	asked    string
	name     string // bare
	stat     statistic
	placed   bool // only the datasource of class and index
	class    uint8
	index    uint32
	optional bool // null:NAME
	sorted   bool // sort:NAME:N
	keep     int  // N: keeps so many of the smallest, or -N of the largest; 0 all of them, smallest first
}

// SplitNames splits a list of names as paths have it: separated by "," or ";", white space around a name ignored.
func SplitNames(list string) []string {
	var names []string
	for n := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}

// parseColumn reads a name with its prefixes: "ifinoctets", "10.ifinoctets", "max:10.ifinoctets", "null:k8s_name",
// "sort:ifinoctets:-5". Whatever is no known prefix belongs to the name.
func parseColumn(asked string) column {
	c := column{asked: asked}
	s := asked
	for {
		word, rest, ok := strings.Cut(s, ":")
		if !ok {
			break
		}
		if stat, ok := statistics[word]; ok {
			c.stat, s = stat, rest
		} else if word == "null" {
			c.optional, s = true, rest
		} else if word == "sort" && !c.sorted {
			c.sorted, s = true, rest
			if i := strings.LastIndexByte(s, ':'); i >= 0 {
				if n, err := strconv.Atoi(s[i+1:]); err == nil {
					c.keep, s = n, s[:i]
				}
			}
		} else {
			break
		}
	}
	c.place(s)
	return c
}

// place reads "NAME", "7.NAME" or "2.1.NAME"; anything else before a dot is part of the name.
func (c *column) place(s string) {
	c.name = s
	ds, name, ok := cutLast(s)
	if !ok {
		return
	}
	class, index, two := strings.Cut(ds, ".")
	if !two {
		class, index = "0", ds
	}
	k, err := strconv.ParseUint(class, 10, 8)
	i, err2 := strconv.ParseUint(index, 10, 32)
	if err != nil || err2 != nil {
		return
	}
	c.placed, c.class, c.index, c.name = true, uint8(k), uint32(i), name
}
