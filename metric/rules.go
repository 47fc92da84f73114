package metric

// maxInputs is how many inputs a rule may have; maxDerived is how many columns a row may get by rules.
const (
	maxInputs  = 12
	maxDerived = 64
)

// rule derives a metric from others of the same datasource (spec sflow-rt 5.2). A rule is bound to a shape when all
// that it needs is sent, and evaluated when a reading brings one of its inputs and all that it needs is known.
type rule struct {
	name string
	need []string // inputs without which there is no result; when the first is the name itself, it is replaced
	may  []string // inputs that count as 0 when not known
	// from computes the result from need and may, in this order; ok is false when there is none.
	from func(in []float64) (f float64, ok bool)
}

// rules is in order of dependence: a rule may use what one before it made.
var rules = []rule{
	{"ifinpkts", []string{"ifinucastpkts"}, []string{"ifinmulticastpkts", "ifinbroadcastpkts"}, sum},
	{"ifoutpkts", []string{"ifoutucastpkts"}, []string{"ifoutmulticastpkts", "ifoutbroadcastpkts"}, sum},
	{"ifinutilization", []string{"ifinoctets", "ifspeed"}, nil, bitsOfSpeed},
	{"ifoututilization", []string{"ifoutoctets", "ifspeed"}, nil, bitsOfSpeed},

	{"cpu_utilization", []string{"cpu_idle"}, nil, restOfHundred},
	{"load_one_per_cpu", []string{"load_one", "cpu_num"}, nil, ratio},
	{"mem_used", []string{"mem_total", "mem_free"}, []string{"mem_buffers", "mem_cached"}, used},
	{"mem_utilization", []string{"mem_used", "mem_total"}, nil, percent},
	{"disk_utilization", []string{"disk_total", "disk_free"}, nil, usedPercent},

	{"vir_cpu_utilization", []string{"vir_cpu_time"}, []string{"vir_cpu_num"}, busyPercent},
	{"vir_mem_utilization", []string{"vir_mem_used", "vir_mem_total"}, nil, percent},
	{"vir_disk_utilization", []string{"vir_disk_used", "vir_disk_total"}, nil, percent},
	{"nvml_gpu_time", []string{"nvml_gpu_time"}, []string{"nvml_device_count"}, busyPercent},
	{"nvml_mem_time", []string{"nvml_mem_time"}, []string{"nvml_device_count"}, busyPercent},
	{"vir_nvml_gputime", []string{"vir_nvml_gputime"}, []string{"vir_nvml_device_count"}, busyPercent},
	{"vir_nvml_mem_time", []string{"vir_nvml_mem_time"}, []string{"vir_nvml_device_count"}, busyPercent},

	{"http_requests", []string{"http_method_get"}, []string{"http_method_option", "http_method_head",
		"http_method_post", "http_method_put", "http_method_delete", "http_method_trace", "http_method_connect",
		"http_method_other"}, sum},
	{"workers_utilization", []string{"workers_active", "workers_max"}, nil, percent},
	{"ovs_dp_missrate", []string{"ovs_dp_misses", "ovs_dp_hits"}, nil, percentOfBoth},

	{"bcm_host_utilization", []string{"bcm_host_entries", "bcm_host_entries_max"}, nil, percent},
	{"bcm_mac_utilization", []string{"bcm_mac_entries", "bcm_mac_entries_max"}, nil, percent},
	{"bcm_ipv4_utilization", []string{"bcm_ipv4_entries", "bcm_ipv4_entries_max"}, nil, percent},
	{"bcm_ipv6_utilization", []string{"bcm_ipv6_entries", "bcm_ipv6_entries_max"}, nil, percent},
	{"bcm_ipv4_ipv6_utilization", []string{"bcm_ipv4_ipv6_entries", "bcm_ipv4_ipv6_entries_max"}, nil, percent},
	// Clients use the misspelt name; the right one is there for everybody else.
	{"bcm_long_ipv6_utilizaton", []string{"bcm_long_ipv6_entries", "bcm_long_ipv6_entries_max"}, nil, percent},
	{"bcm_long_ipv6_utilization", []string{"bcm_long_ipv6_entries", "bcm_long_ipv6_entries_max"}, nil, percent},
	{"bcm_total_routes_utilization", []string{"bcm_total_routes", "bcm_total_routes_max"}, nil, percent},
	{"bcm_ecmp_nexthops_utilization", []string{"bcm_ecmp_nexthops", "bcm_ecmp_nexthops_max"}, nil, percent},
	{"bcm_acl_ingress_utilization", []string{"bcm_acl_ingress_entries", "bcm_acl_ingress_entries_max"}, nil, percent},
	{"bcm_acl_ingress_meters_utilization", []string{"bcm_acl_ingress_meters", "bcm_acl_ingress_meters_max"}, nil,
		percent},
	{"bcm_acl_ingress_counters_utilization", []string{"bcm_acl_ingress_counters", "bcm_acl_ingress_counters_max"}, nil,
		percent},
	{"bcm_acl_egress_utilization", []string{"bcm_acl_egress_entries", "bcm_acl_egress_entries_max"}, nil, percent},
	{"bcm_acl_egress_meters_utilization", []string{"bcm_acl_egress_meters", "bcm_acl_egress_meters_max"}, nil, percent},
	{"bcm_acl_egress_counters_utilization", []string{"bcm_acl_egress_counters", "bcm_acl_egress_counters_max"}, nil,
		percent},
}

// cpuShare are the counters of processor time (ms) that together are all of it; each becomes its percentage.
var cpuShare = []string{"cpu_user", "cpu_nice", "cpu_system", "cpu_idle", "cpu_wio", "cpu_intr", "cpu_sintr",
	"cpu_steal"}

// cpuAlso are counters of processor time that Linux counts in cpu_user and cpu_nice too.
var cpuAlso = []string{"cpu_guest", "cpu_guest_nice"}

// sum adds up.
func sum(in []float64) (f float64, ok bool) {
	for _, v := range in {
		f += v
	}
	return f, true
}

// ratio is the first by the second.
func ratio(in []float64) (f float64, ok bool) { return in[0] / in[1], in[1] > 0 }

// percent is the first in percent of the second.
func percent(in []float64) (f float64, ok bool) { return 100 * in[0] / in[1], in[1] > 0 }

// bitsOfSpeed is a rate of octets in percent of a speed in bit/s.
func bitsOfSpeed(in []float64) (f float64, ok bool) { return 800 * in[0] / in[1], in[1] > 0 }

// restOfHundred is what is missing to 100.
func restOfHundred(in []float64) (f float64, ok bool) { return 100 - in[0], true }

// used is the first less all others.
func used(in []float64) (f float64, ok bool) {
	f = in[0]
	for _, v := range in[1:] {
		f -= v
	}
	return max(f, 0), true
}

// usedPercent is what a free amount leaves of a total, in percent.
func usedPercent(in []float64) (f float64, ok bool) {
	return max(100*(in[0]-in[1])/in[0], 0), in[0] > 0
}

// busyPercent is a rate of milliseconds, summed over some units, in percent of one unit's time.
func busyPercent(in []float64) (f float64, ok bool) {
	f = in[0] / 10
	if len(in) > 1 && in[1] > 1 {
		f /= in[1]
	}
	return f, true
}

// percentOfBoth is the first in percent of the sum; 0 when nothing happened.
func percentOfBoth(in []float64) (f float64, ok bool) {
	if all := in[0] + in[1]; all > 0 {
		return 100 * in[0] / all, true
	}
	return 0, true
}
