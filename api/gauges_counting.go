package api

import (
	"weir/engine"
	"weir/meter"
)

// publishCounting publishes what sessions and counter groups count of their own work.
func (s *Server) publishCounting(v *engine.View) {
	var c engine.Counts
	for i := range v.Counts {
		l := &v.Counts[i]
		c.Sessions, c.SessionBytes = c.Sessions+l.Sessions, c.SessionBytes+l.SessionBytes
		c.New, c.Ended, c.Early = c.New+l.New, c.Ended+l.Ended, c.Early+l.Early
		c.Lost, c.Twice = c.Lost+l.Lost, c.Twice+l.Twice
		c.Meter.Records, c.Meter.Late = c.Meter.Records+l.Meter.Records, c.Meter.Late+l.Meter.Late
		c.Meter.Early, c.Meter.Unfit = c.Meter.Early+l.Meter.Early, c.Meter.Unfit+l.Meter.Unfit
		c.Meter.Pages += l.Meter.Pages
	}
	s.put("weir_session_live", uint64(c.Sessions))
	s.put("weir_session_table_bytes", uint64(c.SessionBytes))
	s.put("weir_session_begun_total", c.New)
	s.put("weir_session_ended_total", c.Ended)
	s.put("weir_session_ended_early_total", c.Early)
	s.put("weir_session_lost_total", c.Lost)
	s.put("weir_session_told_twice_total", c.Twice)
	s.put("weir_meter_records_total", c.Meter.Records)
	s.put("weir_meter_late_total", c.Meter.Late)
	s.put("weir_meter_early_total", c.Meter.Early)
	s.put("weir_meter_unfit_keys_total", c.Meter.Unfit)
	s.put("weir_meter_pages_total", c.Meter.Pages)
	s.engine.Ledger(func(l *meter.Ledger) {
		for _, g := range l.Groups() {
			n := l.Counts(g.Name)
			s.put("weir_meter_rows_total", n.RowsSeen, "group", g.Name)
			s.put("weir_meter_rows_stored_total", n.RowsStored, "group", g.Name)
			s.put("weir_meter_rows_dropped_total", n.Dropped, "group", g.Name)
			s.put("weir_meter_rows_late_total", n.Late, "group", g.Name)
			s.put("weir_meter_rows_misfit_total", n.Misfit, "group", g.Name)
		}
		s.put("weir_meter_rows_unknown_total", l.Unknown())
	})
	s.put("weir_alert_active", uint64(len(s.engine.Alerts())))
}
