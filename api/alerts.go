package api

import (
	"fmt"
	"net/http"
	"strings"

	"weir/alert"
	"weir/engine"
	"weir/history"
)

// alertAnswer is one alert in an answer.
type alertAnswer struct {
	At    moment `json:"at"` // end of the bucket that decided it
	Rule  string `json:"rule"`
	Kind  string `json:"kind"`  // threshold or band
	State string `json:"state"` // fired or cleared
	Group string `json:"group"`
	keyName
	Meter     int    `json:"meter"`
	MeterName string `json:"meter_name"`
	Unit      string `json:"unit"`
	Value     number `json:"value"`
	Now       number `json:"now,omitempty"` // active alerts: the value at the last bucket
	Low       number `json:"low"`           // null: none
	High      number `json:"high"`
	Priority  int    `json:"priority"` // 1 high, 2 medium, 3 low
	Message   string `json:"message"`
}

func (r *request) alertsOf(list []alert.Alert) []alertAnswer {
	state := r.server.engine.State()
	out := make([]alertAnswer, len(list))
	for i := range list {
		a := &list[i]
		out[i] = alertAnswer{
			At: moment(a.At), Rule: a.Rule, Kind: a.Kind, State: a.State, Group: a.Group,
			keyName: keyName{a.Key, a.Key, ""}, Meter: a.Meter, Value: number(a.Value), Now: number(a.Now),
			Low: number(a.Low), High: number(a.High), Priority: a.Priority, Message: a.Message,
		}
		if g := state.Group(a.Group); g != nil {
			out[i].keyName = keyNameOf(state, g, a.Key)
			if m := g.Meter(a.Meter); m != nil {
				out[i].MeterName, out[i].Unit = m.Name, m.Unit
			}
		}
	}
	return out
}

// alerts shows what rules on meters said.
func alerts(r *request) (any, error) {
	q := history.AlertQuery{Max: r.whole("max"), Rule: r.text("rule"), State: r.text("state")}
	var err error
	if q.Span, err = r.span(dayRange); err != nil {
		return nil, err
	}
	if r.text("to") == "" {
		q.Span.To++ // a bucket that ends with this tick belongs to now
	}
	if name := r.text("group"); name != "" {
		g, err := r.groupOf("group", name)
		if err != nil {
			return nil, err
		}
		q.Group = g.Name
		if text := r.text("key"); text != "" {
			if q.Key, err = r.keyOf(g, "key", text); err != nil {
				return nil, err
			}
		}
	} else {
		q.Key = r.text("key")
	}
	list, more, err := r.server.history.Alerts(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return struct {
		stamp
		Alerts []alertAnswer `json:"alerts"`
		More   bool          `json:"more"`
	}{r.stamp(), r.alertsOf(list), more}, nil
}

// activeAlerts shows what is fired now.
func activeAlerts(r *request) (any, error) {
	list := r.server.engine.Alerts()
	shown := list[:min(len(list), r.whole("max"))]
	return struct {
		stamp
		Alerts []alertAnswer `json:"alerts"`
		Total  int           `json:"total"`
	}{r.stamp(), r.alertsOf(shown), len(list)}, nil
}

// alertRules lists the rules on meters.
func alertRules(r *request) (any, error) {
	rules := r.server.engine.State().Rules
	return struct {
		stamp
		Rules []*alert.Rule `json:"rules"`
		Total int           `json:"total"`
	}{r.stamp(), append([]*alert.Rule{}, rules[:min(len(rules), r.whole("max"))]...), len(rules)}, nil
}

// alertRule shows one rule.
func alertRule(r *request) (any, error) {
	rule := r.server.engine.State().Rule(r.text("rule"))
	if rule == nil {
		return nil, refuse(http.StatusNotFound, "rule", fmt.Sprintf("there is no rule %q", r.text("rule")),
			"GET /api/v1/alert-rules lists them")
	}
	return struct {
		stamp
		Rule *alert.Rule `json:"rule"`
	}{r.stamp(), rule}, nil
}

// ruleFields are those that errors of rules begin with.
var ruleFields = []string{"name", "group", "keys", "meter", "priority", "message", "kind", "high_for", "low_for",
	"high", "low", "band.baseline", "band.weeks", "band.lower_margin", "band.upper_margin", "band.sustained",
	"band.exclude_below", "band.exclude_above", "band", "schedule.weekdays", "schedule.hours", "schedule.holidays",
	"schedule.utc_offset", "schedule"}

// putRule puts a rule in force.
func putRule(r *request) (any, error) {
	name := r.text("rule")
	var rule alert.Rule
	if err := decode(r.body, &rule); err != nil {
		return nil, err
	}
	if rule.Name != "" && rule.Name != name {
		return nil, refuse(http.StatusBadRequest, "name", fmt.Sprintf("the body says %q, the path %q", rule.Name, name),
			"leave it out of the body")
	}
	rule.Name = name
	if err := r.checkRule(&rule); err != nil {
		return nil, err
	}
	if err := r.server.engine.Do(engine.SetRule{Rule: rule}); err != nil {
		return nil, ruleFailure(name, err)
	}
	return r.changed()
}

// checkRule looks at what the rule alone cannot: its group and keys.
func (r *request) checkRule(rule *alert.Rule) error {
	if rule.Group == "" {
		return nil // Complete says so
	}
	g, err := r.groupOf("group", rule.Group)
	if err != nil {
		f := fail(err)
		f.Status = http.StatusBadRequest
		return f
	}
	rule.Group = g.Name
	whole := *rule
	if err := whole.Complete(); err != nil {
		return ruleFailure(rule.Name, err)
	}
	if _, err := whole.Compile(g.Form); err != nil {
		return ruleFailure(rule.Name, err)
	}
	if g.Meter(rule.Meter) == nil {
		return refuse(http.StatusBadRequest, "meter", fmt.Sprintf("group %q has no meter %d", g.Name, rule.Meter),
			fmt.Sprintf("GET /api/v1/groups/%s lists them", g.Name))
	}
	return nil
}

// ruleFailure turns an error about a rule into what a client is told.
func ruleFailure(name string, err error) error {
	f := fail(err)
	f.Message = strings.TrimPrefix(f.Message, fmt.Sprintf("rule %q: ", name))
	for _, field := range ruleFields {
		if rest, ok := strings.CutPrefix(f.Message, field+": "); ok {
			f.Field, f.Message = field, rest
			break
		}
	}
	return f
}

// dropRule takes a rule out of force.
func dropRule(r *request) (any, error) {
	if err := r.server.engine.Do(engine.DropRule{Name: r.text("rule")}); err != nil {
		return nil, fail(err)
	}
	return r.changed()
}
