package sflow

import "weir/schema"

// netFields are the fields of host_net_io and virt_net_io.
func netFields(metric string) []Field {
	return join([]Field{count64("bytes_in", metric+"bytes_in")},
		counters("", metric, "pkts_in", "errs_in", "drops_in"),
		[]Field{count64("bytes_out", metric+"bytes_out")},
		counters("", metric, "pkts_out", "errs_out", "drops_out"))
}

// descrFields are the fields of host_descr: of a host, or with other metric names of a virtual machine or container.
func descrFields(name, prefix string) []Field {
	return []Field{text("hostname", name), as(schema.Label, TypeUUID, "uuid", prefix+"uuid"),
		labelled("machine_type", prefix+"machine_type", machineTypes), labelled("os_name", prefix+"os_name", osNames),
		text("os_release", prefix+"os_release")}
}

// gpuFields are the fields of nvidia_gpu.
func gpuFields(prefix, gpuTime string) []Field {
	return []Field{gauge("device_count", prefix+"device_count"), gauge("processes", prefix+"processes"),
		count("gpu_time", prefix+gpuTime), count("mem_time", prefix+"mem_time"), gauge64("mem_total", prefix+"mem_total"),
		gauge64("mem_free", prefix+"mem_free"), count("ecc_errors", prefix+"ecc_errors"),
		count("energy", prefix+"energy"), gauge("temperature", prefix+"temperature"),
		gauge("fan_speed", prefix+"fan_speed")}
}

// virtualTable has what a structure becomes when its datasource is a virtual machine or container (class 3).
var virtualTable = []Structure{
	{0, 2000, "host_descr", descrFields("vir_host_name", "vir_")},
	{5703, 1, "nvidia_gpu", gpuFields("vir_nvml_", "gputime")},
}

// hostTable has the counter structures of hosts, virtual machines and the machinery around them (wire-formats 1.7).
// Times in milliseconds stay counters of milliseconds; package metric makes percentages of them.
var hostTable = []Structure{
	{0, 2000, "host_descr", descrFields("host_name", "")},
	{0, 2001, "host_adapters", []Field{list("adapters", u32("ifIndex"), list("mac_address", mac("")))}},
	{0, 2002, "host_parent", words(TypeU32, "container_type", "container_index")},
	{0, 2003, "host_cpu", join([]Field{as(schema.Gauge, TypeF32, "load_one", "load_one"),
		as(schema.Gauge, TypeF32, "load_five", "load_five"), as(schema.Gauge, TypeF32, "load_fifteen", "load_fifteen")},
		asGauges(counters("", "", "proc_run", "proc_total", "cpu_num", "cpu_speed", "uptime")),
		counters("", "", "cpu_user", "cpu_nice", "cpu_system", "cpu_idle", "cpu_wio", "cpu_intr", "cpu_sintr",
			"interrupts", "contexts", "cpu_steal", "cpu_guest", "cpu_guest_nice"))},
	{0, 2004, "host_memory", join([]Field{gauge64("mem_total", "mem_total"), gauge64("mem_free", "mem_free"),
		gauge64("mem_shared", "mem_shared"), gauge64("mem_buffers", "mem_buffers"),
		gauge64("mem_cached", "mem_cached"), gauge64("swap_total", "swap_total"), gauge64("swap_free", "swap_free")},
		counters("", "", "page_in", "page_out", "swap_in", "swap_out"))},
	{0, 2005, "host_disk_io", []Field{gauge64("disk_total", "disk_total"), gauge64("disk_free", "disk_free"),
		percentage("part_max_used", "part_max_used"), count("reads", "disk_reads"), count64("bytes_read", "bytes_read"),
		count("read_time", "read_time"), count("writes", "disk_writes"), count64("bytes_written", "bytes_written"),
		count("write_time", "write_time")}},
	{0, 2006, "host_net_io", netFields("")},
	{0, 2007, "mib2_ip_group", gauges(counters("ip", "ip_", "Forwarding", "DefaultTTL", "InReceives", "InHdrErrors",
		"InAddrErrors", "ForwDatagrams", "InUnknownProtos", "InDiscards", "InDelivers", "OutRequests", "OutDiscards",
		"OutNoRoutes", "ReasmTimeout", "ReasmReqds", "ReasmOKs", "ReasmFails", "FragOKs", "FragFails", "FragCreates"),
		"ipForwarding", "ipDefaultTTL", "ipReasmTimeout")},
	{0, 2008, "mib2_icmp_group", counters("icmp", "icmp_", "InMsgs", "InErrors", "InDestUnreachs", "InTimeExcds",
		"InParamProbs", "InSrcQuenchs", "InRedirects", "InEchos", "InEchoReps", "InTimestamps", "InAddrMasks",
		"InAddrMaskReps", "OutMsgs", "OutErrors", "OutDestUnreachs", "OutTimeExcds", "OutParamProbs", "OutSrcQuenchs",
		"OutRedirects", "OutEchos", "OutEchoReps", "OutTimestamps", "OutTimestampReps", "OutAddrMasks",
		"OutAddrMaskReps")},
	{0, 2009, "mib2_tcp_group", gauges(counters("tcp", "tcp_", "RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn",
		"ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets", "CurrEstab", "InSegs", "OutSegs", "RetransSegs",
		"InErrs", "OutRsts", "InCsumErrors"),
		"tcpRtoAlgorithm", "tcpRtoMin", "tcpRtoMax", "tcpMaxConn", "tcpCurrEstab")},
	{0, 2010, "mib2_udp_group", counters("udp", "udp_", "InDatagrams", "NoPorts", "InErrors", "OutDatagrams",
		"RcvbufErrors", "SndbufErrors", "InCsumErrors")},
	{0, 2100, "virt_node", []Field{gauge("mhz", "vir_node_mhz"), gauge("cpus", "vir_node_cpus"),
		gauge64("memory", "vir_node_mem_total"), gauge64("memory_free", "vir_node_mem_free"),
		gauge("num_domains", "vir_node_domains")}},
	{0, 2101, "virt_cpu", []Field{labelled("state", "vir_cpu_state", virtualStates), count("cpuTime", "vir_cpu_time"),
		gauge("nrVirtCpu", "vir_cpu_num")}},
	{0, 2102, "virt_memory", []Field{gauge64("memory", "vir_mem_used"), gauge64("maxMemory", "vir_mem_total")}},
	{0, 2103, "virt_disk_io", []Field{gauge64("capacity", "vir_disk_total"), gauge64("allocation", "vir_disk_used"),
		gauge64("available", "vir_disk_free"), count("rd_req", "vir_disk_reads"), count64("rd_bytes", "vir_bytes_read"),
		count("wr_req", "vir_disk_writes"), count64("wr_bytes", "vir_bytes_written"), count("errs", "vir_disk_errs")}},
	{0, 2104, "virt_net_io", netFields("vir_")},
	{0, 3000, "energy", []Field{gauge("voltage", "energy_voltage"), gauge("current", "energy_current"),
		gauge("real_power", "energy_real_power"), signed("power_factor", "energy_power_factor"),
		count("energy", "energy_energy"), count("errors", "energy_errors")}},
	{0, 3001, "temperature", []Field{signed("minimum", "temperature_min"), signed("maximum", "temperature_max"),
		count("errors", "temperature_errors")}},
	{0, 3002, "humidity", []Field{percentage("relative", "humidity_relative")}},
	{0, 3003, "fans", []Field{gauge("total", "fans_total"), gauge("failed", "fans_failed"),
		percentage("speed", "fans_speed")}},
	{5703, 1, "nvidia_gpu", gpuFields("nvml_", "gpu_time")},
}
