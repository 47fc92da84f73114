package sflow

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"weir/schema"
)

// show makes "name=value" of a metric; counters end in c or C by their width.
func show(m schema.Metric) string {
	switch m.Kind {
	case schema.Counter32:
		return fmt.Sprintf("%s=%dc", m.Name, m.N)
	case schema.Counter64:
		return fmt.Sprintf("%s=%dC", m.Name, m.N)
	case schema.Gauge:
		return fmt.Sprintf("%s=%g", m.Name, m.F)
	}
	return m.Name + "='" + string(m.Text) + "'"
}

// readings writes one counter sample and returns its metrics as text.
func readings(t *testing.T, s *Sample, write func(*Builder)) string {
	t.Helper()
	var b Builder
	b.Start(nil, testHead)
	b.CounterSample(s, Expanded)
	write(&b)
	d := parse(t, b.Bytes())
	var r Readings
	var list []string
	for _, m := range r.Append(nil, d, next(t, d)) {
		list = append(list, show(m))
	}
	return strings.Join(list, " ")
}

func TestInterfaceReadings(t *testing.T) {
	got := readings(t, &Sample{Index: 3}, func(b *Builder) {
		b.IfCounters(&IfCounters{Index: 3, Type: 6, Speed: 1e9, Direction: 1, Status: 1,
			In:              IfDirection{1 << 40, 1, NoCounter, NoCounter, 2, 3},
			InUnknownProtos: NoCounter,
			Out:             IfDirection{NoCounter64, 4, 5, 6, 7, 8}})
		b.PortName("eth0")
	})
	want := "ifindex='3' iftype='ethernetCsmacd' ifspeed=1e+09 ifdirection='full-duplex' ifadminstatus='up' " +
		"ifoperstatus='down' ifinoctets=1099511627776C ifinucastpkts=1c ifindiscards=2c ifinerrors=3c " +
		"ifoutucastpkts=4c ifoutmulticastpkts=5c ifoutbroadcastpkts=6c ifoutdiscards=7c ifouterrors=8c ifname='eth0'"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHostReadings(t *testing.T) {
	uuid := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff}
	write := func(b *Builder) { b.HostDescr("web1", uuid, 3, 2, "") }
	for class, want := range map[uint8]string{
		2: "host_name='web1' uuid='00010203-0405-0607-0809-0a0b0c0d0eff' machine_type='x86_64' os_name='linux'",
		3: "vir_host_name='web1' vir_uuid='00010203-0405-0607-0809-0a0b0c0d0eff' vir_machine_type='x86_64' " +
			"vir_os_name='linux'"} {
		if got := readings(t, &Sample{Class: class, Index: 1}, write); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	got := readings(t, &Sample{Class: 2, Index: 1}, func(b *Builder) {
		b.HostDescr("h", [16]byte{}, 99, 0, "6.1")
		b.HostCPU(&HostCPU{Load1: 0.5, Load5: -1, CPUs: 8, Speed: NoCounter, User: 1001, Steal: 7})
		b.HostMemory(&HostMemory{Total: 1 << 36, Free: NoCounter64, PageIn: 4})
		b.HostDisk(&HostDisk{Total: 10, Free: 5, MaxUsed: 7550, Reads: 1, BytesRead: 2, ReadTime: 3, Writes: 4,
			BytesWritten: 5, WriteTime: 6})
		b.HostDisk(&HostDisk{MaxUsed: NoCounter})
		b.HostNet(2006, &NetCounters{1, 2, 3, 4}, &NetCounters{5, 6, 7, 8})
		b.HTTPCounters(&[15]uint32{1: 10, 14: 3})
		b.AppOperations("shop", &[11]uint32{5, 4})
		b.AppResources(&AppResources{UserTime: 1, MemUsed: 2, ConnMax: 3})
		b.AppWorkers(1, 2, 3, 4, 5)
	})
	for _, want := range []string{"machine_type='99'", "os_name='unknown'", "os_release='6.1'", "load_one=0.5",
		"cpu_num=8",
		"cpu_user=1001c", "cpu_steal=7c", "mem_total=6.8719476736e+10", "page_in=4c", "part_max_used=75.5",
		"disk_reads=1c", "bytes_read=2C", "read_time=3c", "disk_writes=4c", "bytes_written=5C", "write_time=6c",
		"bytes_in=1C", "pkts_in=2c", "errs_in=3c", "drops_in=4c", "bytes_out=5C", "drops_out=8c", "http_method_get=10c",
		"http_status_other=3c",
		"app_name='shop'", "app_success=5c", "app_other=4c", "app_usertime=1c", "app_mem_used=2",
		"app_conn_max=3", "workers_active=1", "req_dropped=5c"} {
		if !strings.Contains(" "+got+" ", " "+want+" ") {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	for _, no := range []string{" uuid=", "load_five", "cpu_speed", "mem_free"} {
		if strings.Contains(got, no) {
			t.Errorf("%s is in %s", no, got)
		}
	}
}

// TestReadingsOfOldAgent is a host_cpu of before 2014, cut behind contexts.
func TestReadingsOfOldAgent(t *testing.T) {
	got := readings(t, &Sample{Class: 2, Index: 1}, func(b *Builder) {
		b.Words(0, 2003, math.Float32bits(1), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
	})
	if !strings.HasSuffix(got, " interrupts=13c contexts=14c") {
		t.Error(got)
	}
}

func TestOpticalReadings(t *testing.T) {
	got := readings(t, &Sample{Index: 1}, func(b *Builder) {
		b.Words(0, 10, 77, 2, 3300, 41000, 2, 1, 6001, 501, 400, 600, 850, 451, 300, 700, 850, 2, 6002, NoCounter, 4,
			5, 6, 7, 8, 9, 10)
	})
	want := "opt_module_id=77 opt_module_lanes=2 opt_module_supply_voltage=3300 opt_module_temperature=41000 " +
		"opt_lane1_tx_bias_current=6001 opt_lane1_tx_power=501 opt_lane1_tx_power_min=400 opt_lane1_tx_power_max=600 " +
		"opt_lane1_tx_wavelength=850 opt_lane1_rx_power=451 opt_lane1_rx_power_min=300 opt_lane1_rx_power_max=700 " +
		"opt_lane1_rx_wavelength=850 opt_lane2_tx_bias_current=6002 opt_lane2_tx_power_min=4 opt_lane2_tx_power_max=5 " +
		"opt_lane2_tx_wavelength=6 opt_lane2_rx_power=7 opt_lane2_rx_power_min=8 opt_lane2_rx_power_max=9 " +
		"opt_lane2_rx_wavelength=10"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestReadingsOfAllRecords looks for metrics of the structures that Builder has no method for.
func TestReadingsOfAllRecords(t *testing.T) {
	found := map[string]bool{}
	var r Readings
	for _, b := range payloads(t, "synthetic-v5-all-records") {
		d := parse(t, b)
		for s := (Sample{}); ; {
			if ok, err := d.Next(&s); err != nil {
				t.Fatal(err)
			} else if !ok {
				break
			}
			for _, m := range r.Append(nil, d, &s) {
				if m.Name == "" || m.Kind == 0 {
					t.Errorf("a metric without a name or kind: %+v", m)
				}
				found[show(m)] = true
			}
		}
	}
	for _, want := range []string{"agg_actorsystemid='02BB00000001'", "agg_attachedaggid='1001'",
		"agg_actoradminportstate=61", "agg_lacpdusrx=1001c", "cpu_5sec=12.34", "memory_free=3.221225472e+09",
		"of_dpid='0000aabbccddeeff'", "of_port='13'", "ifname='s1-eth1'", "eth_latecollision=1007c", "vlan_id=101",
		"vlan_octets=123456789013C", "pfc_requests=1001c", "tcp_currestab=1009", "tcp_insegs=1010c", "udp_noports=1002c",
		"vir_host_name='vm-1'", "vir_cpu_state='running'", "vir_cpu_time=123457c", "vir_mem_total=8.589934592e+09",
		"vir_bytes_in=5555C", "jvm_name='tomcat1'", "jvm_heap_used=1002", "mc_get_hits=1004c", "ovs_dp_flows=1005",
		"nvml_gpu_time=123457c", "bcm_acl_egress_slices_max=1036", "m1=777c", "m2='hello'", "m3=1.234"} {
		if !found[want] {
			t.Errorf("%s was not read", want)
		}
	}
}

func TestCustomNamesAreBounded(t *testing.T) {
	var r Readings
	for i := range MaxCustomNames + 10 {
		r.name(fmt.Append(nil, "name", i))
	}
	if len(r.custom) != MaxCustomNames {
		t.Errorf("%d names", len(r.custom))
	}
	if _, ok := r.name([]byte("name5")); !ok {
		t.Error("a known name was refused")
	}
	if _, ok := r.name([]byte(strings.Repeat("x", 256))); ok {
		t.Error("a long name was taken")
	}
}

func TestReadingsDoNotAllocate(t *testing.T) {
	for _, name := range []string{"derived-hsflowd-apps-a", "synthetic-v5-all-records", "overflowd-switch-a"} {
		list := payloads(t, name)
		var d Datagram
		var s Sample
		var r Readings
		var metrics []schema.Metric
		walk := func() {
			for _, b := range list {
				if d.Parse(b) != nil {
					continue
				}
				for ok, _ := d.Next(&s); ok; ok, _ = d.Next(&s) {
					metrics = r.Append(metrics[:0], &d, &s)
				}
			}
		}
		walk()
		if n := testing.AllocsPerRun(5, walk); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
