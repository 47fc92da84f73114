package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"weir/capture/capturetest"
)

// packetReference is the part of a reference about what counter groups count.
type packetReference struct {
	Packets   float64  `json:"packets"`
	Bytes     float64  `json:"wire_bytes"`
	Hosts     *float64 `json:"host_count"`
	Protocols map[string]struct {
		Packets float64 `json:"packets"`
		Bytes   float64 `json:"bytes"`
	} `json:"ip_protocols"`
	Top []struct {
		IP        string  `json:"ip"`
		TxPackets float64 `json:"tx_packets"`
		TxBytes   float64 `json:"tx_bytes"`
		RxPackets float64 `json:"rx_packets"`
		RxBytes   float64 `json:"rx_bytes"`
		SYNs      float64 `json:"syn_sent"`
		SYNsIn    float64 `json:"syn_recv"`
		SYNACKs   float64 `json:"synack_sent"`
	} `json:"top_hosts"`
}

// TestReferenceGroups holds what the counter groups count of real captures of packets against what other tools say.
func TestReferenceGroups(t *testing.T) {
	seen := 0
	for _, path := range capturetest.References(t, "packets") {
		seen++
		t.Run(filepath.Base(path), func(t *testing.T) { compareGroups(t, path) })
	}
	t.Logf("%d captures compared", seen)
}

func compareGroups(t *testing.T, path string) {
	want := capturetest.Expected[packetReference](t, path)
	code, stdout, stderr := weir(t, "replay", "--json", "--as", "packets", "--keys", "100000", "--lanes", "2", path)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var got struct {
		Groups map[string]groupResult `json:"groups"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]map[string]float64{}
	for _, name := range []string{"hosts", "hosts_v6"} {
		for k, v := range got.Groups[name].Keys {
			hosts[k] = v
		}
	}
	same := func(what string, got, want float64) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, the reference says %v", what, got, want)
		}
	}
	if want.Hosts != nil {
		same("hosts", float64(len(hosts)), *want.Hosts)
	}
	for _, h := range want.Top {
		k := hosts[h.IP]
		same(h.IP+" transmitted", k["2"], h.TxBytes)
		same(h.IP+" received", k["1"], h.RxBytes)
		same(h.IP+" packets", k["3"], h.TxPackets+h.RxPackets)
		same(h.IP+" SYNs sent", k["8"], h.SYNs)
		same(h.IP+" SYNs received", k["9"], h.SYNsIn)
		same(h.IP+" SYN-ACKs sent", k["10"], h.SYNACKs)
	}
	var packets, bytes float64
	for _, p := range want.Protocols {
		packets, bytes = packets+p.Packets, bytes+p.Bytes
	}
	same("bytes of all protocols", got.Groups["protocols"].Totals["0"], bytes)
	same("packets of all protocols", got.Groups["protocols"].Totals["1"], packets)
	all := got.Groups["aggregates"].Keys["TOTALBW"]
	same("bytes", all["0"], want.Bytes)
	same("packets", all["1"], want.Packets)
}
