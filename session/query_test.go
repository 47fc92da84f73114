package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/schema"
)

// found returns which of the sessions of D-16 and some more a query finds.
func found(t *testing.T, q *Query) string {
	t.Helper()
	end := func(a string, ap uint16, z string, zp uint16, proto uint8, az, za uint64) Session {
		return Session{A: addr(t, a), APort: ap, Z: addr(t, z), ZPort: zp, Proto: proto, IPv: 4, First: seconds(0),
			Last: seconds(10), AZ: Counts{Bytes: az, Packets: 1}, ZA: Counts{Bytes: za, Packets: 1}, State: StateInit,
			Exporter: addr(t, "10.255.0.1")}
	}
	list := []Session{
		end("10.0.0.1", 40001, "1.1.1.1", 443, 6, 9000, 1000), end("10.0.0.2", 40002, "2.2.2.2", 80, 6, 100, 50000),
		end("10.0.0.3", 40003, "10.0.0.4", 53, 17, 80, 200), end("3.3.3.3", 40004, "10.0.0.5", 22, 6, 700, 300),
		end("10.0.0.6", 40005, "5.5.5.5", 2500, 6, 150, 0), end("fe80::1", 5353, "ff02::fb", 5353, 17, 1, 0),
	}
	list[1].In, list[1].Out, list[1].VLAN, list[1].TOS, list[1].ID = 3, 4, 7, 0xb8, 77
	list[2].In, list[2].Out, list[2].Exporter = 4, 3, addr(t, "10.255.0.2")
	list[3].State |= StateRST | StateTerminated
	list[3].RTT, list[3].Retrans = 5000, 3
	list[5].IPv = 6
	var out []string
	for i := range list {
		if q.Match(&list[i]) {
			out = append(out, fmt.Sprintf("f%d", i+1))
		}
	}
	return strings.Join(out, " ")
}

// TestQueries is Q-07 and the fields of spec trisul 6.3.
func TestQueries(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f1 f2 f3 f4 f5 f6"},
		{"ip=10.0.0.1,port=443", "f1"},
		{"ip=10.0.0.1, port=https", "f1"},
		{"srcip=0A.00.00.01", "f1"},
		{"srcip=1.1.1.1", ""},
		{"destip=1.1.1.1,destport=p-01BB,srcport=Port-40001", "f1"},
		{"ippair=10.0.0.1|1.1.1.1", "f1"},
		{"ippair=1.1.1.1,10.0.0.1", "f1"},
		{"ippair=1.1.1.1,10.0.0.1,proto=TCP", "f1"},
		{"ippair=1.1.1.1|2.2.2.2", ""},
		{"net24=10.0.0", "f1 f2 f3 f4 f5"},
		{"net24=10.0.0.0/24", "f1 f2 f3 f4 f5"},
		{"net24=0A.00.00", "f1 f2 f3 f4 f5"},
		{"net16=1.1", "f1"},
		{"net16=1.1.0.0", "f1"},
		{"subnet_16=3.3.0", "f4"},
		{"proto=UDP", "f3 f6"},
		{"proto=11", "f3 f6"},
		{"proto=ICMP", ""},
		{"tag=x", ""},
		{"router=10.255.0.2", "f3"},
		{"ifin=3", "f2"},
		{"ifout=3", "f3"},
		{"interface=3", "f2 f3"},
		{"interface=10.255.0.1_3", "f2"},
		{"interface=0A.FF.00.01_00000003", "f2"},
		{"minbytes=10K", "f1 f2"},
		{"minbytes=10001", "f2"},
		{"volume_filter=1MB", ""},
		{"minpackets=2,minrtt=1", "f4"},
		{"minretrans=3", "f4"},
		{"vlan=7,tos=0xb8", "f2"},
		{"state=rst|fin", "f4"},
		{"state=0x800", "f4"},
		{"id=1|77|-5", "f2"},
		{"ip=fe80::1", "f6"},
		{"key=06A:0A.00.00.01:p-9C41_01.01.01.01:p-01BB", "f1"},
		{"key=06C:0A.00.00.02:p-9C42_02.02.02.02:p-0050_0A.FF.00.01_00000003_00000004", "f2"},
		{"key=11B:FE800000000000000000000000000001:p-14E9_FF0200000000000000000000000000FB:p-14E9", "f6"},
	} {
		q, err := ParseQuery(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := found(t, &q); got != c.want {
			t.Errorf("%s finds %s, want %s", c.text, got, c.want)
		}
		// A query is data: without what it keeps aside it finds the same.
		for i := range q.Where {
			q.Where[i] = slices.Clone(q.Where[i])
			for j := range q.Where[i] {
				q.Where[i][j].addr = schema.Addr{}
			}
		}
		if got := found(t, &q); got != c.want {
			t.Errorf("as data, %s finds %s, want %s", c.text, got, c.want)
		}
		checkColumns(t, &q)
	}
}

// checkColumns tells of conditions that a store could not compile.
func checkColumns(t *testing.T, q *Query) {
	t.Helper()
	for _, clause := range q.Where {
		for _, c := range clause {
			i := schema.TableSessions.Column(c.Column)
			if i < 0 {
				t.Errorf("no column %q", c.Column)
			} else if text := schema.TableSessions.Columns[i].Type == schema.ColumnText; text != (c.Text != "") {
				t.Errorf("%+v has the wrong type", c)
			}
		}
	}
}

func TestQueryTime(t *testing.T) {
	for _, c := range []struct {
		from, to float64
		want     bool
	}{{0, 1, true}, {10, 20, true}, {10.5, 20, false}, {-5, 0, false}, {-5, 0.5, true}, {3, 4, true}} {
		q := Query{From: seconds(c.from), To: seconds(c.to)}
		if got := found(t, &q) != ""; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if q := (Query{From: seconds(5)}); found(t, &q) == "" {
		t.Error("no end finds nothing")
	}
}

func TestQueryErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"443", "is no field=value"},
		{"prot=TCP", `did you mean "proto"?`},
		{"colour=red", "fields are destip"},
		{"ip=hello", "ip: "},
		{"port=70000", "port: "},
		{"port=ICMP00", "proto="},
		{"ippair=1.1.1.1", "is not two addresses"},
		{"ippair=1.1.1.1|x", "ippair: "},
		{"net24=10.0", "10.1.2"},
		{"net24=10.0.0.0/16", "24 bits"},
		{"net16=1.2.3.4.5", "16 bits"},
		{"net24=fe80::1", "no IPv4 network"},
		{"ifin=eth0", "ifIndex"},
		{"interface=1.1.1.1_x", "interface: "},
		{"minbytes=1X", "no number"},
		{"minbytes=-1", "no number"},
		{"minbytes=9999999999T", "no number"},
		{"vlan=5000", "4095"},
		{"state=rsd", `did you mean "rst"?`},
		{"state=0", "is no state"},
		{"id=x", "session number"},
		{"tag=", "not one tag"},
		{"key=06A:1:2", "id string"},
		{"key=06C:0A.00.00.02:p-9C42_02.02.02.02:p-0050_0A.FF.00.01_X_00000004", "id string"},
		{strings.Repeat("x", maxQuery+1), "at most"},
		{strings.Repeat("port=1,", maxTerms+1), "terms"},
	} {
		if _, err := ParseQuery(c.text); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
			t.Errorf("%.50s: %v, want ...%s...", c.text, err, c.want)
		}
	}
	q, _ := ParseQuery("port=80")
	if err := q.Add("ip", "x"); err == nil || len(q.Where) != 1 {
		t.Error(err, q)
	}
	for name, doc := range QueryFields() {
		if doc == "" {
			t.Error(name)
		}
	}
	for alias, name := range aliases {
		if QueryFields()[name] == "" {
			t.Error(alias, name)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	q, err := ParseQuery("ip=10.0.0.1,net24=10.0.0,port=443,minbytes=10")
	if err != nil {
		t.Fatal(err)
	}
	s := Session{A: addr(t, "10.0.0.1"), Z: addr(t, "10.0.0.2"), ZPort: 443, AZ: Counts{Bytes: 100}}
	if n := testing.AllocsPerRun(100, func() {
		if !q.Match(&s) {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Error(n)
	}
}
