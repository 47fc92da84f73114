package wire_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/capture/capturetest"
	"weir/schema"
	"weir/wire"
)

// corpusFiles are captures of real exporters whose samples an independent decoder has written down column by column.
var corpusFiles = []string{"akvorado-sflow-a", "derived-hsflowd-tcpinfo-a", "derived-ovs-bridge",
	"derived-pmacct-sfprobe-n10", "overflowd-switch-a", "ndpi-sflow"}

// corpusColumns are the columns of the reference and what says the same. The reference knows the outermost IP header
// only; an attribute that nobody knows, here nothing, is null.
var corpusColumns = [][2]string{{"agent", "agent"}, {"meanSkipCount", "samplingrate"}, {"sampledPacketSize", "bytes"},
	{"srcMAC", "macsource"}, {"dstMAC", "macdestination"}, {"ethernet_type", "ethernetprotocol"},
	{"srcIP", "ipsource"}, {"dstIP", "ipdestination"},
	{"srcIP6", "if:[first:stack:.:ip:ip6]:ip6:ip6source:nothing"},
	{"dstIP6", "if:[first:stack:.:ip:ip6]:ip6:ip6destination:nothing"},
	{"IPProtocol", "or:ipprotocol:ip6nexthdr"}, {"TCPSrcPort", "tcpsourceport"}, {"TCPDstPort", "tcpdestinationport"},
	{"UDPSrcPort", "udpsourceport"}, {"UDPDstPort", "udpdestinationport"},
	{"TCPFlags", "tcpflags"}}

// TestFieldsAgreeWithReference compares every packet sample of real captures with what another decoder says.
func TestFieldsAgreeWithReference(t *testing.T) {
	dir := capturetest.Dir(t, "sflow")
	for _, name := range corpusFiles {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name+".pcap")
			want, got := referenceRows(t, path+".sflowtool.csv.gz"), fieldRows(t, path)
			total := 0
			for row, n := range want {
				if total += n; got[row] != n {
					t.Errorf("the reference has %d of %s, the fields say %d", n, row, got[row])
				}
			}
			for row, n := range got {
				if want[row] == 0 {
					t.Errorf("%d of %s, the reference has none", n, row)
				}
			}
			if total == 0 {
				t.Error("the reference has no packet samples")
			}
		})
	}
}

// referenceRows counts the rows of packet samples, in the words of the flow language.
func referenceRows(t *testing.T, path string) map[string]int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, line := range table[1:] {
		cells := map[string]string{}
		for i, column := range table[0] {
			cells[column] = line[i]
		}
		if cells["sampledPacketSize"] == "" {
			continue
		}
		var row []string
		for _, c := range corpusColumns {
			row = append(row, c[0]+"="+inWords(c[0], cells[c[0]]))
		}
		rows[strings.Join(row, " ")]++
	}
	return rows
}

// inWords writes a cell of the reference as the flow language does.
func inWords(column, cell string) string {
	switch {
	case cell == "":
		return "null"
	case column == "TCPFlags":
		n, _ := strconv.Atoi(cell)
		return fmt.Sprintf("%09b", n)
	case strings.HasSuffix(column, "MAC"):
		return strings.ToUpper(cell)
	case strings.HasSuffix(column, "IP6"):
		return strings.ToUpper(netip.MustParseAddr(cell).String())
	}
	return cell
}

// fieldRows counts the packet samples of a capture by their attributes.
func fieldRows(t *testing.T, path string) map[string]int {
	t.Helper()
	c, rows := fieldCompiler(), map[string]int{}
	var evals []schema.Eval
	for _, column := range corpusColumns {
		k, err := c.Key(column[1])
		if err != nil {
			t.Fatal(err)
		}
		evals = append(evals, k.Eval)
	}
	d := wire.NewDecoder(wire.Config{})
	for p := range capturetest.Datagrams(t, path) {
		dg := wire.Datagram{At: 1e18, From: schema.AddrFrom(ipBytes("192.0.2.1")), Data: p.Payload}
		d.Decode(&dg, func(r *schema.Record) {
			if r.Kind != schema.KindPacketSample {
				return
			}
			var row []string
			var v schema.Value
			for i, eval := range evals {
				eval(r, &v)
				row = append(row, corpusColumns[i][0]+"="+v.String())
			}
			rows[strings.Join(row, " ")]++
		}, func(*schema.Reading) {})
	}
	return rows
}
