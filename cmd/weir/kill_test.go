package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/schema"
	"weir/wire/netflow"
)

// The load of the kill test: each datagram is about one host that no other is about, so that it can be told of every
// single one whether it was counted, and whether twice.
const (
	killRecords  = 5  // of one datagram
	killWindow   = 48 // datagrams that may be under way: the socket's buffer holds them, so that none is lost
	killSlice    = 5 * time.Second
	killPatience = 2 * time.Minute
)

const killConfig = `
data: %q
http: {address: "127.0.0.1:0"}
listen: {sflow: "", netflow: "127.0.0.1:0", ipfix: ""}
sessions: {udp: 1s, tcp: 1s, other: 1s}
store: {flush_every: 2s}
counter_groups:
  hosts: {bucket: 5s, topper: 10s}
  apps: {bucket: 5s, topper: 10s}
  aggregates: {bucket: 5s, topper: 10s}
`

// killed is a datagram that was sent.
type killed struct {
	octets  float64
	at      int64 // ms: a tick by which its records were counted; 0: nobody knows whether they were
	durable bool  // a tick after that has handed over everything, and the journal has it
}

// killRig lets the real program run, and kills it.
type killRig struct {
	t       *testing.T
	binary  string
	config  string
	data    string
	rng     *rand.Rand
	builder *netflow.Builder
	sent    []killed

	seen map[string]string // rows that the store answered with before a kill, and what was in them

	// Of the process that runs now.
	command *exec.Cmd
	log     *spy
	url     string
	conn    net.Conn
	first   int // the first of sent that this process was sent
}

// TestKill kills the program under load at moments that chance chooses, starts it again with the same data, and at the
// end asks the store: what a tick had handed over before is there, nothing is there twice, and all groups agree.
// WEIR_KILL_ROUNDS says how often.
func TestKill(t *testing.T) {
	rounds := 5
	if n, err := strconv.Atoi(os.Getenv("WEIR_KILL_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	r := newKillRig(t)
	for round := range rounds {
		if r.start(round%5 == 4) {
			r.load(5 + r.rng.IntN(70))
		}
		r.kill()
	}
	r.start(false)
	r.load(10)
	r.stop()
	r.verify()
}

func newKillRig(t *testing.T) *killRig {
	t.Helper()
	dir := t.TempDir()
	b, err := netflow.NewBuilder(netflow.V5, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &killRig{t: t, binary: filepath.Join(dir, "weir"), config: filepath.Join(dir, "weir.yaml"),
		data: filepath.Join(dir, "data"), seen: map[string]string{}, rng: rand.New(rand.NewPCG(1, 9)), builder: b}
	build := exec.CommandContext(t.Context(), tool(t, "go"), "build", "-o", r.binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	if err := os.WriteFile(r.config, fmt.Appendf(nil, killConfig, r.data), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.command != nil {
			r.kill()
		}
	})
	return r
}

// wait waits for a condition while the program lives.
func (r *killRig) wait(what string, holds func() bool) {
	r.t.Helper()
	for end := time.Now().Add(killPatience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited %v in vain until %s\n%s", killPatience, what, r.log)
		}
	}
}

// start starts the program; it returns true when it runs, and false at once when it is to be killed while it begins.
func (r *killRig) start(early bool) bool {
	r.t.Helper()
	r.log, r.first = &spy{}, len(r.sent)
	r.command = exec.Command(r.binary, "serve", "--config", r.config)
	r.command.Stdout, r.command.Stderr = r.log, r.log
	if err := r.command.Start(); err != nil {
		r.t.Fatal(err)
	}
	if early {
		time.Sleep(time.Duration(r.rng.IntN(300)) * time.Millisecond) // wherever that is in the recovery
		return false
	}
	r.wait("the program runs", func() bool { return strings.Contains(r.log.String(), "weir is running") })
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(r.log.String())
		if m == nil {
			r.t.Fatalf("the log has no %s:\n%s", pattern, r.log)
		}
		return m[1]
	}
	r.url = find(`url=(http://\S+)/ `)
	conn, err := net.Dial("udp", find(`listener=netflow udp=(\S+) `))
	if err != nil {
		r.t.Fatal(err)
	}
	r.conn = conn
	return true
}

// kill ends the program as a crash does.
func (r *killRig) kill() {
	_ = r.command.Process.Kill()
	_ = r.command.Wait() // it was killed: that is no news
	r.command = nil
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

// stop ends the program as it should end. All that it has counted must be there then.
func (r *killRig) stop() {
	r.t.Helper()
	r.wait("everything was counted", func() bool {
		r.look()
		return r.counted() == len(r.sent)
	})
	for i := r.first; i < len(r.sent); i++ {
		r.sent[i].durable = true
	}
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.command.Wait(); err != nil {
		r.t.Fatalf("%v\n%s", err, r.log)
	}
	r.command = nil
}

// load sends until so many ticks have passed, and a window more that nobody waits for.
func (r *killRig) load(ticks int) {
	r.t.Helper()
	begin, _ := r.look()
	r.wait(fmt.Sprint(ticks, " ticks have passed"), func() bool {
		r.send(killWindow - (len(r.sent) - r.counted()))
		tick, _ := r.look()
		return tick >= begin+ticks
	})
	r.note()
	r.send(killWindow - (len(r.sent) - r.counted()))
}

// What a store answers with is durable: complete buckets, and conversations that are over.
const (
	killBuckets  = "SELECT at, m0 FROM buckets WHERE grp = 'aggregates' AND key = 'TOTALBW'"
	killSessions = `SELECT concat_ws(' ', a_ip, a_port, z_ip, z_port), concat_ws(' ', az_bytes, za_bytes) FROM sessions
		ORDER BY last DESC LIMIT 2000`
)

// note notes what the store answers with now.
func (r *killRig) note() {
	r.t.Helper()
	for _, query := range []string{killBuckets, killSessions} {
		body := strings.NewReader(jsonOf(r.t, map[string]any{"query": query, "max": 100_000}))
		resp, err := http.Post(r.url+"/api/v1/sql", "application/json", body)
		if err != nil {
			r.t.Fatal(err)
		}
		var a sqlTable
		err = json.NewDecoder(resp.Body).Decode(&a)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			r.t.Fatalf("%s: %s %v", query, resp.Status, err)
		}
		for _, row := range a.Rows {
			r.seen[cellText(row[0])] = cellText(row[1])
		}
	}
}

// counted returns up to which of the datagrams the program is known to have counted them.
func (r *killRig) counted() int {
	n := len(r.sent)
	for n > r.first && r.sent[n-1].at == 0 {
		n--
	}
	return n
}

// look asks how far the program has come: the datagrams that it has counted, and those of them that are safe.
func (r *killRig) look() (tick int, newest int64) {
	r.t.Helper()
	var status struct {
		Tick  int
		At    int64
		Books struct{ Records, Malformed, Refused int }
	}
	r.ask("/api/v1/status", &status)
	if b := status.Books; b.Malformed+b.Refused != 0 || b.Records%killRecords != 0 ||
		b.Records > killRecords*(len(r.sent)-r.first) {
		r.t.Fatalf("books %+v after %d datagrams", b, len(r.sent)-r.first)
	}
	for i := r.first; i < r.first+status.Books.Records/killRecords; i++ {
		if r.sent[i].at == 0 {
			r.sent[i].at = status.At
		}
	}
	// The first tick at or after the next multiple of 5 seconds hands over all that was counted before it.
	newest = r.newest()
	slice := killSlice.Milliseconds()
	for i := r.first; i < len(r.sent); i++ {
		if d := &r.sent[i]; d.at > 0 && (d.at/slice+1)*slice <= newest {
			d.durable = true
		}
	}
	return status.Tick, newest
}

// newest returns the tick, ms, up to which the journal has everything that was handed over.
func (r *killRig) newest() int64 {
	r.t.Helper()
	m := regexp.MustCompile(`(?m)^weir_store_newest_seconds (\S+)$`).FindStringSubmatch(r.get("/metrics"))
	if m == nil {
		r.t.Fatal("/metrics does not say how far memory has come")
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return int64(v * 1000)
}

func (r *killRig) get(path string) string {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.log)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %v %s", path, resp.Status, err, b)
	}
	return string(b)
}

func (r *killRig) ask(path string, out any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.get(path)), out); err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
}

// killHost is the address that datagram i is about, raw.
func killHost(i int) string { return fmt.Sprintf("0A.%02X.%02X.%02X", 1+i>>16, i>>8&255, i&255) }

// send sends n datagrams. One that cannot be sent, because nobody is there, counts as sent.
func (r *killRig) send(n int) {
	r.t.Helper()
	for range n {
		b, octets := killDatagram(r.t, r.builder, len(r.sent))
		_, _ = r.conn.Write(b)
		r.sent = append(r.sent, killed{octets: octets})
	}
}

// killFlow returns a datagram of an exporter that sends no other.
func killFlow(t *testing.T, i int) []byte {
	t.Helper()
	b, err := netflow.NewBuilder(netflow.V5, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := killDatagram(t, b, i)
	return d
}

// killDatagram returns the datagram about host i, which is the builder's, and how many octets it tells of.
func killDatagram(t *testing.T, b *netflow.Builder, i int) (d []byte, octets float64) {
	t.Helper()
	b.Begin(netflow.Header{Export: schema.Instant(time.Now().UnixNano()), Uptime: uint32(1000 * i)})
	for j := range killRecords {
		var v [18]schema.Value
		src, dst, n := ip4(192, 0, 2, 1), ip4(10, byte(1+i>>16), byte(i>>8), byte(i)), uint64(1000+7*i+j)
		v[0].SetIP(src[12:])
		v[1].SetIP(dst[12:])
		v[5].SetUint(1)                  // packets
		v[6].SetUint(n)                  // octets
		v[7].SetUint(uint64(1000 * i))   // first
		v[8].SetUint(uint64(1000 * i))   // last
		v[9].SetUint(uint64(50_000 + j)) // source port
		v[10].SetUint(uint64(8000 + j))  // destination port
		v[12].SetUint(17)                // UDP
		b.Record(netflow.V5Template(), v[:]...)
		octets += float64(n)
	}
	d, err := b.Datagram()
	if err != nil {
		t.Fatal(err)
	}
	return d, octets
}

// sql asks the store of the program that has ended.
func (r *killRig) sql(query string) [][]json.RawMessage {
	r.t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"sql", "--data", r.data, "--format", "json", "--limit", "100000", query},
		&out, &errs)
	var a sqlTable
	if err := json.Unmarshal(out.Bytes(), &a); code != exitOK || err != nil || a.Truncated {
		r.t.Fatalf("%s: exit code %d, %v, truncated %v: %s", query, code, err, a.Truncated, &errs)
	}
	return a.Rows
}

func (r *killRig) verify() {
	r.t.Helper()
	r.verifyDatagrams()
	if twice := r.sql("SELECT grp, key, at, count(*) n FROM buckets GROUP BY ALL HAVING n > 1"); len(twice) > 0 {
		r.t.Errorf("%d rows of buckets are there more than once, such as %s", len(twice), twice[0])
	}
	if twice := r.sql("SELECT grp, meter, at, rank, count(*) n FROM toppers GROUP BY ALL HAVING n > 1"); len(twice) > 0 {
		r.t.Errorf("%d rows of toppers are there more than once, such as %s", len(twice), twice[0])
	}
	r.verifyGroups()
	r.verifySessions()
}

// verifyDatagrams holds that each datagram was counted whole or not at all, and not at all only when that is allowed.
func (r *killRig) verifyDatagrams() {
	r.t.Helper()
	found := map[string]float64{}
	for _, row := range r.sql("SELECT key, sum(m0) FROM buckets WHERE grp = 'hosts' AND key LIKE '0A.%' GROUP BY 1") {
		v, err := strconv.ParseFloat(cellText(row[1]), 64)
		if err != nil {
			r.t.Fatal(err)
		}
		found[cellText(row[0])] = v
	}
	durable, lost, wrong := 0, 0, 0
	for i := range r.sent {
		d := &r.sent[i]
		v, ok := found[killHost(i)]
		delete(found, killHost(i))
		if d.durable {
			durable++
		}
		switch {
		case ok && v == d.octets:
		case !ok && !d.durable:
			lost++
		default:
			if wrong++; wrong <= 10 {
				r.t.Errorf("datagram %d, durable %v: counted as %v, want %v", i, d.durable, v, d.octets)
			}
		}
	}
	if wrong > 0 || len(found) > 0 {
		r.t.Errorf("%d of %d datagrams are wrong, %d hosts were never sent", wrong, len(r.sent), len(found))
	}
	r.t.Logf("%d datagrams, %d of them had to be there, %d were lost with the kills", len(r.sent), durable, lost)
}

// verifyGroups holds that groups which count the same traffic agree in every bucket, and the toppers with the buckets.
func (r *killRig) verifyGroups() {
	r.t.Helper()
	rows := r.sql(`SELECT at,
		sum(m0) FILTER (grp = 'hosts' AND key LIKE '0A.%') dst, sum(m0) FILTER (grp = 'hosts' AND key = 'C0.00.02.01') src,
		sum(m0) FILTER (grp = 'apps' AND key = 'SYS:GROUP_TOTALS') apps,
		sum(m0) FILTER (grp = 'aggregates' AND key = 'TOTALBW') total FROM buckets WHERE width = 5 GROUP BY 1 ORDER BY 1`)
	compared := 0
	for _, row := range rows {
		for i := range row {
			if string(row[i]) == "null" { // nothing was there but what stays the same, such as open sessions
				row[i] = json.RawMessage("0")
			}
		}
		compared++
		if !slices.Equal(row[1], row[2]) || !slices.Equal(row[1], row[3]) || !slices.Equal(row[1], row[4]) {
			r.t.Errorf("bucket %s: groups differ: %s", row[0], row[1:])
		}
	}
	if toppers := r.sql("SELECT count(*) FROM toppers WHERE rank = 0 AND meter = 0 AND grp = 'hosts'"); compared < 2 ||
		cellText(toppers[0][0]) == "0" {
		r.t.Errorf("there are %d buckets and %s toppers to compare", compared, toppers[0][0])
	}
	rows = r.sql(`WITH b AS (SELECT grp, at // 10000000000 * 10000000000 at, sum(m0) v FROM buckets
			WHERE grp IN ('hosts', 'apps') AND key = 'SYS:GROUP_TOTALS' GROUP BY 1, 2),
		t AS (SELECT grp, at, value v FROM toppers WHERE grp IN ('hosts', 'apps') AND rank = 0 AND meter = 0)
		SELECT grp, at, b.v, t.v FROM b FULL JOIN t USING (grp, at) WHERE b.v IS DISTINCT FROM t.v ORDER BY 1, 2`)
	for _, row := range rows {
		r.t.Errorf("topper bucket: group %s at %s: buckets say %s, toppers %s", row[0], row[1], row[2], row[3])
	}
}

// verifySessions holds that no conversation is there twice, and that all rows that were seen before a kill are there as
// they were.
func (r *killRig) verifySessions() {
	r.t.Helper()
	rows := r.sql(`SELECT a_ip, a_port, z_ip, z_port, count(*) n FROM sessions GROUP BY ALL HAVING n > 1`)
	if len(rows) > 0 {
		r.t.Errorf("%d conversations are there more than once, such as %s", len(rows), rows[0])
	}
	there, sessions := map[string]string{}, 0
	for at := 0; ; at += sqlMostRows {
		page := r.sql(strings.Replace(killSessions, "LIMIT 2000", fmt.Sprintf(", 1 LIMIT %d OFFSET %d", sqlMostRows, at), 1))
		for _, row := range page {
			there[cellText(row[0])] = cellText(row[1])
		}
		if sessions += len(page); len(page) < sqlMostRows {
			break
		}
	}
	for _, row := range r.sql(killBuckets) {
		there[cellText(row[0])] = cellText(row[1])
	}
	wrong := 0
	for row, value := range r.seen {
		if there[row] != value {
			if wrong++; wrong <= 10 {
				r.t.Errorf("%s was %s before a kill and is %q", row, value, there[row])
			}
		}
	}
	if wrong > 0 || sessions == 0 || len(r.seen) == 0 {
		r.t.Errorf("%d of %d rows differ from what they were; %d conversations", wrong, len(r.seen), sessions)
	}
	r.t.Logf("%d rows were seen before kills, %d conversations are stored", len(r.seen), sessions)
}
