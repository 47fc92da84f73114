package api

import (
	"strconv"

	"weir/history"
	"weir/schema"
)

// meterSeries is one meter over time in an answer.
type meterSeries struct {
	Meter    int      `json:"meter"`
	Name     string   `json:"name"`
	Unit     string   `json:"unit"`
	Type     string   `json:"type"`
	Values   []number `json:"values"`             // null: nothing was counted, or it was not kept
	Stderr   []number `json:"stderr"`             // standard errors; 0 is exact
	Missed   []number `json:"missed,omitempty"`   // what values may lack at most, as the group was full
	Previous []number `json:"previous,omitempty"` // of the earlier range
}

// seriesTotal is what a meter came to over the range.
type seriesTotal struct {
	Volume   number  `json:"volume"` // what was counted in all; null for meters that do not add up
	Stderr   number  `json:"stderr"` // of volume
	Mean     number  `json:"mean"`   // of the points, as the next ones
	Min      number  `json:"min"`
	Max      number  `json:"max"`
	P95      number  `json:"p95"`
	Latest   number  `json:"latest"`
	Previous *number `json:"previous,omitempty"` // volume of the earlier range, or the mean
}

// series shows how meters of a key went.
func series(r *request) (*sheet, error) {
	g, raw, err := r.key()
	if err != nil {
		return nil, err
	}
	q := history.SeriesQuery{Group: g, Key: raw, Shape: r.shape(), Now: r.view.At}
	if q.Meters, err = r.listOfMeters(); err != nil {
		return nil, err
	}
	if q.Span, err = r.span(defaultRange); err != nil {
		return nil, err
	}
	if q.Step, err = history.ParseStep(r.text("step")); err != nil {
		return nil, err
	}
	if q.Earlier, err = history.ParseEarlier(r.text("compare")); err != nil {
		return nil, err
	}
	s, err := r.server.history.Series(r.Context(), q)
	if err != nil {
		return nil, err
	}
	a := struct {
		past
		Group string `json:"group"`
		keyName
		From   moment                 `json:"from"`
		To     moment                 `json:"to"`
		Step   float64                `json:"step_s"` // distance of the points, seconds
		Times  []moment               `json:"times"`  // when the points begin
		Open   bool                   `json:"open"`   // the last point is still being counted
		Series []meterSeries          `json:"series"`
		Totals map[string]seriesTotal `json:"totals"` // by meter
	}{
		past: r.past(s.Resolution, true), Group: g.Name, keyName: r.keyName(g, raw), From: moment(s.Span.From),
		To: moment(s.Span.To), Step: s.Step.Seconds(), Times: moments(s.Times), Open: s.Open, Series: []meterSeries{},
		Totals: map[string]seriesTotal{},
	}
	for i := range s.Lines {
		l := &s.Lines[i]
		m := meterSeries{Meter: l.Meter.ID, Name: l.Meter.Name, Unit: l.Unit, Type: l.Meter.Type.String(),
			Values: numbers(l.Values), Stderr: numbers(l.Stderr)}
		if l.Missed != nil {
			m.Missed = numbers(l.Missed)
		}
		t := seriesTotal{number(l.Total.Volume), number(l.Total.Stderr), number(l.Total.Mean), number(l.Total.Min),
			number(l.Total.Max), number(l.Total.P95), number(l.Total.Latest), nil}
		if l.Previous != nil {
			m.Previous = numbers(l.Previous)
			previous := number(l.Total.Previous)
			t.Previous = &previous
		}
		a.Exact = a.Exact && l.Exact()
		a.Series = append(a.Series, m)
		a.Totals[strconv.Itoa(l.Meter.ID)] = t
	}
	return &sheet{name: g.Name + "-series", json: a, table: func() *schema.Block { return seriesTable(s) }}, nil
}

// seriesTable has a row for each point: its time, and for each meter its value and standard error.
func seriesTable(s *history.Series) *schema.Block {
	var t tableOf
	at := make([]int64, len(s.Times))
	for i, when := range s.Times {
		at[i] = int64(when) / 1e9
	}
	t.ints("time", at)
	for i := range s.Lines {
		name := "m" + strconv.Itoa(s.Lines[i].Meter.ID)
		t.floats(name, s.Lines[i].Values)
		t.floats(name+"_stderr", s.Lines[i].Stderr)
		if s.Lines[i].Previous != nil {
			t.floats(name+"_previous", s.Lines[i].Previous)
		}
	}
	return &t.Block
}
