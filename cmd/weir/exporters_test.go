package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/capture"
	"weir/capture/capturetest"
	"weir/schema"
)

// exporterTotals is what the exporter list says of one exporter: GET /api/v1/exporters.
type exporterTotals struct {
	Kind         string
	Records      int
	Lost         int
	SamplingRate int `json:"sampling_rate"`
	Traffic      amount
}

// amount is an amount of traffic.
type amount struct{ Bytes, Packets int }

// sizes are the lengths of the IP packets of a capture, in order, without their link layer.
type sizes []int

// amount is that of the first n packets, each with extra bytes.
func (s sizes) amount(n, extra int) amount {
	a := amount{Packets: n}
	for _, size := range s[:n] {
		a.Bytes += size + extra
	}
	return a
}

// exporters returns the exporters that the server knows, by kind.
func (s *served) exporters() map[string]exporterTotals {
	s.t.Helper()
	var list struct{ Exporters []exporterTotals }
	s.ask("/api/v1/exporters", &list)
	out := map[string]exporterTotals{}
	for _, x := range list.Exporters {
		out[x.Kind] = x
	}
	return out
}

// expect waits until an exporter of that kind has told of so much traffic, and of as many records when that is not
// negative, and holds that nothing was lost.
func (s *served) expect(kind string, want amount, records int) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got := s.exporters()[kind]
		if got.Traffic == want && (records < 0 || got.Records == records) && got.Lost == 0 {
			break
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: got %+v, want %+v in %d records", kind, got, want, records)
		}
	}
	s.balanced()
}

// balanced holds that the books balance and that all was understood.
func (s *served) balanced() {
	s.t.Helper()
	var status struct {
		Books struct{ Difference, Malformed, Refused int }
	}
	if s.ask("/api/v1/status", &status); status.Books.Difference+status.Books.Malformed+status.Books.Refused != 0 {
		s.t.Errorf("books %+v", status.Books)
	}
}

// udp returns the address of a listener.
func (s *served) udp(listener string) string { return s.find("listener=" + listener + ` udp=(\S+) `) }

// serveExporters starts a server on free ports, for real exporters.
func serveExporters(t *testing.T, args ...string) *served {
	t.Helper()
	return serve(t, append([]string{"serve", "--sflow", "127.0.0.1:0", "--netflow", "127.0.0.1:0", "--ipfix", "off"},
		args...)...)
}

// tool returns the path of a program that may be missing, and then the test is skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} { // where users without rights do not look
		if path, err = exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed: a Debian package has it", name)
	return ""
}

// output runs a program that ends by itself and returns what it says.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

// ethernet6 returns an Ethernet frame with an IPv6 UDP datagram.
func ethernet6(src, dst byte, sport, dport uint16, payload []byte) []byte {
	b := make([]byte, 62, 62+len(payload))
	copy(b, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60})
	binary.BigEndian.PutUint16(b[18:], uint16(8+len(payload)))
	b[20], b[21] = 17, 64
	copy(b[22:], []byte{0xfd, 15: src})
	copy(b[38:], []byte{0xfd, 15: dst})
	binary.BigEndian.PutUint16(b[54:], sport)
	binary.BigEndian.PutUint16(b[56:], dport)
	binary.BigEndian.PutUint16(b[58:], uint16(8+len(payload)))
	return append(b, payload...)
}

// trafficFrames are frames of IPv4 and, where v6 says so, IPv6 conversations, the same every time.
func trafficFrames(n int, v6 bool) (frames [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		host, port, payload := byte(random.IntN(40)), uint16(2000+random.IntN(3)), make([]byte, 20+random.IntN(1400))
		if v6 && i%5 == 0 {
			frames = append(frames, ethernet6(host, 99, port, 443, payload))
			continue
		}
		frames = append(frames, ethernet(ip4(10, 0, 0, host), ip4(10, 0, 1, host%7), port, 443, payload))
	}
	return frames
}

// trafficFile writes a capture of frames that are all IP packets without padding.
func trafficFile(t *testing.T, frames [][]byte) (path string, of sizes) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "traffic.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buffered := bufio.NewWriter(f)
	w, err := capture.NewWriter(buffered, schema.LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i, frame := range frames {
		of = append(of, len(frame)-14)
		if err := w.Write(began.Add(time.Duration(i)*time.Millisecond), frame, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := buffered.Flush(); err != nil {
		t.Fatal(err)
	}
	return path, of
}

// What two exporters report of the real traffic: one counts the whole IP packet as it was captured, the other what the
// packet says of its length, which differs by padding.
var (
	realFrames   = amount{1655700, 5539}
	realPackets  = amount{1642858, 5539}
	realRecords  = 609
	realCaptured = 7000
)

// realFile returns the path of the real traffic, empty when it is not there.
func realFile(t *testing.T) string {
	t.Helper()
	dir, found := capturetest.Find(t, "packets")
	if !found {
		t.Log("the reference captures are not here; WEIR_DATA names their folder:", dir)
		return ""
	}
	return filepath.Join(dir, "trisul-16minutes.pcap")
}

// probed is what softflowd says of its own work.
type probed struct{ processed, records, bytes, packets int }

// softflowd lets the real probe read a file and send to the server.
func (s *served) softflowd(path string, args ...string) (p probed) {
	s.t.Helper()
	said := output(s.t, tool(s.t, "softflowd"), append([]string{"-r", path, "-n", s.udp("netflow"), "-d", "-c", "none",
		"-p", filepath.Join(s.t.TempDir(), "pid")}, args...)...)
	number := func(pattern string) (n int) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(said, -1) {
			part, err := strconv.Atoi(m[1])
			if err != nil {
				s.t.Fatal(err)
			}
			n += part
		}
		return n
	}
	return probed{
		processed: number(`Packets processed: (\d+)`), records: number(`Flows exported: \d+ \((\d+) records\)`),
		bytes:   number(`(?m)^ +\S+ \(\d+\): +(\d+) +\d+`),
		packets: number(`(?m)^ +\S+ \(\d+\): +\d+ +(\d+)`),
	}
}

// TestSoftflowd holds what the real softflowd says it exported, and what was in the traffic, against what arrived.
func TestSoftflowd(t *testing.T) {
	tool(t, "softflowd")
	reference := realFile(t)
	v4, of4 := trafficFile(t, trafficFrames(3000, false))
	v6, of6 := trafficFile(t, trafficFrames(3000, true))
	all4, all6 := of4.amount(len(of4), 0), of6.amount(len(of6), 0)
	own, other := serveExporters(t), serveExporters(t)
	var expectations []func()
	for _, c := range []struct {
		to                  *served
		version, kind, path string
		want                amount
		records             int // 0: as many as it says
	}{
		{own, "1", "netflow1", v4, all4, 0}, {own, "5", "netflow5", v4, all4, 0},
		{own, "9", "netflow9", v6, all6, 0}, {own, "10", "ipfix", v6, all6, 0},
		{other, "5", "netflow5", reference, realFrames, realRecords},
		{other, "9", "netflow9", reference, realFrames, realRecords},
		{other, "10", "ipfix", reference, realFrames, realRecords},
	} {
		if c.path == "" {
			continue
		}
		p := c.to.softflowd(c.path, "-v", c.version)
		if p.processed != c.want.Packets || (amount{p.bytes, p.packets}) != c.want || p.records == 0 ||
			c.records > 0 && p.records != c.records {
			t.Fatalf("version %s: it says %+v, want %+v", c.version, p, c.want)
		}
		expectations = append(expectations, func() { c.to.expect(c.kind, c.want, p.records) })
	}
	for _, expect := range expectations {
		expect()
	}
}

// TestSoftflowdWays are the other ways of the real softflowd: both directions in one record, sampling, single packets.
func TestSoftflowdWays(t *testing.T) {
	tool(t, "softflowd")
	reference := realFile(t)
	path, of := trafficFile(t, trafficFrames(3000, false))
	whole, frames := of.amount(len(of), 0), len(of)
	if reference != "" {
		path, whole, frames = reference, realFrames, realCaptured
	}
	both, sampled, single := serveExporters(t), serveExporters(t), serveExporters(t)
	two := both.softflowd(path, "-v", "10", "-b")
	single.softflowd(path, "-v", "psamp", "-s", "5")
	for version, kind := range map[string]string{"5": "netflow5", "9": "netflow9", "10": "ipfix"} {
		p := sampled.softflowd(path, "-v", version, "-s", "10")
		if p.processed == 0 || p.processed > whole.Packets/5 {
			t.Fatalf("one in 10 of %d packets: %+v", whole.Packets, p)
		}
		sampled.expect(kind, amount{10 * p.bytes, 10 * p.packets}, p.records)
		if rate := sampled.exporters()[kind].SamplingRate; rate != 10 {
			t.Errorf("%s: sampling rate %d, want 10", kind, rate)
		}
	}
	both.expect("ipfix", whole, two.records)
	until(t, "every packet was reported", func() bool {
		return single.exporters()["ipfix"].Traffic.Packets == frames/5
	})
	single.balanced()
}

// pmacct starts the real pmacctd, which reads a file and sends to the server; the result waits for its end.
func (s *served) pmacct(path, plugin string, lines ...string) (wait func()) {
	s.t.Helper()
	conf := filepath.Join(s.t.TempDir(), "pmacctd.conf")
	lines = append(lines, "daemonize: false", "pcap_savefile: "+path, "plugins: "+plugin)
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	said := &spy{}
	cmd := exec.CommandContext(s.t.Context(), tool(s.t, "pmacctd"), "-f", conf)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		if err := cmd.Wait(); err != nil { // its halves race when the file ends; the totals tell whether all was sent
			s.t.Logf("pmacctd: %v", err)
		}
		if !strings.Contains(said.String(), "Exporting flows to") {
			s.t.Fatalf("pmacctd does not export: %s", said)
		}
	}
}

// TestPmacct holds what was in the traffic against what arrives from the real pmacctd.
func TestPmacct(t *testing.T) {
	tool(t, "pmacctd")
	var waits []func()
	start := func(path string) *served {
		s := serveExporters(t)
		for _, version := range []int{5, 9, 10} {
			waits = append(waits, s.pmacct(path, "nfprobe", "nfprobe_receiver: "+s.udp("netflow"),
				fmt.Sprintf("nfprobe_version: %d", version), "nfprobe_timeouts: maxlife=60",
				"aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags"))
		}
		waits = append(waits, s.pmacct(path, "sfprobe", "sfprobe_receiver: "+s.udp("sflow"),
			"sfprobe_agentip: 192.0.2.77", "sampling_rate: 1"))
		return s
	}
	path, of := trafficFile(t, trafficFrames(3000, false))
	reference := realFile(t)
	own := start(path)
	var other *served
	if reference != "" {
		other = start(reference)
	}
	for _, wait := range waits {
		wait()
	}
	for _, kind := range []string{"netflow5", "netflow9", "ipfix"} {
		own.expect(kind, of.amount(len(of), 0), -1)
		if other != nil {
			other.expect(kind, realPackets, -1)
		}
	}
	// It forgets the last datagram of samples when the file ends. Each sample is of a frame with its checksum.
	var n int
	until(t, "most samples have come", func() bool {
		n = own.exporters()["sflow"].Traffic.Packets
		return n > len(of)-20
	})
	own.expect("sflow", of.amount(n, 14+4), n)
}
