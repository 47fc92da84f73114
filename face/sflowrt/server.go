package sflowrt

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"weir/schema"
)

func (c *call) version() error { return c.text(http.StatusOK, c.options.Version) }

// licenseTerms is the answer of /license/json: clients look whether something has run out.
type licenseTerms struct {
	Product string `json:"product"`
	Release string `json:"release"`
	Type    string `json:"type"`
	Valid   bool   `json:"valid"`
	Message string `json:"message"`
}

func (c *call) license() error {
	return c.json(licenseTerms{Product: c.options.Product, Release: c.options.Release, Type: "none", Valid: true,
		Message: "no license key is needed"})
}

func (c *call) status() error {
	failed := c.view.Failed != nil
	select {
	case <-c.engine.Stopped():
		failed = true
	default:
	}
	if failed {
		return c.text(http.StatusServiceUnavailable, "UNAVAILABLE")
	}
	return c.text(http.StatusOK, "OK")
}

// statistics is the answer of /analyzer/json. The names up to CPULoad are those that dashboards know.
type statistics struct {
	Agents     int     `json:"agentCount"`
	Bytes      uint64  `json:"receivedBytes"`
	Datagrams  uint64  `json:"receivedDatagrams"`
	Discarded  uint64  `json:"discardedDatagrams"` // before they were read: by the kernel or because a lane was full
	HeapUsed   uint64  `json:"heapUsedBytes"`
	CPULoad    float64 `json:"cpuLoadProcess"`
	Malformed  uint64  `json:"malformedDatagrams"`
	Refused    uint64  `json:"refusedDatagrams"` // repeated, or of one exporter too many
	Flow       uint64  `json:"flowSamples"`
	Counter    uint64  `json:"counterSamples"`
	Notes      uint64  `json:"notificationSamples"`
	Records    uint64  `json:"flowRecords"` // of NetFlow and IPFIX
	Frames     uint64  `json:"capturedFrames"`
	Difference int64   `json:"booksDifference"` // 0, or there is a bug
	Metrics    int     `json:"metricDatasources"`
	FlowDefs   int     `json:"flowDefinitions"`
	Thresholds int     `json:"thresholds"`
	FlowKeys   int     `json:"activeFlows"`
	FlowBytes  int     `json:"activeFlowBytes"`
	LogMissed  uint64  `json:"flowLogMissed"`
	Lanes      int     `json:"lanes"`
	Polls      int     `json:"longPolls"`
	HTTP       int     `json:"httpConnections"`
	Uptime     int64   `json:"uptime"` // ms, 0 when not known
	Time       int64   `json:"time"`   // ms since the epoch, as the data tells it
	Version    string  `json:"version"`
	Release    string  `json:"release"`
	Hostname   string  `json:"hostName,omitempty"`
	SFlowPort  int     `json:"sflowPort,omitempty"`
	HTTPPort   int     `json:"httpPort,omitempty"`
}

func (c *call) statistics() statistics {
	v, p := c.view, c.options.Process()
	b := &v.Books
	s := statistics{
		Bytes: b.Bytes, Datagrams: b.Received + p.Discarded, Discarded: p.Discarded, HeapUsed: p.HeapUsed,
		CPULoad: p.CPULoad, Records: b.FlowRecords, Frames: b.Frames, Difference: b.Difference(),
		FlowDefs: len(c.engine.State().Flows), Thresholds: len(c.engine.State().Thresholds), FlowKeys: v.FlowKeys,
		FlowBytes: v.FlowBytes, LogMissed: v.LogMissed, Lanes: c.engine.Lanes(), Polls: len(c.polls),
		HTTP: p.HTTPConnections, Time: v.At.Millis(), Version: c.options.Version, Release: c.options.Release,
		Hostname: p.Hostname, SFlowPort: port(p.Listeners["sflow"]), HTTPPort: port(p.Listeners["http"]),
	}
	if !c.options.Started.IsZero() {
		s.Uptime = time.Since(c.options.Started).Milliseconds()
	}
	for _, n := range b.Malformed {
		s.Malformed += n
	}
	for _, n := range b.Refused {
		s.Refused += n
	}
	for i := range v.Counts {
		s.Metrics += v.Counts[i].Sources
	}
	var before schema.Addr
	for i := range v.Exporters {
		x := &v.Exporters[i]
		// Sorted by address, with one element for each protocol.
		if x.Address != before {
			s.Agents++
		}
		before = x.Address
		s.Flow += x.Flow.Samples
		s.Counter += x.Counter.Samples
		s.Notes += x.Notification.Samples
	}
	return s
}

// port returns the port of an address, 0 when there is none.
func port(address string) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(text)
	return n
}

func (c *call) analyzer() error { return c.json(c.statistics()) }
