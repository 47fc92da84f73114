package vitals

import (
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	s := New()
	s.Counter("weir_ingest_datagrams_total", "listener", "sflow").Add(3)
	s.Put("weir_engine_lag_ticks", 2)
	s.Put("weir_engine_lag_ticks", 1)
	s.Gauge("weir_api_streams", func() float64 { return 7 })
	var b strings.Builder
	s.Write(&b)
	for _, want := range []string{
		"weir_ingest_datagrams_total{listener=\"sflow\"} 3\n", "weir_engine_lag_ticks 1\n", "weir_api_streams 7\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %q in:\n%s", want, b.String())
		}
	}
	if v, ok := s.Read("weir_engine_lag_ticks"); !ok || v != 1 {
		t.Errorf("Read: %v %v", v, ok)
	}
}

func TestNameRefusesHalfAPair(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a label without a value was accepted")
		}
	}()
	Name("weir_x", "only")
}
