package netflow_test

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/capture/capturetest"
	"weir/schema"
	"weir/wire/netflow"
)

// captures returns the reference captures of the three folders: names as "ipfix/NAME.pcap", and their paths.
func captures(t testing.TB) iter.Seq2[string, string] {
	return func(yield func(name, path string) bool) {
		t.Helper()
		for _, kind := range []string{"netflow5", "netflow9", "ipfix"} {
			for _, path := range capturetest.References(t, kind) {
				if !yield(kind+"/"+filepath.Base(path), path) {
					return
				}
			}
		}
	}
}

// telemetry tells whether a payload is NetFlow or IPFIX by its first bytes.
func telemetry(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	switch binary.BigEndian.Uint16(b) {
	case netflow.V1, netflow.V5, netflow.V7, netflow.V9, netflow.IPFIX:
		return true
	}
	return false
}

// replay gives the datagrams of a capture to a decoder.
func replay(t testing.TB, path string, d *netflow.Decoder, rec func(*netflow.Record)) {
	t.Helper()
	for dg := range capturetest.Datagrams(t, path) {
		if !telemetry(dg.Payload) {
			continue
		}
		if err := d.Decode(dg.At, schema.AddrOf(dg.Src.Addr()), dg.Payload, rec); err != nil {
			t.Logf("%s: %v", path, err)
		}
	}
}

type expected struct {
	DataRecords    uint64  `json:"data_records"`
	OptionsRecords uint64  `json:"options_records"`
	Without        uint64  `json:"sets_without_template"`
	Kept           *uint64 `json:"data_records_if_undecodable_sets_are_kept_until_the_template_comes"`
	Datagrams      uint64  `json:"datagrams"`
	Exporters      []struct {
		IP        string `json:"ip"`
		Version   uint16 `json:"version"`
		Domain    uint32 `json:"domain"`
		Datagrams uint64 `json:"datagrams"`
		Missing   uint64 `json:"missing_by_sequence"`
		WentBack  uint64 `json:"sequence_went_back"`
	} `json:"exporters"`
	Earliest moment `json:"earliest_flow_start"`
	Latest   moment `json:"latest_flow_end"`
}

type moment struct {
	Millis int64 `json:"epoch_ms"`
}

func TestReferenceTimes(t *testing.T) {
	for name, path := range captures(t) {
		want := capturetest.Expected[expected](t, path)
		if want.Earliest.Millis == 0 {
			continue
		}
		if strings.HasSuffix(name, "logstash-netflow5.pcap") {
			// Two flows began 1 ms before the uptime clock did (First is 0xffffffff); the reference leaves them out.
			want.Earliest.Millis = 1430591884898
		}
		d := netflow.New(netflow.Config{KeepTimes: true})
		var first, last schema.Instant
		replay(t, path, d, func(r *netflow.Record) {
			if r.Options {
				return
			}
			if hasAny(r, 22, 150, 152, 154, 156, 158, 323) && (first == 0 || r.Start < first) {
				first = r.Start
			}
			if hasAny(r, 21, 151, 153, 155, 157, 159) || hasAny(r, 323) && !hasAny(r, 152) {
				last = max(last, r.End)
			}
		})
		if first.Millis() != want.Earliest.Millis || last.Millis() != want.Latest.Millis {
			t.Errorf("%s: flows from %d to %d, want %d to %d", name, first.Millis(), last.Millis(),
				want.Earliest.Millis, want.Latest.Millis)
		}
	}
}

func hasAny(r *netflow.Record, ids ...uint16) bool {
	return slices.ContainsFunc(ids, func(id uint16) bool { return r.Part(0, id) != nil })
}

// balanced checks that every datagram is in exactly one book.
func balanced(t testing.TB, s netflow.Stats) {
	t.Helper()
	if s.Datagrams != s.Decoded+s.Malformed+s.Refused {
		t.Errorf("%d datagrams, but %d decoded + %d malformed + %d refused", s.Datagrams, s.Decoded, s.Malformed,
			s.Refused)
	}
}

func TestReferenceCounts(t *testing.T) {
	for name, path := range captures(t) {
		t.Run(name, func(t *testing.T) {
			want := capturetest.Expected[expected](t, path)
			d := netflow.New(netflow.Config{})
			replay(t, path, d, func(*netflow.Record) {})
			s := d.Stats()
			balanced(t, s)
			if s.Records != want.DataRecords || s.OptionsRecords != want.OptionsRecords ||
				s.SetsWithoutTemplate != want.Without || s.Datagrams != want.Datagrams {
				t.Errorf("%d datagrams, %d data, %d options, %d without template; want %d, %d, %d, %d", s.Datagrams,
					s.Records, s.OptionsRecords, s.SetsWithoutTemplate, want.Datagrams, want.DataRecords,
					want.OptionsRecords, want.Without)
			}
			got := map[string]uint64{}
			d.Exporters(func(e *netflow.Exporter) bool {
				got[fmt.Sprintf("%s v%d %d", e.Addr, e.Version, e.Domain)] = e.Datagrams
				return true
			})
			exporters := map[string]uint64{}
			for _, e := range want.Exporters {
				exporters[fmt.Sprintf("%s v%d %d", e.IP, e.Version, e.Domain)] = e.Datagrams
			}
			if !maps.Equal(got, exporters) {
				t.Errorf("exporters %v, want %v", got, exporters)
			}
		})
	}
}

func TestReferenceHold(t *testing.T) {
	seen := 0
	for name, path := range captures(t) {
		want := capturetest.Expected[expected](t, path)
		if want.Kept == nil {
			continue
		}
		seen++
		d := netflow.New(netflow.Config{Hold: 10 * 365 * 24 * time.Hour})
		replay(t, path, d, func(*netflow.Record) {})
		s := d.Stats()
		balanced(t, s)
		if s.Records != *want.Kept {
			t.Errorf("%s: %d records with sets held, want %d", name, s.Records, *want.Kept)
		}
	}
	if seen == 0 {
		t.Error("no capture says what holding gives")
	}
}

// TestReferenceSequence holds the loss against the reference where that follows the same rule. It differs where an
// exporter counts something else than its version says, which the decoder finds out and the reference does not.
func TestReferenceSequence(t *testing.T) {
	other := map[string]bool{
		"netflow5/derived-ovs.pcap":          true,
		"ipfix/derived-softflowd-16min.pcap": true, // counts the records of the message itself too
		"ipfix/derived-softflowd-bidir.pcap": true,
		"ipfix/derived-ovs-bridge.pcap":      true, // numbers all its domains together
	}
	for name, path := range captures(t) {
		d := netflow.New(netflow.Config{})
		replay(t, path, d, func(*netflow.Record) {})
		lost := map[string]netflow.Exporter{}
		d.Exporters(func(e *netflow.Exporter) bool {
			lost[fmt.Sprintf("%s v%d %d", e.Addr, e.Version, e.Domain)] = *e
			return true
		})
		for _, e := range capturetest.Expected[expected](t, path).Exporters {
			got := lost[fmt.Sprintf("%s v%d %d", e.IP, e.Version, e.Domain)]
			if other[name] {
				if got.Lost != 0 || got.Reordered != 0 || got.Restarts != 0 {
					t.Errorf("%s: %s: lost %d, reordered %d, restarts %d", name, e.IP, got.Lost, got.Reordered,
						got.Restarts)
				}
				continue
			}
			if e.WentBack == 0 && got.SetsWithoutTemplate == 0 && got.Lost != e.Missing {
				t.Errorf("%s: %s/%d: lost %d, reordered %d, restarts %d, counts %s; the reference %d, %d", name, e.IP, e.Domain,
					got.Lost, got.Reordered, got.Restarts, got.Counts, e.Missing, e.WentBack)
			}
		}
	}
}

// reference is one line of *.records.jsonl.gz.
type reference struct {
	Kind     string          `json:"kind"`
	Exporter string          `json:"exporter"`
	Version  uint16          `json:"version"`
	Domain   uint32          `json:"domain"`
	Template *uint16         `json:"template"`
	Fields   json.RawMessage `json:"fields"`
	Repeated [][2]any        `json:"repeated"`
}

// names returns the ways in which a reference may call a field.
func names(enterprise uint32, id uint16) []string {
	n := strconv.Itoa(int(id))
	switch enterprise {
	case 0:
		return []string{netflow.ElementName(0, id), n}
	case netflow.ReverseEnterprise:
		return []string{netflow.ElementName(enterprise, id), "rev." + n}
	case netflow.ScopeEnterprise:
		return []string{"scope/" + n}
	}
	return []string{fmt.Sprintf("%d/%d", enterprise, id)}
}

// agrees tells whether the value of a field is what a reference says: a number, an address, a text, or hex digits.
func agrees(want any, enterprise uint32, id uint16, b []byte) bool {
	switch w := want.(type) {
	case json.Number:
		n := uint64(0)
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return len(b) <= 8 && strconv.FormatUint(n, 10) == w.String()
	case string:
		if w == hex.EncodeToString(b) || w == string(netflow.AppendElement(nil, enterprise, id, b)) {
			return true
		}
		if a, err := netip.ParseAddr(w); err == nil {
			v, _ := netip.AddrFromSlice(b)
			return v == a
		}
		// The reference keeps what stands behind a first NUL, this package does not.
		return w == strings.ToValidUTF8(strings.TrimRight(string(b), "\x00"), "\ufffd")
	}
	return false
}

func TestReferenceRecords(t *testing.T) {
	records := 0
	for name, path := range captures(t) {
		in, err := os.Open(path + ".records.jsonl.gz")
		if err != nil {
			continue
		}
		zip, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]reference{}
		lines := bufio.NewScanner(zip)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r reference
			dec := json.NewDecoder(strings.NewReader(lines.Text()))
			dec.UseNumber()
			if err := dec.Decode(&r); err != nil {
				t.Fatal(err)
			}
			want[r.Kind] = append(want[r.Kind], r)
		}
		in.Close()
		bad := 0
		d := netflow.New(netflow.Config{})
		replay(t, path, d, func(r *netflow.Record) {
			kind := "data"
			if r.Options {
				kind = "options"
			}
			if len(want[kind]) == 0 {
				t.Fatalf("%s: more %s records than the reference", name, kind)
			}
			if err := compare(want[kind][0], r); err != nil && bad < 5 {
				t.Errorf("%s: %s record %d: %v", name, kind, records, err)
				bad++
			}
			want[kind] = want[kind][1:]
			records++
		})
	}
	t.Logf("%d records compared field by field", records)
}

// compare holds a record against its reference, every field of it.
func compare(want reference, r *netflow.Record) error {
	if want.Exporter != r.Exporter.String() || want.Version != r.Version || want.Domain != r.Domain {
		return fmt.Errorf("from %s v%d %d, want %s v%d %d", r.Exporter, r.Version, r.Domain, want.Exporter,
			want.Version, want.Domain)
	}
	if want.Template != nil && (r.Template == nil || r.Template.ID != *want.Template) {
		return fmt.Errorf("template %v, want %d", r.Template, *want.Template)
	}
	dec := json.NewDecoder(strings.NewReader(string(want.Fields)))
	dec.UseNumber()
	fields := map[string]any{}
	if err := dec.Decode(&fields); err != nil {
		return err
	}
	if n := len(fields) + len(want.Repeated); n != len(r.Slots) {
		return fmt.Errorf("%d fields, want %d", len(r.Slots), n)
	}
	used := map[string]bool{}
	for _, s := range r.Slots {
		b := r.Body[s.Off : s.Off+s.Len]
		enterprise, id := s.Tag.Enterprise(), uint16(s.Tag.Number())
		found := false
		for _, n := range names(enterprise, id) {
			v, ok := fields[n]
			if !ok || found {
				continue
			}
			found = true
			if used[n] {
				continue // repeated: compared by count only
			}
			used[n] = true
			if !agrees(v, enterprise, id, b) {
				return fmt.Errorf("%s = %x (%s), want %v", n, b, netflow.AppendElement(nil, enterprise, id, b), v)
			}
		}
		if !found {
			return fmt.Errorf("%s is not in the reference", netflow.ElementName(enterprise, id))
		}
	}
	return nil
}
