package sflow

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
)

// textRecord is one record as the reference decoder prints it: its number and the values of its lines.
type textRecord struct {
	tag    string
	values []string
}

// notValues are lines of the reference text that are no field of the record.
var notValues = map[string]bool{"extendedType": true, "flowSampleType": true, "discarded_extendedType": true,
	"sampleType": true, "endSample": true, "endDatagram": true, "startSample": true, "startDatagram": true,
	"discarded_flowSampleType": true, "tunnel_l2_in_flowSampleType": true}

// textRecords reads the records of a reference text.
func textRecords(t *testing.T, path string) (list []textRecord) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch {
		case strings.HasSuffix(name, "lock_tag"):
			list = append(list, textRecord{tag: value})
		case name == "sampleType_tag" || name == "startDatagram":
			list = append(list, textRecord{tag: "head of sample"})
		case len(list) > 0 && !notValues[name] && name != "skipping":
			r := &list[len(list)-1]
			r.values = append(r.values, value)
		case name == "skipping":
			list = list[:len(list)-1]
		}
	}
	return slices.DeleteFunc(list, func(r textRecord) bool { return r.tag == "head of sample" })
}

// shownElsewhere are structures whose reference text is no plain list of their fields: headers are decoded, paths and
// stacks joined.
var shownElsewhere = map[string]bool{"0:1": true, "0:1003": true, "0:1006": true, "0:1012": true, "0:2001": true,
	"0:2": true, "0:3": true, "0:4": true, "0:1021": true, "0:1022": true, "0:1023": true, "0:1024": true, "0:1025": true,
	"0:1026": true, "0:1004": true, "0:1034": true, "0:1035": true, "0:1031": true, "0:10": true}

// plain shows a value as the reference text does.
func plain(f *Field, v schema.Value) string {
	switch v.Type {
	case schema.MAC:
		return hex.EncodeToString(v.B)
	case schema.IPv4, schema.IPv6:
		a, _ := netip.AddrFromSlice(v.B)
		return a.StringExpanded()
	case schema.Float:
		n, _ := v.Number()
		if f.Type == TypePercent {
			return fmt.Sprintf("%.2f", n)
		}
		return fmt.Sprintf("%.3f", n)
	}
	switch f.Name {
	case "dirn", "status":
		if name, ok := f.Meaning(v.N); ok && !strings.Contains(name, "OK") {
			return name
		}
	case "key": // the reference escapes colons in its own way
		return strings.ReplaceAll(v.String(), ":", "%A3")
	}
	return v.String()
}

// TestFieldsAgreeWithReferences compares every field of every record with what the reference decoder printed.
func TestFieldsAgreeWithReferences(t *testing.T) {
	dir := capturetest.Dir(t, "sflow")
	for _, name := range []string{"synthetic-v5-all-records", "derived-hsflowd-apps-a", "derived-hsflowd-tcpinfo-a",
		"derived-ovs-bridge", "tcpdump-multiple-counter-30-pdus", "telegraf-sflow-b", "logstash-sflow-a",
		"akvorado-sflow-a"} {
		t.Run(name, func(t *testing.T) {
			want := textRecords(t, filepath.Join(dir, name+".pcap.sflowtool.txt.gz"))
			compared := 0
			for _, b := range payloads(t, name) {
				var d Datagram
				if d.Parse(b) != nil {
					continue
				}
				for s := (Sample{}); ; {
					if ok, err := d.Next(&s); err != nil {
						t.Fatal(err)
					} else if !ok {
						break
					}
					for _, r := range s.Records {
						tag := fmt.Sprintf("%d:%d", r.Enterprise, r.Format)
						if len(want) == 0 || want[0].tag != tag {
							continue // the reference decoder stepped over it
						}
						if !shownElsewhere[tag] {
							compared++
							compareRecord(t, &d, &s, r, want[0].values)
						}
						want = want[1:]
					}
				}
			}
			if len(want) != 0 {
				t.Errorf("%d records of the reference were not found, first %v", len(want), want[0])
			}
			if compared == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

func compareRecord(t *testing.T, d *Datagram, s *Sample, r Record, want []string) {
	t.Helper()
	st := FlowStructure(r.Enterprise, r.Format)
	if s.Kind == CounterSample {
		st = CounterStructure(r.Enterprise, r.Format)
	}
	if st == nil {
		t.Errorf("%d:%d is not known", r.Enterprise, r.Format)
		return
	}
	var got []string
	st.Walk(d.Bytes(r), func(_ string, f *Field, v schema.Value) bool {
		if text := plain(f, v); text != "" {
			got = append(got, text)
		}
		return true
	})
	if !slices.Equal(got, want) {
		t.Errorf("%s %d:%d\nread      %v\nreference %v", st.Name, r.Enterprise, r.Format, got, want)
	}
}
