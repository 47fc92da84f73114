package schema

import "strconv"

// The bounds of what a counter group may have; they are the columns of the tables of buckets.
const (
	MaxMeters = 32 // meters of one group
	MaxExtras = 8  // further cells of meters that need more than one (an average: how many samples)
)

func intColumn(name, unit, doc string) TableColumn  { return TableColumn{name, ColumnInt, unit, doc} }
func realColumn(name, unit, doc string) TableColumn { return TableColumn{name, ColumnFloat, unit, doc} }
func textColumn(name, doc string) TableColumn       { return TableColumn{name, ColumnText, "", doc} }

func bucketTable(name, doc string) *Table {
	t := &Table{Name: name, Doc: doc, Time: "at", Order: []string{"grp", "key", "at"}, Columns: []TableColumn{
		textColumn("grp", "short name of the counter group"),
		textColumn("key", "the key in its raw form (C0.A8.01.02); SYS:GROUP_TOTALS is the sum over all keys"),
		intColumn("at", "ns", "when the bucket begins"),
		intColumn("width", "s", "how long the bucket is"),
		intColumn("samples", "", "observations behind an estimate; 0 when the row is exact"),
		realColumn("rate", "", "mean sampling rate, one in so many; 0 when the row is exact"),
		realColumn("stderr", "", "standard error of the primary meter; 0 when the row is exact"),
		realColumn("missed", "", "what the primary meter may have missed at most, when the group was full"),
	}}
	for i := range MaxMeters {
		t.Columns = append(t.Columns, realColumn("m"+strconv.Itoa(i), "", "meter "+strconv.Itoa(i)+
			" of the group: the sum over the bucket for counters, rates and averages, else the last, largest or smallest "+
			"value"))
	}
	for i := range MaxExtras {
		t.Columns = append(t.Columns, realColumn("x"+strconv.Itoa(i), "", "further cells of meters that need more "+
			"than one, in the order of the meters: of an average how many samples it has; of a gauge with minimum, "+
			"maximum and average these: smallest, largest, sum, how many"))
	}
	return t
}

// The tables that memory keeps.
var (
	// TableBuckets holds the meters of each key of each counter group for each bucket, as counted.
	TableBuckets = bucketTable("buckets", "meters of each key of each counter group, one row a bucket")
	// TableBuckets5m holds the same in buckets of 5 minutes.
	TableBuckets5m = bucketTable("buckets_5m", "the same, rolled up to 5 minutes")
	// TableBuckets1h holds the same in buckets of an hour.
	TableBuckets1h = bucketTable("buckets_1h", "the same, rolled up to an hour")
	// TableToppers holds the largest keys of each meter for each topper bucket.
	TableToppers = &Table{Name: "toppers", Doc: "largest keys of each meter of each counter group, for each topper bucket",
		Time: "at", Order: []string{"grp", "meter", "at", "rank"}, Columns: []TableColumn{
			textColumn("grp", "short name of the counter group"),
			intColumn("meter", "", "number of the meter"),
			intColumn("at", "ns", "when the topper bucket begins"),
			intColumn("width", "s", "how long the topper bucket is"),
			intColumn("rank", "", "1 is the largest, -1 the smallest; 0 is the total of all keys (SYS:GROUP_TOTALS)"),
			textColumn("key", "the key in its raw form"),
			realColumn("value", "", "the value over the topper bucket: the sum for counters and rates"),
			realColumn("error", "", "the truth is at most value + error, because the group was full; 0 is exact"),
			realColumn("stderr", "", "standard error of an estimate from samples; 0 is exact"),
		}}
	// TableSessions holds conversations that are over, one row each.
	TableSessions = sessionTable("sessions", "conversations that are over, one row each")
	// TableRunning holds what long conversations had counted when they were reported in between.
	TableRunning = sessionTable("running", "conversations that were still going on when they were reported")
	// TableFlows holds the finished flows of definitions that log.
	TableFlows = &Table{Name: "flows", Doc: "finished flows of flow definitions with log", Time: "at",
		Order: []string{"name", "at"}, Columns: []TableColumn{
			textColumn("name", "name of the flow definition"),
			intColumn("at", "ns", "when the flow ended"),
			intColumn("started", "ns", "when the flow began"),
			textColumn("exporter", "address of the exporter"),
			textColumn("datasource", "the datasource in the exporter"),
			textColumn("key", "the flow key"),
			realColumn("value", "", "the value of the definition over the flow's life"),
			realColumn("stderr", "", "standard error of an estimate from samples; 0 is exact"),
		}}
	// TableEvents holds crossings of thresholds on flows and metrics.
	TableEvents = &Table{Name: "events", Doc: "thresholds that were crossed by flows and metrics", Time: "at",
		Order: []string{"at"}, Columns: []TableColumn{
			intColumn("at", "ns", "when it began"),
			intColumn("ended", "ns", "when it was over; 0 while it is not known"),
			textColumn("threshold", "name of the threshold"),
			textColumn("metric", "name of the metric or flow definition"),
			textColumn("exporter", "address of the exporter"),
			textColumn("datasource", "the datasource in the exporter"),
			textColumn("key", "the flow key, empty for metrics"),
			realColumn("limit", "", "the limit that was crossed"),
			realColumn("value", "", "the value that crossed it"),
			realColumn("peak", "", "the largest value while it lasted"),
		}}
	// TableAlerts holds what rules on meters said.
	TableAlerts = &Table{Name: "alerts", Doc: "alerts on meters of counter groups: fired and cleared", Time: "at",
		Order: []string{"at"}, Columns: []TableColumn{
			intColumn("at", "ns", "end of the bucket that decided it"),
			textColumn("rule", "name of the rule"),
			textColumn("kind", "threshold or band"),
			textColumn("state", "fired or cleared"),
			textColumn("grp", "short name of the counter group"),
			textColumn("key", "the key in its raw form"),
			intColumn("meter", "", "number of the meter"),
			realColumn("value", "", "the value that decided it"),
			realColumn("low", "", "lower limit in force; NaN when there is none"),
			realColumn("high", "", "upper limit in force; NaN when there is none"),
			intColumn("priority", "", "1 high, 2 medium, 3 low"),
			textColumn("message", "the rule's text"),
		}}
	// TableKeys holds which keys were seen on which day.
	TableKeys = &Table{Name: "keys", Doc: "keys of counter groups, by the day they were seen", Time: "at",
		Order: []string{"grp", "key", "at"}, Columns: []TableColumn{
			textColumn("grp", "short name of the counter group"),
			textColumn("key", "the key in its raw form"),
			intColumn("at", "ns", "when the day (UTC) begins"),
			intColumn("first", "ns", "when the key was first seen on that day: beginning of the bucket"),
		}}
	// TableSnapshots holds the sessions that trackers found in their windows.
	TableSnapshots = &Table{Name: "snapshots", Doc: "largest sessions of each tracker, for each of its windows",
		Time: "at", Order: []string{"tracker", "at", "rank"}, Columns: []TableColumn{
			textColumn("tracker", "name of the tracker"),
			intColumn("at", "ns", "when the window begins"),
			intColumn("width", "s", "how long the window is"),
			intColumn("rank", "", "1 is the largest"),
			intColumn("session", "", "number of the session (sessions.id)"),
			realColumn("metric", "", "what the tracker made of the session"),
		}}
	// TableSeries holds points of custom series.
	TableSeries = &Table{Name: "series", Doc: "points of series that scripts append", Time: "at",
		Order: []string{"schema", "tags", "metric", "at"}, Columns: []TableColumn{
			textColumn("schema", "name of the series' schema"),
			textColumn("tags", "name=value pairs, sorted, separated by commas"),
			textColumn("metric", "name of the metric"),
			intColumn("at", "ns", "the point's instant"),
			realColumn("value", "", "as appended: counters are absolute"),
		}}
)

// Tables lists all tables that memory keeps.
var Tables = []*Table{
	TableBuckets, TableBuckets5m, TableBuckets1h, TableToppers, TableSessions, TableRunning, TableFlows, TableEvents,
	TableAlerts, TableKeys, TableSnapshots, TableSeries,
}

// TableOf returns the table of that name, or nil.
func TableOf(name string) *Table {
	for _, t := range Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func sessionTable(name, doc string) *Table {
	return &Table{Name: name, Doc: doc, Time: "last", Order: []string{"last", "id"}, Columns: []TableColumn{
		intColumn("id", "", "number of the session, unique and growing with time"),
		textColumn("exporter", "address of the exporter"),
		intColumn("first", "ns", "first activity"),
		intColumn("last", "ns", "last activity"),
		intColumn("proto", "", "IP protocol number"),
		textColumn("a_ip", "address of the A end"),
		textColumn("z_ip", "address of the Z end: the one with the lower port, normally the server"),
		intColumn("a_port", "", "port of the A end; ICMP: the type"),
		intColumn("z_port", "", "port of the Z end; ICMP: the code"),
		intColumn("az_bytes", "bytes", "sent by A"),
		intColumn("za_bytes", "bytes", "sent by Z"),
		intColumn("az_packets", "packets", "sent by A"),
		intColumn("za_packets", "packets", "sent by Z"),
		intColumn("az_payload", "bytes", "TCP or UDP payload sent by A"),
		intColumn("za_payload", "bytes", "TCP or UDP payload sent by Z"),
		intColumn("state", "", "state bits"),
		intColumn("rtt", "us", "time of the TCP handshake; 0 when it was not seen"),
		intColumn("retrans", "", "segments sent again, both directions"),
		intColumn("if_in", "", "interface into the exporter, A to Z; 0 when not known"),
		intColumn("if_out", "", "interface out of the exporter, A to Z; 0 when not known"),
		intColumn("vlan", "", "outermost VLAN; 0 when there is none"),
		intColumn("tos", "", "type of service byte of the first packet"),
		intColumn("a_as", "", "AS number of the A end; 0 when not known"),
		intColumn("z_as", "", "AS number of the Z end; 0 when not known"),
		intColumn("samples", "", "observations behind an estimate; 0 when the session is exact"),
		intColumn("rate", "", "mean sampling rate, one in so many; 0 when exact"),
		textColumn("tags", "separated by |"),
	}}
}
