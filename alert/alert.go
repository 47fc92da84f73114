package alert

import "weir/schema"

// Alert is one change of a rule at a key.
type Alert struct {
	At       schema.Instant // end of the bucket that decided it
	Rule     string         // its name
	Kind     string         // KindThreshold or KindBand
	State    string         // Fired or Cleared
	Group    string         // short name of the counter group
	Key      string         // raw; key.Totals for the sum over all keys
	Meter    int
	Value    float64 // that decided it, in the unit in which the meter is shown
	Low      float64 // lower limit in force; NaN when there is none
	High     float64 // upper limit in force; NaN when there is none
	Priority int     // 1 high, 2 medium, 3 low
	Message  string  // the rule's

	Now float64 // what Book.Active returns: the value at the last bucket; else Value
}

// The states of an Alert, as schema.TableAlerts has them.
const (
	Fired   = "fired"
	Cleared = "cleared"
)

// AppendBlock appends an alert to a block of schema.TableAlerts.
func AppendBlock(b *schema.Block, a *Alert) {
	for i := range b.Columns {
		c := &b.Columns[i]
		switch c.Name {
		case "at":
			c.Ints = append(c.Ints, int64(a.At))
		case "rule":
			c.Texts.AppendString(a.Rule)
		case "kind":
			c.Texts.AppendString(a.Kind)
		case "state":
			c.Texts.AppendString(a.State)
		case "grp":
			c.Texts.AppendString(a.Group)
		case "key":
			c.Texts.AppendString(a.Key)
		case "meter":
			c.Ints = append(c.Ints, int64(a.Meter))
		case "value":
			c.Floats = append(c.Floats, a.Value)
		case "low":
			c.Floats = append(c.Floats, a.Low)
		case "high":
			c.Floats = append(c.Floats, a.High)
		case "priority":
			c.Ints = append(c.Ints, int64(a.Priority))
		case "message":
			c.Texts.AppendString(a.Message)
		}
	}
	b.Rows++
}
